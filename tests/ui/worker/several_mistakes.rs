use atasker::background_worker;

#[background_worker(interval = 0, priority = 1)]
fn worker() -> bool {
    true
}

fn main() {
    worker.start().unwrap();
    worker.restart().unwrap();
    worker.instance("another").start().unwrap();
    worker.trigger();
}
