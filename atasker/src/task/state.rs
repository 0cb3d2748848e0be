//! The state word of a task: who may do what next is decided here, by one compare-and-swap.
//!
//! ```text
//!   Delayed ──due──▶ Queued ──claim──▶ Running ──finish──▶ Completed | Panicked
//!      └──────cancel───┴──cancel──▶ Cancelled ◀── an async body that was dropped
//!      └──────refuse───┴──refuse──▶ Rejected
//! ```
//!
//! Claiming makes three things one rule: a pool thread, `cancel()` and a nested `wait()` race for the same
//! transition out of `Queued`, and exactly one wins (`model::claim_cancel_and_nested_wait`).

use std::fmt;

use crate::sync::atomic::{AtomicU64, Ordering};

/// Where a task is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TaskStatus {
    /// It waits for its delay to pass, and holds no place.
    Delayed,
    /// It waits for a place.
    Queued,
    /// Its body runs.
    Running,
    /// Its body has returned.
    Completed,
    /// Its body has panicked.
    Panicked,
    /// It was cancelled before it started; or, an async body, while it ran.
    Cancelled,
    /// It was never taken in.
    Rejected,
}

impl TaskStatus {
    /// Whether nothing more will happen to the task.
    pub fn is_finished(self) -> bool {
        !matches!(self, TaskStatus::Delayed | TaskStatus::Queued | TaskStatus::Running)
    }
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What a cancellation came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CancelOutcome {
    /// The task had not started, and never will.
    Dequeued,
    /// The body runs and has been asked to end: it sees [`is_cancelled`](crate::is_cancelled), and an async one is dropped at
    /// its next await.
    Requested,
    /// The task had ended already.
    TooLate,
}

/// What the end of a body that was polled finds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finished {
    /// Somebody has left a waker.
    pub(super) is_awaited: bool,
    /// The handle is gone: whoever ends the task drops what is left.
    pub(super) is_let_go: bool,
}

/// The lowest three bits: a [`TaskStatus`].
const STATUS: u64 = 0b0000_0111;
/// Set by `cancel` while the body runs; read by the body. Excludes nothing.
const CANCEL_REQUESTED: u64 = 0b0000_1000;
/// Set by whoever takes what the task has left at its end: the result, or the body that never ran.
const TAKEN: u64 = 0b0001_0000;
/// Set by whoever has left a waker, to be used at the end.
const AWAITED: u64 = 0b0010_0000;
/// Set by whoever is at a running body that is polled again and again, as long as it is.
const BUSY: u64 = 0b0100_0000;
/// Set by the handle of an async task when it goes. Who comes second, it or the end, drops what nobody will collect.
const LET_GO: u64 = 0b1000_0000;

/// Above these, the task's number: apart, it would be one word more in each cell.
const NUMBER_FROM: u32 = 8;

/// The word. Every transition is AcqRel: what was written into the cell before it is seen by whoever finds it done.
#[derive(Debug)]
pub(super) struct State(AtomicU64);

impl State {
    /// Of a task that has ended, and has left nothing.
    pub(super) fn spent() -> Self {
        Self(AtomicU64::new(bits(TaskStatus::Cancelled) | TAKEN))
    }

    /// The first status of a task, without flags. For one who has it alone.
    pub(super) fn begin(&self, number: u64, status: TaskStatus) {
        // Relaxed: whoever gets it from this one gets it by something that publishes.
        self.0.store(number << NUMBER_FROM | bits(status), Ordering::Relaxed);
    }

    /// The number that the task was begun with.
    pub(super) fn number(&self) -> u64 {
        // Relaxed: it was there before whoever asks had the task.
        self.0.load(Ordering::Relaxed) >> NUMBER_FROM
    }

    pub(super) fn status(&self) -> TaskStatus {
        status(self.0.load(Ordering::Acquire))
    }

    /// The delay has passed. `false`: it was cancelled or refused.
    pub(super) fn due(&self) -> bool {
        self.advance(|from| (from == TaskStatus::Delayed).then_some(TaskStatus::Queued)).is_ok()
    }

    /// Takes the right, and the duty, to run the body.
    pub(super) fn claim(&self) -> bool {
        self.advance(|from| (from == TaskStatus::Queued).then_some(TaskStatus::Running)).is_ok()
    }

    /// The body has ended, says the claimer. Whether somebody waits.
    pub(super) fn finish(&self, end: TaskStatus) -> bool {
        // One step, and no loop: nobody else moves a running task on, and the flags stay as they are.
        let before = self.0.fetch_add(bits(end) - bits(TaskStatus::Running), Ordering::AcqRel);
        debug_assert_eq!(status(before), TaskStatus::Running, "only the claimer ends a running task");
        before & AWAITED != 0
    }

    /// Takes the right to be at the body of a task that runs. `false`: it does not run, or somebody is.
    pub(super) fn enter(&self) -> bool {
        let entered = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
            (status(word) == TaskStatus::Running && word & BUSY == 0).then_some(word | BUSY)
        });
        entered.is_ok()
    }

    /// Gives that right back.
    pub(super) fn leave(&self) {
        // Release: who comes next sees what this one has left.
        self.0.fetch_and(!BUSY, Ordering::Release);
    }

    /// The body has ended, says the one at it, who leaves it by that; what a cancelled one has left is dropped already.
    pub(super) fn finish_and_leave(&self, end: TaskStatus) -> Finished {
        let taken = if end == TaskStatus::Cancelled { TAKEN } else { 0 };
        // One step, as in `finish`: the marks that are added are not there, and the one that is taken away is.
        let change = (bits(end) - bits(TaskStatus::Running) + taken).wrapping_sub(BUSY);
        let before = self.0.fetch_add(change, Ordering::AcqRel);
        debug_assert_eq!(status(before), TaskStatus::Running, "only the one at its body ends a running task");
        Finished { is_awaited: before & AWAITED != 0, is_let_go: before & LET_GO != 0 }
    }

    /// The handle goes. `true`: the task has ended before, and has left something.
    ///
    /// The race this closes: it ends just now. Each marks the word in one step that tells it of the other, so exactly one of
    /// the two drops what is left (`model::an_async_result_is_dropped_once_when_its_handle_goes`).
    pub(super) fn let_go(&self) -> bool {
        // Mostly its result was taken by the handle itself: a look costs less than a mark.
        if self.left().is_none() {
            return false;
        }
        status(self.0.fetch_or(LET_GO, Ordering::AcqRel)).is_finished()
    }

    /// Takes the right to what an ended task has left. `false`: somebody else has.
    pub(super) fn take(&self) -> bool {
        self.0.fetch_or(TAKEN, Ordering::AcqRel) & TAKEN == 0
    }

    /// A waker has been left. `false`: the task has ended before, and nobody will use it.
    pub(super) fn set_awaited(&self) -> bool {
        !status(self.0.fetch_or(AWAITED, Ordering::AcqRel)).is_finished()
    }

    /// Ends a task that has not started: as `Cancelled` or `Rejected`. The status it had, if it was so.
    pub(super) fn end_unstarted(&self, end: TaskStatus) -> Option<TaskStatus> {
        let unstarted = |from| matches!(from, TaskStatus::Delayed | TaskStatus::Queued).then_some(end);
        self.advance(unstarted).ok().map(status)
    }

    /// Asks a running body to end. `false`: it does not run (any more).
    pub(super) fn request_cancel(&self) -> bool {
        let flagged = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
            (status(word) == TaskStatus::Running).then_some(word | CANCEL_REQUESTED)
        });
        flagged.is_ok()
    }

    pub(super) fn is_cancel_requested(&self) -> bool {
        // Relaxed: a flag that the body looks at when it likes; nothing else is published by it.
        self.0.load(Ordering::Relaxed) & CANCEL_REQUESTED != 0
    }

    /// The status, where something is left that nobody has taken. For the last one who has it.
    pub(super) fn left(&self) -> Option<TaskStatus> {
        let word = self.0.load(Ordering::Acquire);
        (word & TAKEN == 0).then(|| status(word))
    }

    /// Whether it has ended, everything was taken, and nobody has ever left a waker.
    pub(super) fn is_spent(&self) -> bool {
        let word = self.0.load(Ordering::Acquire);
        word & TAKEN != 0 && word & AWAITED == 0
    }

    /// Moves the status on as `next` says, and keeps the flags. The word before; `Err` where `next` gave none.
    fn advance(&self, next: impl Fn(TaskStatus) -> Option<TaskStatus>) -> Result<u64, u64> {
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
            next(status(word)).map(|to| word & !STATUS | bits(to))
        })
    }
}

fn bits(status: TaskStatus) -> u64 {
    match status {
        TaskStatus::Delayed => 0,
        TaskStatus::Queued => 1,
        TaskStatus::Running => 2,
        TaskStatus::Completed => 3,
        TaskStatus::Panicked => 4,
        TaskStatus::Cancelled => 5,
        TaskStatus::Rejected => 6,
    }
}

fn status(word: u64) -> TaskStatus {
    match word & STATUS {
        0 => TaskStatus::Delayed,
        1 => TaskStatus::Queued,
        2 => TaskStatus::Running,
        3 => TaskStatus::Completed,
        4 => TaskStatus::Panicked,
        5 => TaskStatus::Cancelled,
        _ => TaskStatus::Rejected,
    }
}
