use atasker::background_worker;

#[background_worker(event)]
async fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.trigger();
}
