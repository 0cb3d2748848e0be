#[atasker::main]
extern "C" fn main() {}
