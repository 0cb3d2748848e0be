use atasker::{WorkerContext, background_worker};

#[background_worker(queue)]
fn worker(cx: &WorkerContext, item: String) {
    let _ = (cx, item);
}

fn main() {
    worker.start().unwrap();
    worker.put(String::new()).unwrap();
}
