#[atasker::main(priority = High)]
fn main() {}
