use std::rc::Rc;

use atasker::background_worker;

#[background_worker(event)]
async fn worker() {
    let _kept = Rc::new(1);
    std::future::ready(()).await;
}

fn main() {
    worker.start().unwrap();
}
