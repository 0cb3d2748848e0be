use atasker::background_worker;

#[background_worker(e)]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.trigger();
}
