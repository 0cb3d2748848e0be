//! What a pool counts.

use super::job::Refusal;

/// Counts since the supervisor was started.
///
/// At rest, `submitted = completed + panicked + cancelled + rejected` (and what a stop gave up on).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// Tasks handed in, refused ones included.
    pub submitted: u64,
    /// Tasks that ran to their end.
    pub completed: u64,
    /// Tasks that panicked.
    pub panicked: u64,
    /// Tasks that were cancelled before they started.
    pub cancelled: u64,
    /// Tasks that were refused.
    pub rejected: u64,
    /// Times that a worker was given a place. A queue worker may run several items in one.
    pub worker_slices: u64,
    /// The most places that were in use at once.
    pub largest_active: usize,
    /// The most pool threads there were at once.
    pub largest_threads: usize,
}

impl Totals {
    /// Tasks that ran, to their end or to a panic.
    pub fn ran(&self) -> u64 {
        self.completed + self.panicked
    }

    /// Counts a task that was taken in and will not run.
    pub(crate) fn count_refusal(&mut self, why: Refusal) {
        match why {
            Refusal::Cancelled => self.cancelled += 1,
            Refusal::NoThread => self.rejected += 1,
        }
    }
}
