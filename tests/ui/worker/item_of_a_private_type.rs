pub mod jobs {
    struct Part;

    #[atasker::background_worker(queue)]
    pub fn worker(part: Part) {
        let Part = part;
    }
}

fn main() {
    jobs::worker.start().unwrap();
}
