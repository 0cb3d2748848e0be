use atasker::background_task;

#[background_task(lane = "io")]
fn task() {}

fn main() {
    task().wait().unwrap();
}
