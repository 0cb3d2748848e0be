#[atasker::main(pool_szie = 1)]
fn main() {}
