#[atasker::main]
fn main();
