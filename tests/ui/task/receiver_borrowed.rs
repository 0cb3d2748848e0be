use atasker::background_task;

struct Shop(u8);

impl Shop {
    #[background_task]
    fn sell(&self, count: u8) -> u8 {
        self.0 + count
    }
}

fn main() {
    let _: u8 = Shop(1).sell(1).wait().unwrap();
}
