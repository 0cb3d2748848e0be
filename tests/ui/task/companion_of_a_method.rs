use std::sync::Arc;

use atasker::background_task;

struct Shop;

impl Shop {
    #[background_task(companion = true)]
    fn sell(self: Arc<Self>) {}
}

fn main() {
    Arc::new(Shop).sell().wait().unwrap();
}
