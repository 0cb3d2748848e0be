use atasker::background_worker;

#[background_worker(queue = 10ms)]
fn worker(item: String) {
    drop(item)
}

fn main() {
    worker.start().unwrap();
    worker.put(String::new()).unwrap();
}
