use atasker::{Priority, background_task};

#[background_task]
fn task<'a>(text: &'a str, other: String) -> usize {
    text.len() + other.len()
}

fn main() {
    let _: usize = task("x", String::new()).wait().unwrap();
    task::with(Priority::Low)("x", String::new());
}
