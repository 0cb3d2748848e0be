use atasker::background_worker;

#[background_worker]
fn worker(state: Option<&str>) {
    println!("{state:?}");
}

fn main() {
    worker.start(Some("x")).unwrap();
}
