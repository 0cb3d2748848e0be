#[atasker::main(20)]
fn main() {}
