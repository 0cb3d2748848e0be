use atasker::background_task;

#[background_task]
fn task(bytes: &[u8]) -> usize {
    bytes.len()
}

fn main() {
    let _: usize = task(&[1, 2]).wait().unwrap();
    task::detach(&vec![1]);
}
