//! What requests ask for: one task for each urgency, all blocking, as files and databases are.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use std::{fs, io};

use atasker::{Priority, background_task};

use crate::sensor::Sensor;
use crate::{order, store};

/// Set by `--fifo`.
pub(crate) static ALL_ALIKE: AtomicBool = AtomicBool::new(false);

/// The priority to run at: the one wanted, or the same for everything.
pub(crate) fn rank(wanted: Priority) -> Priority {
    if ALL_ALIKE.load(Relaxed) { Priority::Normal } else { wanted }
}

/// What the requests are about.
#[derive(Debug)]
pub(crate) struct Plant {
    folder: PathBuf,
    pub(crate) database: PathBuf,
}

impl Plant {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { database: folder.join("gateway.sqlite"), folder }
    }
}

/// A task that has run: what came of it, and where and when.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) answer: Result<String, String>,
    pub(crate) trace: Trace,
}

/// Where and when a task has run.
#[derive(Debug)]
pub(crate) struct Trace {
    pub(crate) thread: i64,
    /// The moments it started and ended at.
    pub(crate) started: i64,
    pub(crate) ended: i64,
    /// How long after the request it started.
    pub(crate) waited: Duration,
}

/// Does the work between two moments.
fn run<E: ToString>(asked: Instant, work: impl FnOnce() -> Result<String, E>) -> Run {
    let (started, waited) = (order::moment(), asked.elapsed());
    let answer = work().map_err(|error| error.to_string());
    let trace = Trace { thread: order::thread(), started, ended: order::moment(), waited };
    Run { answer, trace }
}

/// Switches a relay: somebody stands at the machine.
#[background_task(priority = rank(Priority::High))]
pub(crate) fn switch(relay: u32, asked: Instant, plant: Arc<Plant>) -> Run {
    run(asked, || {
        fs::write(plant.folder.join(format!("relay-{relay}")), "on\n")?;
        io::Result::Ok(format!("relay {relay} is on"))
    })
}

/// Measures now, beside the readings that are taken anyway.
#[background_task(priority = rank(Priority::Normal))]
pub(crate) fn measure(sensor: Sensor, asked: Instant) -> Run {
    run(asked, || sensor.value().map(|value| value.to_string()))
}

/// Sums up what is in the database: somebody draws a curve, and may wait.
#[background_task(priority = rank(Priority::Low))]
pub(crate) fn history(asked: Instant, plant: Arc<Plant>) -> Run {
    const SUMMARY: &str = "
        SELECT (SELECT count(*) FROM readings), count(*), coalesce(max(waited_us), 0)
        FROM (SELECT waited_us FROM requests ORDER BY rowid DESC LIMIT 5000)";
    run(asked, || {
        store::open(&plant.database)?.query_row(SUMMARY, [], |row| {
            let (readings, requests, longest): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(format!("{readings} readings; longest of {requests} waits: {longest} us"))
        })
    })
}
