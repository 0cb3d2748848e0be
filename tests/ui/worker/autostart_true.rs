use atasker::background_worker;

#[background_worker(autostart = true)]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.stop();
}
