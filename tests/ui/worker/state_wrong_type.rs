use atasker::background_worker;

#[background_worker]
fn worker(state: &u8) {
    println!("{state:?}");
}

fn main() {
    worker.start("x").unwrap();
}
