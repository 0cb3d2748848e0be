use atasker::background_worker;

#[background_worker("interval")]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.stop();
}
