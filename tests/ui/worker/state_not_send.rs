use std::rc::Rc;

use atasker::background_worker;

#[background_worker]
fn worker(state: Rc<u8>) {
    println!("{state:?}");
}

fn main() {
    worker.start(Rc::new(1)).unwrap();
}
