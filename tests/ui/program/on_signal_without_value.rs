#[atasker::main(on_signal)]
fn main() {}
