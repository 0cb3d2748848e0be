#[atasker::main]
unsafe fn main() {}
