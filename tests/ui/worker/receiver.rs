use atasker::background_worker;

struct Shop(u8);

impl Shop {
    #[background_worker(interval = 1)]
    fn worker(&self) -> u8 {
        self.0
    }
}

fn main() {
    let _: u8 = Shop(1).worker();
}
