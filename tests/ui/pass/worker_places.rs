//! Workers in modules, blocks and bodies, started by hand and by their supervisor.

#![deny(warnings)]

use std::sync::OnceLock;

use atasker::{Config, Supervisor, background_worker, task_supervisor};

mod outer {
    pub(crate) mod inner {
        #[atasker::background_worker(queue)]
        pub(crate) fn shown(_item: u8) {}

        #[atasker::background_worker(event)]
        pub(in crate::outer) fn within() {}
    }

    pub(crate) fn through() -> atasker::Result<bool> {
        inner::within.start()?;
        Ok(inner::within.trigger())
    }

    pub(crate) mod types {
        pub(crate) struct Job(pub(crate) u8);
    }
}

use outer::inner::shown;
use outer::types::Job;

#[background_worker(queue)]
fn jobs(job: Job) {
    let _ = job.0;
}

#[background_worker(event, autostart)]
fn by_itself() {}

#[background_worker(interval = 1h, autostart, name = "by itself, elsewhere", supervisor = elsewhere())]
fn by_itself_elsewhere(cx: &atasker::WorkerContext) {
    let _ = cx.run();
}

fn elsewhere() -> &'static Supervisor {
    static ELSEWHERE: OnceLock<Supervisor> = OnceLock::new();
    ELSEWHERE.get_or_init(|| {
        Supervisor::new("elsewhere", Config::new()).expect("the configuration is the default")
    })
}

fn main() -> atasker::Result<()> {
    #[background_worker(event, autostart)]
    fn local(cx: &atasker::WorkerContext) {
        let _ = cx.run();
    }

    task_supervisor().start()?;
    elsewhere().start()?;
    let _ = local.trigger();
    let _ = by_itself.is_running();
    let _ = by_itself_elsewhere.is_running();
    shown.start()?;
    shown.put(1)?;
    jobs.start()?;
    jobs.put(Job(1))?;
    outer::through()?;
    Ok(())
}
