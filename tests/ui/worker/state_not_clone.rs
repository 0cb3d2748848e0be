use atasker::background_worker;

#[derive(Debug)]
struct Once;

#[background_worker]
fn worker(state: Once) {
    println!("{state:?}");
}

fn main() {
    worker.start(Once).unwrap();
    worker.restart(Once).unwrap();
}
