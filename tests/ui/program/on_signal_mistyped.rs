#[atasker::main(on_signal = cancle)]
fn main() {}
