use atasker::background_task;

#[background_task]
struct Task;

fn main() {
    let _ = Task;
}
