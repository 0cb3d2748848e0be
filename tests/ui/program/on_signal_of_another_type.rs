#[atasker::main(on_signal = atasker::Priority::High)]
fn main() {}
