use atasker::background_task;

struct Shop(u8);

impl Shop {
    #[background_task]
    fn sell(&mut self) {
        self.0 += 1;
    }
}

fn main() {
    Shop(1).sell().wait().unwrap();
}
