#[atasker::main(pool_size = "20")]
fn main() {}
