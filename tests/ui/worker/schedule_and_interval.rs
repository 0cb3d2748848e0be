use atasker::background_worker;

#[background_worker(schedule = |cx: &atasker::ScheduleContext| Some(cx.now().into()), interval = 1)]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.restart().unwrap();
    worker.instance("another").start().unwrap();
    worker.trigger();
}
