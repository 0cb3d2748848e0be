use atasker::{Outcome, background_worker};

#[background_worker(event)]
async fn worker() -> impl Outcome {}

fn main() {
    worker.start().unwrap();
}
