use atasker::background_worker;

#[background_worker()]
fn worker() -> ! {
    loop {}
}

fn main() {
    worker.start().unwrap();
    worker.stop();
}
