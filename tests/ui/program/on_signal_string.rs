#[atasker::main(on_signal = "cancel")]
fn main() {}
