use atasker::background_task;

#[background_task]
fn task(x: Unknown) {
    drop(x);
}

fn main() {
    task::detach(1);
}
