use atasker::background_worker;

#[background_worker(event)]
extern "C" fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.trigger();
}
