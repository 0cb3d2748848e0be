//! The announcement of a stop: those who ask hear of it, and nothing is refused yet.
//!
//! The mark is in [`Life`](super::life::Life), beside the run that it belongs to.

use std::cell::Cell;
use std::time::Duration;

use super::{StopReport, Supervisor};
use crate::stops::Urgency;
use crate::sync::atomic::Ordering;
use crate::time::Deadline;

impl Supervisor {
    /// Announces that it is to stop, and returns at once: [`stop_requested`](Supervisor::stop_requested) ends,
    /// [`is_stopping`](Supervisor::is_stopping) is true, [`block`](Supervisor::block) inside a body returns; nothing is
    /// refused yet, and everything runs on. What a server needs to finish what it has begun, before a
    /// [`stop`](Supervisor::stop) closes the intake.
    ///
    /// An announcement belongs to one run: a [`start`](Supervisor::start) after the stop begins without it. On a supervisor
    /// that was never started it is for the first run, on a stopped one it does nothing. A second one does nothing either.
    ///
    /// # Examples
    ///
    /// ```
    /// use atasker::{background_task, Config, Supervisor};
    ///
    /// let s = Supervisor::new("server", Config::new())?;
    /// s.start()?;
    /// s.request_stop();
    /// assert!(s.is_stopping());
    /// assert_eq!(background_task(|| 1).supervisor(&s).start().wait()?, 1);     // it still works
    /// assert!(s.stop().complete);
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub fn request_stop(&self) {
        self.core.announce();
    }

    /// Whether its run is to end, or has ended: from the announcement or the asking for a stop on, until the next
    /// [`start`](Supervisor::start). In other words, whether [`stop_requested`](Supervisor::stop_requested) ends at once.
    ///
    /// Costs a load, so that a long loop may ask in each round.
    pub fn is_stopping(&self) -> bool {
        self.core.is_ending()
    }

    /// [`stop_now`](Supervisor::stop_now), at most for `timeout`.
    pub(crate) fn stop_now_within(&self, timeout: Duration) -> StopReport {
        self.core.stop(Urgency { discard: true, deadline: Deadline::within(timeout) })
    }
}

impl super::Core {
    /// Whether a stop was announced or asked for.
    pub(crate) fn is_ending(&self) -> bool {
        // Relaxed: a flag that bodies look at when they like; nothing else is published by it.
        self.ending.load(Ordering::Relaxed) || self.pool.is_forked()
    }
}

thread_local! {
    /// This thread runs a program's `main`.
    static IS_MAIN: Cell<bool> = const { Cell::new(false) };
}

/// Runs what a program's `main` does: while it runs, [`Supervisor::block`] returns on this thread at the announcement, so
/// that a `main` that does nothing else returns with its grace before it, and not behind it.
pub(crate) fn as_main<R>(work: impl FnOnce() -> R) -> R {
    struct Reset(bool);
    impl Drop for Reset {
        fn drop(&mut self) {
            IS_MAIN.set(self.0);
        }
    }
    let _reset = Reset(IS_MAIN.replace(true));
    work()
}

/// Whether this thread runs a program's `main`.
pub(super) fn is_main() -> bool {
    // A thread whose locals are gone runs none.
    IS_MAIN.try_with(Cell::get).unwrap_or(false)
}
