use std::fmt::Display;

use atasker::background_worker;

#[background_worker]
fn worker(state: impl Display + Clone) {
    println!("{state}");
}

fn main() {
    worker.start(1).unwrap();
}
