use atasker::background_worker;

#[background_worker(priority = TASK_HIGH)]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.stop();
}
