use atasker::{Priority, background_task};

#[background_task]
const fn task(x: u8) -> u8 {
    x
}

fn main() {
    let result: u8 = task(1).wait().unwrap();
    assert_eq!(result, task::call(1));
    task::with(Priority::High)(1);
    task::detach(1);
}
