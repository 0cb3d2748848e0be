use atasker::background_worker;

#[background_worker(interval = 1, jitter = "10%")]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.restart().unwrap();
    worker.instance("another").start().unwrap();
    worker.trigger();
}
