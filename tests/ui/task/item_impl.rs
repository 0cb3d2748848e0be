use atasker::background_task;

struct Shop;

#[background_task]
impl Shop {
    fn sell(&self) {}
}

fn main() {
    Shop.sell();
}
