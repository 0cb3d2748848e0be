use atasker::background_worker;

#[background_worker()]
fn worker() -> u8 {
    1
}

fn main() {
    worker.start().unwrap();
    worker.stop();
}
