#[atasker::main(async_threads = 0)]
fn main() {}
