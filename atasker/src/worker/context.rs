//! What a body may ask about the run it is in.

use std::fmt;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::core::{Core, Home};
use super::outcome::WorkerError;
use super::plan::Cause;
use crate::log;
use crate::supervisor::Supervisor;

/// What a worker's body may ask about its run; handed to bodies that take a `&WorkerContext`.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc;
/// use atasker::{background_worker, WorkerContext};
///
/// let (tell, told) = mpsc::channel();
/// let worker = background_worker(move |cx: &WorkerContext| {
///     tell.send((cx.name().to_owned(), cx.run())).unwrap();
///     cx.request_stop();
/// })
/// .event()
/// .name("bell")
/// .start()?;
/// assert!(worker.trigger());
/// assert_eq!(told.recv().unwrap(), ("bell".to_owned(), 1));
/// # Ok::<(), atasker::Error>(())
/// ```
pub struct WorkerContext {
    core: Arc<Core>,
    home: Arc<Home>,
    due: Instant,
    due_on_wall: Option<SystemTime>,
    missed: u64,
    is_planned: bool,
}

impl WorkerContext {
    pub(super) fn new(core: Arc<Core>, home: Arc<Home>, now: Instant) -> Self {
        Self { core, home, due: now, due_on_wall: None, missed: 0, is_planned: false }
    }

    /// A run begins that its plan knows of.
    pub(super) fn begin_planned(&mut self, cause: Cause) {
        let Cause { due, on_wall, missed, is_planned } = cause;
        (self.due, self.due_on_wall, self.missed, self.is_planned) = (due, on_wall, missed, is_planned);
    }

    /// Whether this run was for a tick.
    pub(super) fn is_planned(&self) -> bool {
        self.is_planned
    }

    pub(super) fn begin_run(&mut self, due: Instant, missed: u64) {
        (self.due, self.missed) = (due, missed);
    }

    /// The worker's name. Default: the fn's or type's own name.
    pub fn name(&self) -> &str {
        self.core.name()
    }

    /// The number of this run, from 1. 0 in `on_start`.
    pub fn run(&self) -> u64 {
        self.core.runs()
    }

    /// When this run was planned: its tick on the grid, or the end of the delay. For a run that was not planned (a loop,
    /// an event, an item, a trigger), its start.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// When this run was planned by the wall clock: the minute of a cron line, the tick of a grid aligned to the wall. `None`
    /// for what is planned by the clock that never jumps, and for what was not planned.
    pub fn due_on_wall(&self) -> Option<SystemTime> {
        self.due_on_wall
    }

    /// Ticks that were missed between the last run and this one.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// Whether the worker has been asked to stop, or the stop of its supervisor has been
    /// [announced](Supervisor::request_stop): a long run may end early.
    pub fn is_stopping(&self) -> bool {
        self.core.is_stopping() || self.supervisor().is_stopping()
    }

    /// The supervisor that the worker runs on.
    pub fn supervisor(&self) -> &Supervisor {
        self.home.supervisor()
    }

    /// Asks the worker to stop after this run (a queue worker: after what is queued).
    pub fn request_stop(&self) {
        self.core.request_stop(false);
    }

    /// Tells of an error that nobody else was told of.
    pub(super) fn tell_unhandled(&self, error: &WorkerError) {
        log::unhandled_worker_error(self.name(), self.run(), error);
    }
}

impl fmt::Debug for WorkerContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerContext")
            .field("name", &self.name())
            .field("run", &self.run())
            .field("due", &self.due)
            .field("missed", &self.missed)
            .finish_non_exhaustive()
    }
}
