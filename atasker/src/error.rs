//! Everything that can be refused or go wrong, one type per failing verb; each converts into [`Error`] by `?`.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::panics::Panic;
use crate::report::StopReport;

/// A result of this crate's verbs; the error is [`Error`] unless said otherwise.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any error of this crate; what `?` turns the more exact ones into.
#[non_exhaustive]
pub enum Error {
    /// A task gave no result.
    Task(TaskError),
    /// The supervisor is stopped or stopping: start it first.
    Stopped,
    /// The worker is running, or still stopping: stop it first, or start an `instance(name)` of it.
    AlreadyRunning,
    /// The worker isn't running, so the item was not taken.
    NotRunning,
    /// The queue has no room, or its consumer would have waited for itself; the item was not taken.
    Full,
    /// The task didn't finish in time.
    NotReady,
    /// The call would have waited for itself.
    Deadlock,
    /// The call would have blocked an async body.
    WouldBlock,
    /// The supervisor has no lane of that name.
    UnknownLane {
        /// The name.
        name: String,
        /// The names of those that it has.
        known: Vec<String>,
    },
    /// A configuration makes no sense.
    Config(ConfigError),
    /// The system gave no thread.
    Thread(Arc<io::Error>),
    /// The process is a fork of the one that the supervisor runs in; its threads stayed there.
    Forked,
    /// A stop ran out of time, and bodies still run: the report names them.
    Incomplete(Box<StopReport>),
    /// A signal handler could not be installed.
    Signal(Arc<io::Error>),
    /// Some tasks of a collection gave no result.
    Collection {
        /// The name and error of each that gave none.
        failures: Vec<(String, TaskError)>,
        /// Tasks in the collection.
        of: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Task(error) => error.fmt(f),
            Error::Stopped => f.write_str("the supervisor is stopped: call start() first"),
            Error::AlreadyRunning => f.write_str(
                "the worker is already running or still stopping: stop it first, or start an instance(name)",
            ),
            Error::NotRunning => f.write_str("the worker is not running: it was not started, or has been stopped"),
            Error::Full => f.write_str("the worker's queue is full: try later, or make it longer"),
            Error::NotReady => f.write_str("the task is not ready: wait longer"),
            Error::Deadlock => f.write_str("the call would wait for itself: call it from outside this body"),
            Error::WouldBlock => f.write_str(
                "the call would block an async body: use its async form there (`.await`, `put_async`, `stop_async`, \
                 `wait_completed_async`, `execute_async`)",
            ),
            Error::UnknownLane { name, known } if known.is_empty() => {
                write!(f, "there is no lane `{name}`: make it by supervisor.lane(\"{name}\", ..) first")
            }
            Error::UnknownLane { name, known } => {
                write!(f, "there is no lane `{name}`: it is one of {}, or make it first", known.join(", "))
            }
            Error::Config(error) => error.fmt(f),
            Error::Thread(error) => write!(f, "the system gave no thread: {error}"),
            Error::Forked => f.write_str("this process is a fork: make a supervisor of its own after the fork"),
            Error::Incomplete(report) => write!(f, "the stop ran out of time: {report}"),
            Error::Signal(error) => write!(f, "a signal handler could not be installed: {error}"),
            Error::Collection { failures, of } => write_failures(f, failures, *of),
        }
    }
}

/// What a collection's tasks that gave no result came to, each by its name.
pub(crate) fn write_failures(f: &mut fmt::Formatter<'_>, failures: &[(String, TaskError)], of: usize) -> fmt::Result {
    write!(f, "{} of {of} tasks gave no result", failures.len())?;
    for (position, (name, error)) in failures.iter().enumerate() {
        write!(f, "{} {name}: {error}", if position == 0 { ":" } else { "," })?;
    }
    Ok(())
}

/// Without a source: what it is made of stands in its own text, and a chain that is printed tells nothing twice.
impl std::error::Error for Error {}

/// `Debug` is `Display`: a `main` that returns an error prints the text, and with it what to do.
macro_rules! debug_is_display {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}

debug_is_display!(Error, TaskError, ConfigError);

/// Why a task gave no result.
#[non_exhaustive]
pub enum TaskError {
    /// The body panicked.
    Panicked(Panic),
    /// It was cancelled before it started, by [`Task::cancel`](crate::Task::cancel) or by a stop; an async body, also while
    /// it ran, or because its runtime went down.
    Cancelled,
    /// It was never taken in: the supervisor or its lane is stopped, there is no such lane, or the system gave no thread at
    /// all. A warning in the log says which.
    Rejected,
    /// The wait would have waited for itself.
    Deadlock,
    /// A blocking wait inside an async body: use `.await`.
    WouldBlock,
}

impl TaskError {
    /// The panic's payload, as [`std::panic::resume_unwind`] takes it; for any other error, the error itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use atasker::background_task;
    ///
    /// let error = background_task(|| std::panic::panic_any(42_u8)).start().wait().unwrap_err();
    /// assert_eq!(error.into_panic().downcast_ref(), Some(&42_u8));
    /// ```
    pub fn into_panic(self) -> Box<dyn std::any::Any + Send> {
        match self {
            TaskError::Panicked(panic) => panic.into_panic(),
            other => Box::new(other),
        }
    }

    /// Whether the body panicked.
    pub fn is_panic(&self) -> bool {
        matches!(self, TaskError::Panicked(_))
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TaskError::Panicked(panic) => write!(f, "the task panicked: {panic}"),
            TaskError::Cancelled => f.write_str("the task was cancelled"),
            TaskError::Rejected => f.write_str(
                "the task was rejected: its supervisor or lane is stopped, there is no such lane, or the system gave no \
                 thread; a logged warning says which",
            ),
            TaskError::Deadlock => f.write_str("the task would wait for itself: wait for it from outside"),
            TaskError::WouldBlock => {
                f.write_str("a blocking wait inside an async body: use .await, or wait_completed_async for many")
            }
        }
    }
}

impl std::error::Error for TaskError {}

/// A configuration that makes no sense: the field, its value, and what it must be.
///
/// ```
/// use atasker::{Config, Error, Supervisor};
///
/// let Err(Error::Config(error)) = Supervisor::new("vast", Config::new().pool_size(2_000_000)) else { unreachable!() };
/// assert_eq!((error.field(), error.value()), ("pool_size", "2000000"));
/// assert_eq!(error.to_string(), "pool_size = 2000000 makes no sense: it must be at most 1000000");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigError {
    field: &'static str,
    value: String,
    cure: Cow<'static, str>,
}

impl ConfigError {
    pub(crate) fn new(field: &'static str, value: String, cure: impl Into<Cow<'static, str>>) -> Self {
        Self { field, value, cure: cure.into() }
    }

    /// Of a worker that an attribute declares.
    pub(crate) fn start_by_name(worker: &str) -> Self {
        let cure = "has no body here to start again: call `start` of the static that `#[background_worker]` has made, with its state";
        Self::new("worker", worker.to_owned(), cure)
    }

    pub(crate) fn zero_duration(field: &'static str, value: Duration) -> Self {
        Self::new(field, format!("{value:?}"), "must be more than 0")
    }

    /// The field or key that was refused.
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// The value that was refused.
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} makes no sense: it {}", self.field, self.value, self.cure)
    }
}

impl std::error::Error for ConfigError {}

/// Why a wait with a deadline, or a look, gave no result. `T` is the task's result.
#[non_exhaustive]
pub enum WaitError<T> {
    /// Not finished yet: the task comes back.
    NotReady(crate::Task<T>),
    /// It will give no result.
    Failed(TaskError),
}

/// A queue worker that didn't take an item: the item comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PutError<T> {
    /// The worker is not started, stopping or stopped.
    NotRunning(T),
    /// The queue has no room (any more in the time given), or its consumer would wait for itself.
    Full(T),
}

impl<T> PutError<T> {
    /// The item.
    pub fn into_inner(self) -> T {
        match self {
            PutError::NotRunning(item) | PutError::Full(item) => item,
        }
    }
}

/// A task that was refused: the body comes back, with the reason.
pub struct Rejected<F> {
    body: F,
    why: Error,
}

impl<F> Rejected<F> {
    pub(crate) fn new(body: F, why: Error) -> Self {
        Self { body, why }
    }

    /// Why it was refused: [`Error::Stopped`] (or stopping), [`Error::UnknownLane`], [`Error::Thread`], or [`Error::Forked`].
    ///
    /// # Examples
    ///
    /// ```
    /// use atasker::{background_task, Config, Error, Supervisor};
    ///
    /// let s = Supervisor::new("ended", Config::new())?;
    /// s.stop();
    /// let rejected = background_task(|| ()).supervisor(&s).try_start().unwrap_err();
    /// assert!(matches!(rejected.reason(), Error::Stopped));
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub fn reason(&self) -> &Error {
        &self.why
    }

    /// The body, to be run here or elsewhere.
    pub fn into_inner(self) -> F {
        self.body
    }
}

/// Errors that carry a user's value: `Debug` and `Display` for any value, since they show only what happened. Both are the same,
/// so that a `main` that returns one prints what to do.
macro_rules! error_with_value {
    ($name:ident, $error:ident, $shown:expr, $converted:expr) => {
        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl<T> fmt::Display for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let $error = self;
                write!(f, "{}", $shown)
            }
        }

        impl<T> std::error::Error for $name<T> {}

        impl<T> From<$name<T>> for Error {
            fn from($error: $name<T>) -> Self {
                $converted
            }
        }
    };
}

error_with_value!(
    WaitError,
    error,
    match error {
        WaitError::NotReady(_) => Error::NotReady.to_string(),
        WaitError::Failed(error) => error.to_string(),
    },
    match error {
        WaitError::NotReady(_) => Error::NotReady,
        WaitError::Failed(error) => Error::Task(error),
    }
);

error_with_value!(
    PutError,
    error,
    match error {
        PutError::NotRunning(_) => Error::NotRunning,
        PutError::Full(_) => Error::Full,
    },
    match error {
        PutError::NotRunning(_) => Error::NotRunning,
        PutError::Full(_) => Error::Full,
    }
);

error_with_value!(
    Rejected,
    error,
    format_args!("the task was rejected: {}", error.why),
    match error.why {
        Error::Stopped => Error::Task(TaskError::Rejected),
        why => why,
    }
);

impl From<TaskError> for Error {
    fn from(error: TaskError) -> Self {
        Error::Task(error)
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Error::Config(error)
    }
}
