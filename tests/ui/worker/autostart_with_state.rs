use atasker::background_worker;

#[background_worker(interval = 1, autostart)]
fn worker(seen: &mut u64) {
    *seen += 1;
}

fn main() {
    worker.start(0).unwrap();
}
