#[atasker::main]
#[atasker::main(grace = 1s)]
fn main() {}
