use atasker::background_task;

#[atasker::main]
#[background_task]
fn main() {}
