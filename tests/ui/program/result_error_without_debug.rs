struct Silent;

#[atasker::main]
fn main() -> Result<(), Silent> {
    Err(Silent)
}
