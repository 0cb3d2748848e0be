#[atasker::main]
fn start() -> u8 {
    1
}

fn main() {
    let _: u8 = start();
}
