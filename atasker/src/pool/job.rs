//! What the pool is handed: something that can be claimed and run once for each time it is queued.

use std::sync::Arc;

use super::Pool;
use super::entry::StaticName;
use super::ledger::Tally;

/// A task's cell, a worker or a crowd of light jobs, as the pool sees it.
pub(crate) trait Job: Send + Sync {
    /// What reports call it.
    fn name(&self) -> &str;

    /// The same, where it is one that outlives it.
    fn static_name(&self) -> Option<StaticName> {
        None
    }

    /// What its body waits under, when it waits: one for all entries that stand for the same body.
    fn key(&self) -> usize {
        std::ptr::from_ref(self).cast::<()>().addr()
    }

    /// The address of the lane on which its body lends its place while it is pending; 0: none.
    fn lends_at(&self) -> usize {
        0
    }

    /// Whether it is still to be run. `false` for an entry whose task was cancelled, or claimed by somebody else.
    fn is_live(&self) -> bool;

    /// Claims it and runs it to its end, on a pool thread and outside every lock; or finds that somebody else has.
    ///
    /// A task tells the tally of its end before anybody else can know of it: who has waited for it finds the counts
    /// exact. So does a worker whose life ends by it. For the others the caller does, after the run.
    fn run(&self, tally: &Tally<'_>) -> Ran;

    /// An owner that may be the last lets go of it.
    fn retire(self: Arc<Self>) {}

    /// It has been taken out of its queue and will not be run. Called outside every lock. `false`: it was dead, or has
    /// died by this, so its death is reported by [`Pool::died`](super::Pool::died).
    fn refuse(self: Arc<Self>, pool: &Arc<Pool>, why: Refusal) -> bool;

    /// Drops what a refused job would have run. Called after all that were refused with it have been told.
    fn drop_body(self: Arc<Self>, pool: &Arc<Pool>);

    /// Whether it counts as a task. What is not (a worker's run, housekeeping) is left in the queue by a stop.
    fn is_task(&self) -> bool;

    /// Whether its body has been asked to end.
    fn is_asked_to_end(&self) -> bool;
}

impl Ran {
    /// Whether the tally was told of it already.
    pub(super) fn is_counted(self) -> bool {
        matches!(self, Self::Task { .. } | Self::Slice { counted: true })
    }
}

/// What became of a job that was taken from a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ran {
    /// Somebody else had claimed or cancelled it.
    Dead,
    /// A task, to its end.
    Task {
        /// Whether its body panicked.
        panicked: bool,
    },
    /// A worker, as long as it had a place.
    Slice {
        /// The tally was told: its worker has ended by this, and who has seen that finds it counted.
        counted: bool,
    },
    /// Housekeeping, and light jobs.
    Errand,
}

/// Why a queued job will not be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A stop took it out of the queue.
    Cancelled,
    /// The system gave no thread.
    NoThread,
}

/// The thin address of a job: what tells one from another.
pub(crate) fn address(job: &Arc<dyn Job>) -> usize {
    Arc::as_ptr(job).cast::<()>().addr()
}
