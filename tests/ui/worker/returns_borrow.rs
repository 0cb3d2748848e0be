use atasker::{WorkerContext, background_worker};

#[background_worker()]
fn worker(cx: &WorkerContext) -> Result<(), &str> {
    Err(cx.name())
}

fn main() {
    worker.start().unwrap();
    worker.stop();
}
