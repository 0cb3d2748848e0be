#[atasker::main(pool_size = "20".len() as u8)]
fn main() {}
