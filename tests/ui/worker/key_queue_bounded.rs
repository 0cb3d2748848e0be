use atasker::background_worker;

#[background_worker(queue_bounded = 10)]
fn writer(line: String) {
    println!("{line}");
}

fn main() {
    writer.start().unwrap();
    writer.put(String::new()).unwrap();
}
