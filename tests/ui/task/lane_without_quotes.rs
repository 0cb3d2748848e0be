use atasker::background_task;

#[background_task(lane = io)]
async fn task() {}

fn main() {
    task().wait().unwrap();
}
