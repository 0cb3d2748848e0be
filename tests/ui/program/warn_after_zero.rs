#[atasker::main(warn_after = 0)]
fn main() {}
