#[atasker::main]
const fn main() {}
