#[atasker::main(grace = 10 s)]
fn main() {}
