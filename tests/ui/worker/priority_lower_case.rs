use atasker::background_worker;

#[background_worker(priority = critical)]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.stop();
}
