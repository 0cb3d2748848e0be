use atasker::background_worker;

#[background_worker(companion = false)]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.stop();
}
