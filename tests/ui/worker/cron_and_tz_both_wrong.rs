use atasker::background_worker;

#[background_worker(cron = "0 25 * * *", tz = "Europe/Pargue")]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.restart().unwrap();
    worker.instance("another").start().unwrap();
    worker.trigger();
}
