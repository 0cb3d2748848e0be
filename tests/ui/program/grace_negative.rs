#[atasker::main(grace = -1)]
fn main() {}
