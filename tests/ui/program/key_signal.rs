#[atasker::main(signal = cancel)]
fn main() {}
