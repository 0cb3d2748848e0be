use std::rc::Rc;

use atasker::background_task;

#[background_task]
async fn task() -> usize {
    let kept = Rc::new(1);
    std::future::ready(()).await;
    *kept
}

fn main() {
    task().wait().unwrap();
}
