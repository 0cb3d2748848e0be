use atasker::background_worker;

#[background_worker(cron = "@daily", interval = 1h)]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.restart().unwrap();
    worker.instance("another").start().unwrap();
    worker.trigger();
}
