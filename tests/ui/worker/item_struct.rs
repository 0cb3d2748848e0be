use atasker::background_worker;

#[background_worker]
struct Worker;

fn main() {
    let _ = Worker;
}
