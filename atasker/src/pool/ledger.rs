//! What a thread writes down as it goes, and others read: how its runs ended, and what it runs.
//!
//! One writer and no read-modify-write: counting a task under the pool's lock cost more than running a small one.

use std::sync::Arc;
use std::time::Instant;

use super::entry::{AtomicName, StaticName};
use super::job::{Job, Ran};
use super::totals::Totals;
use crate::priority::Priority;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// One thread's counts, and what it runs.
pub(crate) struct Ledger {
    completed: AtomicU64,
    panicked: AtomicU64,
    dead: AtomicU64,
    slices: AtomicU64,
    errands: AtomicU64,
    /// Those among them that ran inside the wait of another.
    nested: AtomicU64,
    /// Tasks that bodies on this thread have handed in.
    submitted: AtomicU64,
    /// The priority of the body that runs here, as a number above 0; 0: none that takes a place or is `Critical`.
    shown: AtomicU8,
    /// What the outermost body here is called, or was, if that was a name that outlives it.
    name: AtomicName,
    /// Bodies here without such a name, and those that run inside the wait of another.
    bodies: Mutex<Bodies>,
    /// Which of the thread's rings the pool counts with, a bit for each priority. Written under the pool's lock.
    pub(super) counted: AtomicU8,
}

#[derive(Default)]
struct Bodies {
    /// Innermost last.
    running: Vec<Running>,
    /// A stop has given up on the thread: it begins nothing more inside a wait.
    given_up: bool,
}

/// A body that runs.
struct Running {
    job: Arc<dyn Job>,
    /// Of one that runs inside the wait of another.
    since: Option<Instant>,
}

/// How many runs have ended, and in which way.
#[derive(Clone, Copy, Default)]
struct Ends {
    totals: Totals,
    /// Those that took an entry out of a queue.
    outermost: u64,
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self {
            completed: AtomicU64::new(0),
            panicked: AtomicU64::new(0),
            dead: AtomicU64::new(0),
            slices: AtomicU64::new(0),
            errands: AtomicU64::new(0),
            nested: AtomicU64::new(0),
            submitted: AtomicU64::new(0),
            shown: AtomicU8::new(0),
            name: AtomicName::new(),
            bodies: Mutex::new(Bodies::default()),
            counted: AtomicU8::new(0),
        }
    }

    /// A body has handed a task in.
    pub(super) fn submitted(&self) {
        add_one(&self.submitted);
    }

    /// A closure with that name begins.
    pub(super) fn begin(&self, shown: Option<Priority>, name: StaticName) {
        self.shown.store(shown.map_or(0, number), Ordering::Relaxed);
        self.name.set(name);
    }

    /// A job begins; `true`: it is to be [`forgotten`](Self::forget) at its end.
    pub(super) fn begin_job(&self, shown: Option<Priority>, job: &Arc<dyn Job>) -> bool {
        self.shown.store(shown.map_or(0, number), Ordering::Relaxed);
        match job.static_name() {
            Some(name) => self.name.set(name),
            None => self.bodies.lock().running.push(Running { job: Arc::clone(job), since: None }),
        }
        job.static_name().is_none()
    }

    /// A job begins inside the wait of another. `false`: the thread was given up.
    pub(super) fn begin_nested(&self, job: &Arc<dyn Job>) -> bool {
        let mut bodies = self.bodies.lock();
        if !bodies.given_up {
            bodies.running.push(Running { job: Arc::clone(job), since: Some(Instant::now()) });
        }
        !bodies.given_up
    }

    /// The innermost of the noted jobs has ended.
    pub(super) fn forget(&self) {
        let ended = self.bodies.lock().running.pop();
        drop(ended);
    }

    /// The priority of what runs here.
    pub(super) fn shown(&self) -> Option<Priority> {
        let shown = self.shown.load(Ordering::Relaxed);
        Priority::ALL.into_iter().find(|&priority| number(priority) == shown)
    }

    /// Adds what was counted here.
    pub(super) fn add_to(&self, totals: &mut Totals) {
        let ends = self.ends();
        totals.completed += ends.totals.completed;
        totals.panicked += ends.totals.panicked;
        totals.worker_slices += ends.totals.worker_slices;
        // Relaxed: a sample; exact for whoever has learnt of what is counted.
        totals.submitted += self.submitted.load(Ordering::Relaxed);
    }

    /// Gives the thread up, which has been handed `taken` entries: adds what was counted here, and names what runs, and
    /// since when, if it is not since the thread's last look.
    ///
    /// Each count is read once: what is not counted as ended is named as running, and nothing is both. What it has looked at
    /// goes to `noted`, to be dropped outside the lock.
    pub(super) fn give_up(
        &self,
        taken: u64,
        totals: &mut Totals,
        noted: &mut Vec<Arc<dyn Job>>,
    ) -> Vec<(String, Option<Instant>)> {
        let (running, mut named) = {
            let mut bodies = self.bodies.lock();
            bodies.given_up = true;
            let running: Vec<_> = bodies.running.iter().map(|body| (Arc::clone(&body.job), body.since)).collect();
            (running, Vec::new())
        };
        let ends = self.ends();
        totals.completed += ends.totals.completed;
        totals.panicked += ends.totals.panicked;
        totals.worker_slices += ends.totals.worker_slices;
        totals.submitted += self.submitted.load(Ordering::Relaxed);
        noted.extend(running.iter().map(|(job, _)| Arc::clone(job)));
        if taken <= ends.outermost {
            return named;
        }
        if running.first().is_none_or(|(_, since)| since.is_some()) {
            let name = self.name.get().map_or("task", StaticName::get);
            named.push((name.to_owned(), None));
        }
        named.extend(running.into_iter().map(|(job, since)| (job.name().to_owned(), since)));
        named
    }

    /// What runs here, by name.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.bodies.lock().running.iter().map(|body| body.job.name().to_owned()).collect();
        if names.is_empty() && self.shown().is_some() {
            names.extend(self.name.get().map(|name| name.get().to_owned()));
        }
        names
    }

    fn ends(&self) -> Ends {
        let read = |count: &AtomicU64| count.load(Ordering::Acquire);
        let totals = Totals {
            completed: read(&self.completed),
            panicked: read(&self.panicked),
            worker_slices: read(&self.slices),
            ..Totals::default()
        };
        let all = totals.ran() + totals.worker_slices + read(&self.dead) + read(&self.errands);
        // Read last and written first: among those that are counted, none is taken for an outermost one.
        Ends { totals, outermost: all.saturating_sub(read(&self.nested)) }
    }
}

/// Where the end of a run is counted.
pub(crate) struct Tally<'a> {
    ledger: &'a Ledger,
    nested: bool,
}

impl<'a> Tally<'a> {
    pub(super) fn outermost(ledger: &'a Ledger) -> Self {
        Self { ledger, nested: false }
    }

    pub(super) fn nested(ledger: &'a Ledger) -> Self {
        Self { ledger, nested: true }
    }

    /// A run has ended. Before anybody who waits for it can know.
    pub(crate) fn ended(&self, ran: Ran) {
        let Self { ledger, nested } = *self;
        if nested {
            add_one(&ledger.nested);
        } else {
            ledger.shown.store(0, Ordering::Relaxed);
        }
        add_one(match ran {
            Ran::Task { panicked: false } => &ledger.completed,
            Ran::Task { panicked: true } => &ledger.panicked,
            Ran::Dead => &ledger.dead,
            Ran::Slice { .. } => &ledger.slices,
            Ran::Errand => &ledger.errands,
        });
    }
}

/// Adds one to a count that only this thread writes.
fn add_one(count: &AtomicU64) {
    // Release: who reads this count also reads those that were written before it.
    count.store(count.load(Ordering::Relaxed) + 1, Ordering::Release);
}

fn number(priority: Priority) -> u8 {
    priority as u8 + 1
}
