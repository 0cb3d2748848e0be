use atasker::background_worker;

#[background_worker(queue)]
async fn worker(item: String, db: &String) {
    std::future::ready((item, db)).await;
}

fn main() {
    worker.start(String::new()).unwrap();
    worker.put(String::new()).unwrap();
}
