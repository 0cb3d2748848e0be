use atasker::background_worker;

#[background_worker(colour = 1)]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.stop();
}
