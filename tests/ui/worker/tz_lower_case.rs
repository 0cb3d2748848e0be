use atasker::background_worker;

#[background_worker(cron = "@daily", tz = local)]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.restart().unwrap();
    worker.instance("another").start().unwrap();
    worker.trigger();
}
