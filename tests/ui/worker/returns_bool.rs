use atasker::background_worker;

#[background_worker()]
fn worker() -> bool {
    true
}

fn main() {
    worker.start().unwrap();
    worker.stop();
}
