//! The tokio runtime under a lane: made when the first body starts, or lent by the user; shut down without waiting for what
//! is not ours.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::panics::contain_library;

/// All bodies of ours have ended when a runtime is shut down: its threads leave at once. What a user's `spawn_blocking`
/// or endless poll holds up is waited for no longer than this.
const GRACE: Duration = Duration::from_millis(100);

/// What polls the bodies of a lane.
pub(crate) enum Engine {
    Own(Runtime),
    /// The user's: never shut down by us, and it may be shut down by him at any time.
    Lent(Handle),
}

impl Engine {
    /// Makes a runtime whose threads are named `name` and a number, and call `ends` when they end.
    pub(super) fn make(name: &str, threads: usize, ends: impl Fn() + Send + Sync + 'static) -> io::Result<Self> {
        let (name, number) = (name.to_owned(), Arc::new(AtomicUsize::new(0)));
        let build = move || {
            // Relaxed: only the number matters.
            let thread_name = move || format!("{name}-{}", number.fetch_add(1, Ordering::Relaxed));
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(threads).thread_name_fn(thread_name).on_thread_stop(ends);
            builder.enable_all().build()
        };
        // Where the system gives no thread, tokio panics.
        match contain_library(build) {
            Ok(built) => built.map(Self::Own),
            Err(panic) => Err(io::Error::other(panic.message().to_owned())),
        }
    }

    pub(crate) fn handle(&self) -> &Handle {
        match self {
            Self::Own(runtime) => runtime.handle(),
            Self::Lent(handle) => handle,
        }
    }

    /// Polls a future on this thread, with its timers and sockets.
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        match self {
            Self::Own(runtime) => runtime.block_on(future),
            Self::Lent(handle) => handle.block_on(future),
        }
    }

    /// Shuts an own runtime down. `patient`: all bodies have ended, so its threads are joined.
    ///
    /// On a thread made for it, since the caller may be a thread of another runtime, where tokio refuses to wait.
    pub(crate) fn shut_down(self, name: &str, patient: bool) {
        let Self::Own(runtime) = self else { return };
        if !patient {
            return runtime.shutdown_background();
        }
        let runtime = Arc::new(std::sync::Mutex::new(Some(runtime)));
        let here = Arc::clone(&runtime);
        let take = |runtime: &std::sync::Mutex<Option<Runtime>>| {
            runtime.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
        };
        let made = std::thread::Builder::new().name(format!("{name}-stop")).spawn(move || {
            if let Some(runtime) = take(&runtime) {
                runtime.shutdown_timeout(GRACE);
            }
        });
        match made {
            // A panic of what a user has left in the runtime has been printed.
            Ok(stopper) => _ = stopper.join(),
            Err(_) => take(&here).into_iter().for_each(Runtime::shutdown_background),
        }
    }
}
