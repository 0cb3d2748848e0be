use atasker::{WorkerContext, background_worker};

#[background_worker]
fn worker(cx: WorkerContext) {
    println!("{}", cx.run());
}

fn main() {
    worker.start().unwrap();
}
