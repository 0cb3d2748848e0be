use atasker::background_worker;

fn main() {
    background_worker(|n: u32| println!("{n}")).start().unwrap();
}
