use atasker::background_worker;

struct Shop(u8);

impl Shop {
    #[background_worker(interval = 1)]
    fn worker() -> Self {
        Self(1)
    }
}

fn main() {
    let _: Shop = Shop::worker();
}
