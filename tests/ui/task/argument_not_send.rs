use std::rc::Rc;

use atasker::background_task;

#[background_task]
fn task(count: u8, shared: Rc<u8>) -> u8 {
    count + *shared
}

fn main() {
    let _: u8 = task(1, Rc::new(1)).wait().unwrap();
}
