use atasker::background_task;

struct Db;

#[background_task]
fn task(db: &Db) {
    let _ = db;
}

fn main() {
    task(&Db).wait().unwrap();
}
