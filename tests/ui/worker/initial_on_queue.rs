use atasker::background_worker;

#[background_worker(queue, initial = 1)]
fn worker(item: String) {
    drop(item)
}

fn main() {
    worker.start().unwrap();
    worker.put(String::new()).unwrap();
}
