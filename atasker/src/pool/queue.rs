//! First-in first-out queues, one for each priority, and who in them has waited too long.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::job::Job;
use crate::priority::{PerPriority, Priority};

/// Fewer dead entries than this are never worth a sweep.
const SWEEP_FROM: usize = 64;

/// An empty queue keeps memory for so many entries.
const KEEP_CAPACITY: usize = 4096;

/// The jobs of one priority, in the order of their coming.
#[derive(Default)]
pub(super) struct Fifo {
    /// Dead entries (cancelled, or claimed by a waiter) stay until they come up or a sweep takes them.
    entries: VecDeque<Entry>,
    /// Dead entries in there. For a moment below zero, when an entry comes up before its death is reported.
    dead: isize,
    /// How many at the front have been warned about.
    warned: usize,
    /// How many at the front have been reported as errors.
    errored: usize,
}

struct Entry {
    job: Arc<dyn Job>,
    /// When it came; kept only while a slow-start threshold is set.
    since: Option<Instant>,
}

/// A job that was taken out of a queue without being run, and whose queue that was.
pub(super) type Removed = (Priority, Arc<dyn Job>);

/// How bad a wait is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slowness {
    /// Longer than [`Config::warn_after`](crate::Config::warn_after).
    Warning,
    /// Longer than [`Config::error_after`](crate::Config::error_after).
    Error,
}

/// Something that waits for a place longer than the supervisor's threshold, while it still waits.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SlowStart {
    /// The task's or worker's name.
    pub name: String,
    /// The priority it waits at.
    pub priority: Priority,
    /// How long it has waited so far.
    pub waited: Duration,
    /// Which threshold it has passed.
    pub slowness: Slowness,
}

impl Fifo {
    pub(super) fn push(&mut self, job: Arc<dyn Job>, since: Option<Instant>) {
        self.entries.push_back(Entry { job, since });
    }

    pub(super) fn pop(&mut self) -> Option<Arc<dyn Job>> {
        let entry = self.entries.pop_front()?;
        self.warned = self.warned.saturating_sub(1);
        self.errored = self.errored.saturating_sub(1);
        if self.entries.is_empty() && self.entries.capacity() > KEEP_CAPACITY {
            // What a burst has grown is given back.
            self.entries = VecDeque::new();
        }
        Some(entry.job)
    }

    /// Takes dead entries off the front, so that a look takes no place for them.
    pub(super) fn bury_head(&mut self, graveyard: &mut Vec<Arc<dyn Job>>) {
        while self.entries.front().is_some_and(|entry| !entry.job.is_live()) {
            graveyard.extend(self.pop());
            self.buried();
        }
    }

    /// Entries, dead ones included.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Entries that are still to be run.
    pub(super) fn live(&self) -> usize {
        self.entries.len().saturating_add_signed(-self.dead)
    }

    /// An entry that came up was dead.
    pub(super) fn buried(&mut self) {
        self.dead -= 1;
    }

    /// An entry has died where it stands. Gives back what a sweep took out, for the caller to drop outside the lock.
    ///
    /// The sweep bounds memory where tasks are queued and cancelled for ever behind a full pool; it comes when half
    /// the entries are dead, so its cost for each death is constant.
    pub(super) fn died(&mut self) -> Vec<Arc<dyn Job>> {
        self.dead += 1;
        let worth_it = self.dead > SWEEP_FROM as isize && self.dead > (self.entries.len() / 2) as isize;
        if worth_it { self.sweep() } else { Vec::new() }
    }

    /// Takes the dead entries out.
    fn sweep(&mut self) -> Vec<Arc<dyn Job>> {
        let swept = self.remove(|job| !job.is_live());
        self.dead -= swept.len() as isize;
        swept
    }

    /// Takes out everything that `condemned` says. Each of it that was dead, or dies outside the queue, is still to be
    /// [`buried`](Self::buried).
    pub(super) fn remove(&mut self, condemned: impl Fn(&Arc<dyn Job>) -> bool) -> Vec<Arc<dyn Job>> {
        let mut removed = Vec::new();
        let mut kept = VecDeque::with_capacity(self.entries.len() / 2);
        let (mut warned, mut errored) = (0, 0);
        for (position, entry) in self.entries.drain(..).enumerate() {
            if condemned(&entry.job) {
                removed.push(entry.job);
            } else {
                warned += usize::from(position < self.warned);
                errored += usize::from(position < self.errored);
                kept.push_back(entry);
            }
        }
        (self.entries, self.warned, self.errored) = (kept, warned, errored);
        removed
    }

    /// Reports who has newly waited past a threshold, and gives the moment of the next look.
    pub(super) fn slow(
        &mut self,
        priority: Priority,
        now: Instant,
        thresholds: Thresholds,
        report: &mut Vec<SlowStart>,
    ) -> Option<Instant> {
        let steps = [
            (thresholds.error, Slowness::Error, &mut self.errored),
            (thresholds.warn, Slowness::Warning, &mut self.warned),
        ];
        let mut next: Option<Instant> = None;
        for (threshold, slowness, reported) in steps {
            let Some(threshold) = threshold else { continue };
            while let Some(entry) = self.entries.get(*reported) {
                let due = entry.since.and_then(|since| since.checked_add(threshold));
                match due {
                    Some(due) if due > now => {
                        next = Some(next.map_or(due, |next| next.min(due)));
                        break;
                    }
                    Some(_) if entry.job.is_live() => report.push(SlowStart {
                        name: entry.job.name().into_owned(),
                        priority,
                        waited: now - entry.since.expect("a due entry has a start"),
                        slowness,
                    }),
                    // It came before the threshold was set, or is dead.
                    _ => {}
                }
                *reported += 1;
            }
        }
        next
    }
}

/// How long is too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Thresholds {
    pub(crate) warn: Option<Duration>,
    pub(crate) error: Option<Duration>,
}

impl Thresholds {
    /// The one that is passed first.
    pub(super) fn first(self) -> Option<Duration> {
        [self.warn, self.error].into_iter().flatten().min()
    }
}

/// The queues of all priorities, and the carried jobs before them.
#[derive(Default)]
pub(super) struct Queues {
    pub(super) of: PerPriority<Fifo>,
    /// Jobs for which a waiter too deep in nested waits wants a thread of their own; they run in the waiter's place.
    pub(super) carried: VecDeque<(Arc<dyn Job>, Priority)>,
    /// Housekeeping that runs user code; it takes no place.
    pub(super) errands: VecDeque<Arc<dyn Job>>,
}

impl Queues {
    pub(super) fn live(&self) -> PerPriority<usize> {
        PerPriority {
            low: self.of.low.live(),
            normal: self.of.normal.live(),
            high: self.of.high.live(),
            critical: self.of.critical.live(),
        }
    }

    /// Takes out everything that `condemned` says.
    pub(super) fn remove(&mut self, condemned: impl Fn(&Arc<dyn Job>) -> bool) -> Vec<Removed> {
        let each = Priority::ALL.into_iter().rev();
        each.flat_map(|priority| {
            let removed = self.of[priority].remove(&condemned);
            removed.into_iter().map(move |job| (priority, job))
        })
        .collect()
    }

    /// Takes the dead entries out, for the caller to drop outside the lock.
    pub(super) fn sweep(&mut self) -> Vec<Arc<dyn Job>> {
        Priority::ALL.into_iter().flat_map(|priority| self.of[priority].sweep()).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.carried.is_empty()
            && self.errands.is_empty()
            && Priority::ALL.iter().all(|&priority| self.of[priority].len() == 0)
    }
}
