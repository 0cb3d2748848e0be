use atasker::background_worker;

#[background_worker(event = false)]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.trigger();
}
