use std::fmt::Display;

use atasker::background_worker;

#[background_worker(queue)]
fn worker<T: Display>(item: T) {
    println!("{item}");
}

fn main() {
    worker.start().unwrap();
    worker.put(1).unwrap();
    worker.put("x").unwrap();
}
