use atasker::background_task;

#[background_task]
fn task(x: u8, #[cfg(all())] y: u8) -> u8 {
    x + y
}

fn main() {
    let _: u8 = task(1, 2).wait().unwrap();
}
