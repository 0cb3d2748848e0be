#[atasker::main(pool_size = 1.5)]
fn main() {}
