use atasker::background_worker;

#[background_worker(event)]
fn worker(state: &Unknown) {
    let _ = state;
}

fn main() {
    worker.stop();
}
