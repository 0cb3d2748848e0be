use atasker::background_worker;

#[background_worker]
fn worker(worker: &u8) {
    println!("{worker}");
}

fn main() {
    worker.start(1).unwrap();
}
