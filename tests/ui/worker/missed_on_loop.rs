use atasker::background_worker;

#[background_worker(missed = skip)]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.stop();
}
