#[atasker::main(pool_size = -1)]
fn main() {}
