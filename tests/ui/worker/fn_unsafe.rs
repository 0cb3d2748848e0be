use atasker::background_worker;

#[background_worker(event)]
unsafe fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.trigger();
}
