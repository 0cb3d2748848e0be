use atasker::background_worker;

#[background_worker(queue)]
fn worker() {}

fn main() {
    worker.start().unwrap();
    worker.put(String::new()).unwrap();
    worker.try_put(1).unwrap();
}
