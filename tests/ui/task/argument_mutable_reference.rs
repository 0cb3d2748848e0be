use atasker::background_task;

#[background_task]
fn task(count: &mut u64) {
    *count += 1;
}

fn main() {
    task(&mut 1).wait().unwrap();
}
