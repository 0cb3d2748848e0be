use atasker::background_worker;

#[background_worker]
#[atasker::background_task]
fn worker() {}

fn main() {
    worker.start().unwrap();
}
