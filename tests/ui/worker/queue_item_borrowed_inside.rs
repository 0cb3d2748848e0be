use atasker::background_worker;

#[background_worker(queue)]
fn worker(item: Option<&str>) {
    let _ = item;
}

fn main() {
    worker.start().unwrap();
    worker.put(Some("x")).unwrap();
}
