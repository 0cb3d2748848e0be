#[atasker::main(thread_name = 1)]
fn main() {}
