pub mod jobs {
    struct Job;

    #[atasker::background_worker(queue)]
    pub fn worker(job: Job) {
        let Job = job;
    }
}

fn main() {
    jobs::worker.start().unwrap();
}
