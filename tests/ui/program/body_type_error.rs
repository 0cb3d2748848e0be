#[atasker::main]
fn main() -> Result<(), String> {
    let x: u8 = "x";
    Ok(())
}
