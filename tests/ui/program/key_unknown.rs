#[atasker::main(colour = 1)]
fn main() {}
