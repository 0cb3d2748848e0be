#[atasker::main]
fn main() {
    std::future::ready(1).await;
}
