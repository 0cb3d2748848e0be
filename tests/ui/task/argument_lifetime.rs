use std::borrow::Cow;

use atasker::background_task;

#[background_task]
fn task(text: Cow<'_, str>) -> usize {
    text.len()
}

fn main() {
    let _: usize = task("x".into()).wait().unwrap();
}
