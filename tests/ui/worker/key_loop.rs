use atasker::background_worker;

#[background_worker(loop)]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.stop();
}
