#[atasker::main(on_signal = abort)]
fn main() {}
