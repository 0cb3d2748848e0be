#[atasker::main(pool_size = 20u8)]
fn main() {}
