use std::fmt::Display;

use atasker::background_worker;

#[background_worker]
fn worker<T: Display>(state: &T, times: u8) {
    println!("{state} {times}");
}

fn main() {
    worker.start(1, 2).unwrap();
}
