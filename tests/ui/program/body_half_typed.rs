#[atasker::main(pool_size = 2)]
fn main() {
    let x = ;
}
