use atasker::background_worker;

#[background_worker(event)]
const fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.trigger();
}
