#[atasker::main]
async fn main() -> Option<()> {
    None
}
