//! What a supervisor and its workers tell of themselves: plain data.

use std::time::{Duration, Instant, SystemTime};

use crate::config::{Config, LaneConfig};
use crate::job::JobTotals;
use crate::lane::Counts;
use crate::pool::Totals;
use crate::priority::{PerPriority, Priority};

/// Where a supervisor is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SupervisorState {
    /// Never started.
    Created,
    /// Takes in work.
    Running,
    /// A stop was asked for; the intake is closed.
    Stopping,
    /// Stopped; it may be started again.
    Stopped,
}

/// A supervisor at one moment: exact at rest, a sample while it runs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SupervisorInfo {
    /// Its name.
    pub name: String,
    /// Where it is in its life.
    pub state: SupervisorState,
    /// Its limits.
    pub config: Config,
    /// Bodies that run, async ones in flight among them, by priority. `Critical` ones take no place, up to `critical_max`.
    pub active: PerPriority<usize>,
    /// What waits for a place, by priority.
    pub queued: PerPriority<usize>,
    /// Tasks whose delay has not passed, by priority. They hold no place.
    pub delayed: PerPriority<usize>,
    /// Pool threads.
    pub threads: usize,
    /// Counts since the start, of pool and lanes together.
    pub totals: Totals,
    /// Its lanes of async bodies, the main one first.
    pub lanes: Vec<LaneInfo>,
    /// Its light jobs.
    pub jobs: JobTotals,
    /// Its workers: the running ones, and stopped ones whose handles still exist.
    pub workers: Vec<WorkerInfo>,
}

impl SupervisorInfo {
    /// The worker of that name, if there is one.
    pub fn worker(&self, name: &str) -> Option<&WorkerInfo> {
        self.workers.iter().find(|worker| worker.name == name)
    }
}

/// A lane at one moment: exact at rest, a sample while it runs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LaneInfo {
    /// Its name; `async` is the main one.
    pub name: String,
    /// Its threads and limits.
    pub config: LaneConfig,
    /// Whether it takes bodies in.
    pub is_open: bool,
    /// Bodies in flight, by priority.
    pub active: PerPriority<usize>,
    /// What waits for a place, by priority.
    pub queued: PerPriority<usize>,
    /// Tasks whose delay has not passed, by priority.
    pub delayed: PerPriority<usize>,
    /// Counts since it was opened. The largest numbers are those of the pool, and 0 here.
    pub totals: Totals,
}

impl From<Counts> for Totals {
    fn from(counts: Counts) -> Self {
        let mut totals = Totals::default();
        add_counts(&mut totals, counts);
        totals
    }
}

/// Adds what lanes have counted.
pub(super) fn add_counts(totals: &mut Totals, counts: Counts) {
    totals.submitted += counts.submitted;
    totals.completed += counts.completed;
    totals.panicked += counts.panicked;
    totals.cancelled += counts.cancelled;
    totals.rejected += counts.rejected;
    totals.worker_slices += counts.slices;
}

/// What makes a worker run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkerKind {
    /// Again and again.
    Loop,
    /// On a grid of this width.
    Interval(Duration),
    /// This long after the end of its last run.
    Delay(Duration),
    /// By a cron line.
    Cron,
    /// By a [`Schedule`](crate::Schedule).
    Schedule,
    /// For each item of its queue.
    Queue {
        /// Items that wait.
        len: usize,
        /// Items that fit; `None`: without bound.
        capacity: Option<usize>,
    },
    /// When it is triggered.
    Event,
}

/// Where a worker is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WorkerState {
    /// Never started, or stopped.
    Stopped,
    /// Nothing to do at the moment.
    Idle,
    /// It waits for a place.
    Queued,
    /// Its body runs.
    Running,
    /// It is paused (and its body may be in its last run before the pause).
    Paused,
    /// A stop was asked for, and it has not ended yet.
    Stopping,
}

/// A worker at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WorkerInfo {
    /// Its name.
    pub name: String,
    /// What makes it run.
    pub kind: WorkerKind,
    /// Its priority.
    pub priority: Priority,
    /// Where it is in its life.
    pub state: WorkerState,
    /// Runs since it was started.
    pub runs: u64,
    /// Runs that ended with an `Err`.
    pub errors: u64,
    /// Runs that panicked.
    pub panics: u64,
    /// Ticks that were missed.
    pub missed: u64,
    /// Items that were discarded.
    pub discarded: u64,
    /// When its last run started.
    pub last_run: Option<Instant>,
    /// When its next run is due, where that is known.
    pub next_run: Option<Instant>,
    pub(crate) next_on_wall: Option<SystemTime>,
}

impl WorkerInfo {
    /// When its next run is due by the wall clock, where that is known: the minute that a cron line says, and for other
    /// workers as it looks now.
    pub fn next_run(&self) -> Option<SystemTime> {
        self.next_on_wall
    }
}
