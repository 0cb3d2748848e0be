use atasker::background_task;

#[background_task]
fn task(a: &str, b: &[u8]) -> usize {
    a.len() + b.len()
}

fn main() {
    let _: usize = task("x", &[1]).wait().unwrap();
}
