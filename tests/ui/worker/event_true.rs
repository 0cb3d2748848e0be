use atasker::background_worker;

#[background_worker(event = true)]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.trigger();
}
