//! Workers that start with their supervisor, collected from the whole program at link time.

use std::cell::Cell;

use super::Supervisor;
use crate::error::{Error, Result};
use crate::log;

thread_local! {
    /// This thread starts the workers of a supervisor that starts.
    static STARTS: Cell<bool> = const { Cell::new(false) };
}

/// Whether a worker that is started on this thread is started with its supervisor.
pub(crate) fn starts_with_supervisor() -> bool {
    STARTS.try_with(Cell::get).unwrap_or(false)
}

/// One worker declared with `autostart`.
#[derive(Debug)]
pub struct Autostart {
    name: &'static str,
    belongs: fn(&Supervisor) -> bool,
    start: fn() -> Result<()>,
}

impl Autostart {
    /// A worker of that name, whose supervisor `belongs` knows and whose `start` needs nothing.
    pub const fn new(name: &'static str, belongs: fn(&Supervisor) -> bool, start: fn() -> Result<()>) -> Self {
        Self { name, belongs, start }
    }
}

inventory::collect!(Autostart);

/// Starts every worker that was declared for this supervisor.
pub(super) fn start_all(supervisor: &Supervisor) {
    for worker in inventory::iter::<Autostart> {
        if !(worker.belongs)(supervisor) {
            continue;
        }
        let before = STARTS.replace(true);
        let started = (worker.start)();
        STARTS.set(before);
        match started {
            // Already running: somebody was faster, which is just as well.
            Ok(()) | Err(Error::AlreadyRunning) => {}
            Err(error) => log::autostart_failed(worker.name, &error),
        }
    }
}
