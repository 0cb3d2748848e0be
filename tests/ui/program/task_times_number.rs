#[atasker::main(task_times = 1)]
fn main() {}
