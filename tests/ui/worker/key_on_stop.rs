use atasker::background_worker;

#[background_worker(queue, on_stop = flush)]
fn writer(line: String) {
    println!("{line}");
}

fn main() {
    writer.start().unwrap();
    writer.put(String::new()).unwrap();
}
