use atasker::background_task;

struct Shop;

impl Shop {
    #[background_task]
    fn sell(self: &Self) {}
}

fn main() {
    Shop.sell().wait().unwrap();
}
