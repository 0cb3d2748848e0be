//! A program's main loop for those who want it: run until the system says to end.

use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use super::handlers::Listening;
use super::{StopReport, Supervisor};
use crate::error::{Error, Result};

impl Supervisor {
    /// Runs until SIGINT or SIGTERM comes, or until somebody stops it; on a signal it stops within `grace`.
    ///
    /// A second signal ends the process at once, with 128 and the signal's number as exit code. Where several wait for
    /// signals, each of them is told of the first that comes after it began to.
    ///
    /// Handlers are installed by this call only, before the supervisor starts. When it has returned, with a report or an
    /// error, the signals do what they did before it: the default, nothing where they were ignored, or what a handler of
    /// yours does, which is called meanwhile too. (A handler that was put in place of these meanwhile stays, and the next
    /// such call hears only what that passes on.) A fork of the process hears its own signals. Unix only.
    ///
    /// # Errors
    ///
    /// [`Error::Incomplete`] names what still ran when `grace` was over, so that a `main` that returns it exits with 1;
    /// [`Error::Signal`] if a handler could not be installed; what [`start`](Supervisor::start) gives, where it was
    /// never started.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use atasker::{background_worker, task_supervisor};
    ///
    /// #[background_worker(interval = 1, autostart)]
    /// fn watch() {
    ///     println!("all quiet");
    /// }
    ///
    /// fn main() -> atasker::Result<()> {
    ///     let report = task_supervisor().run_until_signal(Duration::from_secs(10))?;
    ///     println!("{report}");
    ///     Ok(())
    /// }
    /// ```
    pub fn run_until_signal(&self, grace: Duration) -> Result<StopReport> {
        let supervisor = self.core.weak_handle();
        let (started, when_started) = mpsc::channel();
        // Before anything starts: a signal that comes meanwhile is heard, and stops what has started.
        let watch = SignalWatch::begin(self.name(), move || {
            if when_started.recv() == Ok(()) {
                supervisor.stop_timeout(grace);
            }
        })?;
        if let Err(error) = self.core.ensure_running() {
            // Before the watch goes, which waits for whoever waits for this.
            drop(started);
            return Err(error);
        }
        _ = started.send(());
        self.block();
        drop(watch);
        let report = self.stop();
        if report.complete { Ok(report) } else { Err(Error::Incomplete(Box::new(report))) }
    }
}

/// A thread that waits for the first signal. While it is there, a second one ends the process. Dropped, it listens no more,
/// and has waited for an `on_signal` under way.
pub(crate) struct SignalWatch {
    listening: Listening,
    /// Taken by the drop.
    waiter: Option<JoinHandle<()>>,
}

impl SignalWatch {
    /// Calls `on_signal` on a thread of its own when a signal comes. `name`: whose signal it is, for the thread's name.
    ///
    /// The handlers are there before the thread is made.
    pub(crate) fn begin(name: &str, on_signal: impl FnOnce() + Send + 'static) -> Result<Self> {
        let listening = Listening::begin().map_err(|error| Error::Signal(Arc::new(error)))?;
        let listener = listening.listener;
        let waiter = std::thread::Builder::new().name(format!("{name}-signal")).spawn(move || {
            if listener.wait() {
                on_signal();
            }
        });
        let waiter = waiter.map_err(|error| Error::Thread(Arc::new(error)))?;
        Ok(Self { listening, waiter: Some(waiter) })
    }
}

impl Drop for SignalWatch {
    fn drop(&mut self) {
        self.listening.close();
        // The thread of one that a fork inherits has stayed in its parent.
        if let Some(waiter) = self.waiter.take().filter(|_| self.listening.is_here()) {
            // It runs nothing but `on_signal`, which is ours and does not panic.
            _ = waiter.join();
        }
    }
}
