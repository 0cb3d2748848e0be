//! What a stop came to.

use std::fmt;
use std::time::Duration;

/// What a stop came to; the same for everyone who asked for the same stop.
///
/// All tasks handed in since the start are accounted for: those refused, `ran`, `cancelled`, and the tasks in
/// `abandoned`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StopReport {
    /// Whether every body of this run has ended. `false`: see `abandoned`; or the stop was only asked for, from inside a body.
    pub complete: bool,
    /// Tasks that ran since the start, to their end or to a panic.
    pub ran: u64,
    /// Bodies that failed since the start: tasks that panicked, runs of workers that panicked or returned an `Err`, and hooks
    /// of workers that panicked.
    pub errors: u64,
    /// Tasks that were cancelled before they started, since the start.
    pub cancelled: u64,
    /// Items that queue workers discarded since the start; [`WorkerInfo::discarded`](crate::WorkerInfo) tells whose.
    pub discarded: u64,
    /// Tasks that were refused since the start, those that came during the stop among them. (Items that are refused come
    /// back to their putters, and are not counted.)
    pub rejected: u64,
    /// Bodies that still ran when a [`stop_timeout`](crate::Supervisor::stop_timeout) ran out, which are left alone; and
    /// `on_stop` hooks that had not begun, which nobody has waited for.
    pub abandoned: Vec<Abandoned>,
}

/// A body that a bounded stop gave up on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Abandoned {
    /// The task's or worker's name.
    pub name: String,
    /// How long it had been running.
    pub running_for: Duration,
    /// `false`: an `on_stop` hook that had not begun. It runs later, on a thread that nobody waits for.
    pub has_begun: bool,
}

impl fmt::Display for StopReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ran, errors, cancelled, discarded, rejected, .. } = self;
        write!(f, "tasks: {ran} ran, {cancelled} cancelled")?;
        for (count, what) in [(rejected, "rejected"), (errors, "errors")] {
            if *count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        write!(f, "; items: {discarded} discarded")?;
        if !self.complete && self.abandoned.is_empty() {
            f.write_str("; still stopping")?;
        }
        for Abandoned { name, running_for, has_begun } in &self.abandoned {
            if *has_begun {
                write!(f, "; {name} still running after {running_for:.1?}")?;
            } else {
                write!(f, "; {name} not begun")?;
            }
        }
        Ok(())
    }
}
