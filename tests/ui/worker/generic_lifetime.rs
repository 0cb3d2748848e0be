use atasker::background_worker;

#[background_worker]
fn worker<'a>(state: &'a String) {
    println!("{state}");
}

fn main() {
    worker.start(String::new()).unwrap();
}
