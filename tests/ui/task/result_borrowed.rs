use atasker::background_task;

#[background_task]
fn task(text: &'static str) -> &str {
    text
}

fn main() {
    let _: &str = task("x").wait().unwrap();
}
