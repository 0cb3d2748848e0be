//! The one place where panics of user code are caught.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::task::Waker;

use crate::outside;

/// Runs user code; a panic becomes an `Err`.
///
/// `AssertUnwindSafe` holds because what a body borrows is either gone after the panic (a task) or the user's own
/// state, which the contract says survives it (a worker).
pub(crate) fn contain<R>(f: impl FnOnce() -> R) -> Result<R, Panic> {
    outside::check();
    contain_library(f)
}

/// The same for a library's code, which calls nothing of the user's: also where that may not run.
pub(crate) fn contain_library<R>(f: impl FnOnce() -> R) -> Result<R, Panic> {
    catch_unwind(AssertUnwindSafe(f)).map_err(Panic::new)
}

/// Drops a user's value; a panic of its `Drop` ends here.
///
/// The panic's own payload may panic when dropped, so it is leaked: a few bytes against an abort.
pub(crate) fn drop_contained<T>(value: T) {
    if let Err(panic) = contain(|| drop(value)) {
        panic.leak();
    }
}

/// A waker to be left somewhere. To clone one calls user code, as to wake or drop it does.
pub(crate) fn clone_waker(waker: &Waker) -> Waker {
    outside::check();
    waker.clone()
}

/// Wakes whoever left the waker, or has it woken where that may be. A waker is user code, and where it is used must go on: its
/// panic ends here.
pub(crate) fn wake_contained(waker: Waker) {
    outside::run(move || {
        if let Err(panic) = contain(|| waker.wake()) {
            panic.leak();
        }
    });
}

/// A caught panic: its message, and the payload it was raised with.
///
/// # Examples
///
/// ```
/// use atasker::{background_task, TaskError};
///
/// let error = background_task(|| panic!("out of paper")).start().wait().unwrap_err();
/// let TaskError::Panicked(panic) = error else { unreachable!() };
/// assert_eq!(panic.message(), "out of paper");
/// assert!(panic.into_panic().is::<&str>());
/// ```
// Boxed: it is part of what each task has room for, and hardly any panics.
pub struct Panic(Box<Caught>);

struct Caught {
    /// The payload's text, or a stand-in where it is not text.
    message: String,
    /// Behind a lock only because an error must be `Sync` and a payload need not be. `None` once taken.
    payload: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Panic {
    fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = payload
            .downcast_ref::<&'static str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "the panic's payload is not a string".to_owned());
        Self(Box::new(Caught { message, payload: Mutex::new(Some(payload)) }))
    }

    /// What the panic said; a stand-in where its payload is not a string.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The payload the panic was raised with, as [`std::panic::resume_unwind`] takes it.
    pub fn into_panic(mut self) -> Box<dyn Any + Send> {
        self.take().expect("only drop and leak take it otherwise, and both own the panic")
    }

    fn take(&mut self) -> Option<Box<dyn Any + Send>> {
        self.0.payload.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }

    /// Forgets the payload without running its `Drop`.
    pub(crate) fn leak(mut self) {
        std::mem::forget(self.take());
    }
}

impl Drop for Panic {
    fn drop(&mut self) {
        // A payload whose own Drop panics must not take the thread that drops the error with it.
        if let Some(payload) = self.take()
            && let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload)))
        {
            std::mem::forget(second);
        }
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Panic").field(&self.0.message).finish()
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}
