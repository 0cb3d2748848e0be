use std::rc::Rc;

use atasker::background_task;

fn main() {
    let shared = Rc::new(1);
    background_task(move || println!("{shared}")).detach();
}
