use atasker::{Priority, background_task};

#[background_task]
fn task(text: &str) -> usize {
    text.len()
}

fn main() {
    let length: usize = task("x").wait().unwrap();
    assert_eq!(length, task::call("x"));
    task(&String::new());
    task::with(Priority::High)("x");
    task::detach("x");
}
