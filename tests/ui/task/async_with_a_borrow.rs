use atasker::background_task;

#[background_task]
async fn task(text: &str) -> usize {
    std::future::ready(text.len()).await
}

fn main() {
    task("text").wait().unwrap();
}
