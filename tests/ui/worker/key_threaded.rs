use atasker::background_worker;

#[background_worker(threaded = true)]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.stop();
}
