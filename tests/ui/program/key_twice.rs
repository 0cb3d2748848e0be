#[atasker::main(pool_size = 1, pool_size = 2)]
fn main() {}
