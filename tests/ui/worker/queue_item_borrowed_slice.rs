use atasker::background_worker;

#[background_worker(queue)]
fn worker(item: &[u8]) {
    let _ = item;
}

fn main() {
    worker.start().unwrap();
    worker.put(vec![1]).unwrap();
}
