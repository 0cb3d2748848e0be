#[atasker::main(pool_size = "20", gracee = 1s, stack_size = 0)]
fn main(x: u8) {
    let _ = x;
}
