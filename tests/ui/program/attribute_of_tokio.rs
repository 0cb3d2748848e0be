#[atasker::main]
#[tokio::main]
async fn main() {}
