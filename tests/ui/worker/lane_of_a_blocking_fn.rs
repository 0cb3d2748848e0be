use atasker::background_worker;

#[background_worker(event, lane = "io")]
fn worker() {}

fn main() {
    worker.start().unwrap();
}
