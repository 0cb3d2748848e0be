use atasker::background_task;

#[background_task]
fn task(x: u8) -> ! {
    loop {
        println!("{x}");
    }
}

fn main() {
    task(1).wait().unwrap();
}
