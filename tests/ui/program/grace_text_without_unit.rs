#[atasker::main(grace = "10")]
fn main() {}
