//! What a worker's body may return, and what becomes of it.

use std::fmt;
use std::fmt::Display;
use std::ops::ControlFlow;

use crate::panics::Panic;

/// What a worker's body returns: `()`, [`ControlFlow<()>`](ControlFlow), or a `Result` of either.
///
/// `Break` stops the worker at once: what its queue still holds is discarded, and counted in
/// [`WorkerInfo::discarded`](crate::WorkerInfo). ([`WorkerContext::request_stop`](crate::WorkerContext::request_stop)
/// works it off instead.) An `Err` goes to `on_error`, is counted, and the worker lives on.
///
/// A closure that never returns, such as `|| panic!()`, needs its type written: `|| -> () { panic!() }`.
///
/// # Examples
///
/// ```
/// use std::ops::ControlFlow;
/// use atasker::background_worker;
///
/// let mut left = 3;
/// let worker = background_worker(move || {
///     left -= 1;
///     if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
/// })
/// .start()?;
/// while worker.is_running() {
///     std::thread::yield_now();
/// }
/// assert_eq!(worker.info().runs, 3);
/// # Ok::<(), atasker::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "a worker's body can't return `{Self}`",
    label = "return `()`, `ControlFlow<()>`, or a `Result` of either whose error can be displayed",
    note = "`ControlFlow::Break(())` stops the worker; an `Err` goes to `on_error` and the worker lives on"
)]
pub trait Outcome: sealed::Sealed {
    #[doc(hidden)]
    fn into_flow(self) -> Result<ControlFlow<()>, String>;
}

impl Outcome for () {
    fn into_flow(self) -> Result<ControlFlow<()>, String> {
        Ok(ControlFlow::Continue(()))
    }
}

impl Outcome for ControlFlow<()> {
    fn into_flow(self) -> Result<ControlFlow<()>, String> {
        Ok(self)
    }
}

impl<E: Display> Outcome for Result<(), E> {
    fn into_flow(self) -> Result<ControlFlow<()>, String> {
        self.map(ControlFlow::Continue).map_err(|error| error.to_string())
    }
}

impl<E: Display> Outcome for Result<ControlFlow<()>, E> {
    fn into_flow(self) -> Result<ControlFlow<()>, String> {
        self.map_err(|error| error.to_string())
    }
}

mod sealed {
    use super::{ControlFlow, Display};

    pub trait Sealed {}
    impl Sealed for () {}
    impl Sealed for ControlFlow<()> {}
    impl<E: Display> Sealed for Result<(), E> {}
    impl<E: Display> Sealed for Result<ControlFlow<()>, E> {}
}

/// What went wrong in one run of a worker: what `on_error` is told.
#[derive(Debug)]
#[non_exhaustive]
pub enum WorkerError {
    /// The body returned an `Err`; its text.
    Failed(String),
    /// The body panicked.
    Panicked(Panic),
}

impl WorkerError {
    /// The error's text, or the panic's message.
    pub fn message(&self) -> &str {
        match self {
            WorkerError::Failed(message) => message,
            WorkerError::Panicked(panic) => panic.message(),
        }
    }

    /// Whether the body panicked.
    pub fn is_panic(&self) -> bool {
        matches!(self, WorkerError::Panicked(_))
    }
}

impl Display for WorkerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WorkerError::Failed(message) => f.write_str(message),
            WorkerError::Panicked(panic) => write!(f, "panicked: {panic}"),
        }
    }
}

impl std::error::Error for WorkerError {}
