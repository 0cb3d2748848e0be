use atasker::background_worker;

#[background_worker(queue, times = 3)]
fn worker(item: String) {
    drop(item);
}

fn main() {
    worker.start().unwrap();
    worker.restart().unwrap();
    worker.instance("another").start().unwrap();
    worker.put("one".to_owned()).unwrap();
}
