#[atasker::main(grace = std::process::id())]
fn main() {}
