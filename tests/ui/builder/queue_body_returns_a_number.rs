use atasker::background_worker;

fn main() {
    let worker = background_worker(|n: u32| n + 1).queue().start().unwrap();
    worker.put(1).unwrap();
}
