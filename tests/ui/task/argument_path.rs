use std::path::Path;

use atasker::background_task;

#[background_task]
fn task(path: &Path) {
    let _ = path;
}

fn main() {
    task(Path::new("x")).wait().unwrap();
}
