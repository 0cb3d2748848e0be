#[atasker::main(pool_size)]
fn main() {}
