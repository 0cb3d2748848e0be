use atasker::background_worker;

#[background_worker(delay = 1, missed = skip)]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.stop();
}
