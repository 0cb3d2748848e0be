use atasker::background_task;

#[background_task]
fn task<T: 'static>(x: T) -> u8 {
    drop(x);
    1
}

fn main() {
    let _: u8 = task(1).wait().unwrap();
}
