use atasker::background_worker;

#[background_worker]
fn worker<const N: usize>(state: &[u8; N]) {
    println!("{state:?}");
}

fn main() {
    worker.start([1, 2]).unwrap();
}
