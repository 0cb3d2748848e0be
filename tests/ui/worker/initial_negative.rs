use atasker::background_worker;

#[background_worker(initial = -1)]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.stop();
}
