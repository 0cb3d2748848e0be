use atasker::background_worker;

#[background_worker(queue, until = std::time::Instant::now())]
fn worker(item: String) {
    drop(item);
}

fn main() {
    worker.start().unwrap();
    worker.restart().unwrap();
    worker.instance("another").start().unwrap();
    worker.put("one".to_owned()).unwrap();
}
