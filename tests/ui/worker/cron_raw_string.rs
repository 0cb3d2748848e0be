use atasker::background_worker;

#[background_worker(cron = r#"0 9 32 * *"#)]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.restart().unwrap();
    worker.instance("another").start().unwrap();
    worker.trigger();
}
