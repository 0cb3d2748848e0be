#[atasker::main(task_times)]
fn main() {}
