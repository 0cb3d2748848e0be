use atasker::background_worker;

#[background_worker(precise)]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.restart().unwrap();
    worker.instance("another").start().unwrap();
    worker.request_stop();
}
