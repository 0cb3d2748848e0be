use atasker::background_worker;

#[background_worker(queue)]
fn worker(item: &str) {
    let _ = item;
}

fn main() {
    worker.start().unwrap();
    worker.put("x").unwrap();
    worker.put(String::new()).unwrap();
}
