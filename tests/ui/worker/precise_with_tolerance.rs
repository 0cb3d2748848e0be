use atasker::background_worker;

#[background_worker(interval = 1, precise, tolerance = 1ms)]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.restart().unwrap();
    worker.instance("another").start().unwrap();
    worker.trigger();
}
