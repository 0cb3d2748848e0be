use atasker::{Priority, background_task};

#[background_task]
fn task(text: Option<&str>) -> usize {
    text.map_or(0, str::len)
}

fn main() {
    let _: usize = task(Some("x")).wait().unwrap();
    task::with(Priority::Low)(None);
}
