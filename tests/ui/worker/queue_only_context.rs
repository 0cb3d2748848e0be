use atasker::{WorkerContext, background_worker};

#[background_worker(queue)]
fn worker(cx: &WorkerContext) {
    let _ = cx;
}

fn main() {
    worker.start().unwrap();
    worker.put(String::new()).unwrap();
}
