use atasker::background_worker;

#[background_worker(on_error)]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.stop();
}
