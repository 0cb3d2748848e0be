use atasker::background_worker;

#[background_worker(priority = 1)]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.stop();
}
