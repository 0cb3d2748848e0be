//! A program's main loop for those who want it: run until the system says to end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use once_cell::sync::Lazy;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::{Handle, Signals};

use super::{StopReport, Supervisor};
use crate::error::{Error, Result};
use crate::sync::Mutex;

/// What asks a program to end: Ctrl-C, and the system's or a service manager's request.
const SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

impl Supervisor {
    /// Runs until SIGINT or SIGTERM comes, or until somebody stops it; on a signal it stops within `grace`.
    ///
    /// A second signal ends the process at once, with 128 and the signal's number as exit code. Handlers are installed
    /// by this call only; when it has returned, the signals do what they do by default. Unix only.
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
        self.core.ensure_running()?;
        let supervisor = self.core.weak_handle();
        let watch = SignalWatch::begin(self.name(), move || _ = supervisor.stop_timeout(grace))?;
        self.block();
        watch.end();
        let report = self.stop();
        if report.complete { Ok(report) } else { Err(Error::Incomplete(Box::new(report))) }
    }
}

/// A thread that waits for the first signal. While it is there, a second one ends the process.
pub(crate) struct SignalWatch {
    /// Tells the thread that no signal is waited for any more.
    closer: Handle,
    waiter: JoinHandle<()>,
    listening: Listening,
}

impl SignalWatch {
    /// Calls `on_signal` on a thread of its own when a signal comes. `name`: whose signal it is, for the thread's name.
    pub(crate) fn begin(name: &str, on_signal: impl FnOnce() + Send + 'static) -> Result<Self> {
        let (mut signals, listening) = Listening::begin().map_err(|error| Error::Signal(Arc::new(error)))?;
        let closer = signals.handle();
        let waiter = std::thread::Builder::new().name(format!("{name}-signal")).spawn(move || {
            if signals.forever().next().is_some() {
                on_signal();
            }
        });
        let waiter = waiter.map_err(|error| Error::Thread(Arc::new(error)))?;
        Ok(Self { closer, waiter, listening })
    }

    /// Signals do what they do by default again. Waits for an `on_signal` under way.
    pub(crate) fn end(self) {
        self.closer.close();
        // It runs nothing but `on_signal`, which is ours and does not panic.
        _ = self.waiter.join();
        drop(self.listening);
    }
}

/// What the handlers look at. One for the process: a handler, once installed, stays.
struct Handlers {
    /// Nobody listens: the signal does what it does by default.
    over: Arc<AtomicBool>,
    /// A first signal has come: the next ends the process.
    asked: Arc<AtomicBool>,
    /// How many listen. Lock rule: held for counting, and for the one installation.
    listeners: Mutex<Option<usize>>,
}

static HANDLERS: Lazy<Handlers> =
    Lazy::new(|| Handlers { over: Arc::default(), asked: Arc::default(), listeners: Mutex::new(None) });

/// One who listens for signals.
struct Listening;

impl Listening {
    fn begin() -> io::Result<(Signals, Self)> {
        let mut listeners = HANDLERS.listeners.lock();
        if listeners.is_none() {
            // They run in this order: the default once nobody listens, the end of the process once a signal has
            // asked, and only then the note that one has.
            for signal in SIGNALS {
                flag::register_conditional_default(signal, Arc::clone(&HANDLERS.over))?;
                flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&HANDLERS.asked))?;
                flag::register(signal, Arc::clone(&HANDLERS.asked))?;
            }
        }
        let signals = Signals::new(SIGNALS)?;
        let listening = listeners.unwrap_or(0);
        if listening == 0 {
            // Relaxed, here and below: handlers look at them one by one.
            HANDLERS.asked.store(false, Ordering::Relaxed);
            HANDLERS.over.store(false, Ordering::Relaxed);
        }
        *listeners = Some(listening + 1);
        Ok((signals, Self))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut listeners = HANDLERS.listeners.lock();
        let listening = listeners.map_or(0, |listening| listening - 1);
        HANDLERS.over.store(listening == 0, Ordering::Relaxed);
        *listeners = Some(listening);
    }
}
