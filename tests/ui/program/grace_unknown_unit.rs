#[atasker::main(grace = 10x)]
fn main() {}
