use atasker::background_worker;

#[background_worker(cron = "@daily", tz = "+02:00")]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.restart().unwrap();
    worker.instance("another").start().unwrap();
    worker.trigger();
}
