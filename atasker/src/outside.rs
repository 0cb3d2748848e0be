//! Where user code may be called: outside every lock of ours, and not on the clock's thread, which would make all others late.
//!
//! What may have to call some where it is not sure to be on such a thread, says so by [`run`]: there it is put off, and the
//! clock hands it to a thread of the pool when it has rung what was due. All calls of user code go through
//! [`panics`](crate::panics), which asks here: in debug builds with the feature `test-util`, so in all tests, one from under a
//! lock or on the clock's thread is a bug that stops the test.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use crate::stops::Leftover;
use crate::sync::thread_local;

// Not `const`, which the models' `thread_local` does not know.
#[allow(clippy::missing_const_for_thread_local)]
mod local {
    use super::{Cell, Leftover, RefCell, thread_local};

    thread_local! {
        /// This thread is one that runs nothing of the user's.
        pub(super) static OURS: Cell<bool> = Cell::new(false);
        /// What it has put off.
        pub(super) static PUT_OFF: RefCell<Vec<Leftover>> = RefCell::new(Vec::new());
    }
}

use local::{OURS, PUT_OFF};

/// Makes this thread one that runs no user code.
pub(crate) fn forbid_here() {
    OURS.with(|ours| ours.set(true));
}

/// Whether it is none of those.
#[inline]
pub(crate) fn is_here() -> bool {
    // A thread whose locals are gone is none: it is the clock's own that keeps them longest.
    OURS.try_with(|ours| !ours.get()).unwrap_or(true)
}

/// Does what may call user code: here, or where that may not be, later on a thread where it may.
pub(crate) fn run(work: impl FnOnce() + Send + 'static) {
    if is_here() {
        work();
    } else {
        PUT_OFF.with(|put_off| put_off.borrow_mut().push(Box::new(work)));
    }
}

/// Lets something go whose last owner drops what is the user's.
pub(crate) fn let_go<T: Send + Sync + 'static>(owner: Arc<T>) {
    if let Some(last) = Arc::into_inner(owner) {
        run(|| drop(last));
    }
}

/// What this thread has put off, for whoever can do it.
pub(crate) fn take_put_off() -> Vec<Leftover> {
    PUT_OFF.with(RefCell::take)
}

/// Does it here all the same: the system gives no thread for it.
pub(crate) fn run_at_last(work: impl FnOnce()) {
    let ours = OURS.with(|ours| ours.replace(false));
    work();
    OURS.with(|here| here.set(ours));
}

#[cfg(all(debug_assertions, feature = "test-util", not(any(atasker_loom, atasker_shuttle))))]
mod checked {
    use std::cell::Cell;

    thread_local! {
        /// Locks of ours that this thread holds.
        static HELD: Cell<usize> = const { Cell::new(0) };
    }

    /// A lock that is held.
    #[derive(Debug)]
    pub(crate) struct Held(());

    impl Held {
        pub(crate) fn new() -> Self {
            HELD.set(HELD.get() + 1);
            Self(())
        }
    }

    impl Drop for Held {
        fn drop(&mut self) {
            HELD.set(HELD.get() - 1);
        }
    }

    /// User code is about to be called.
    #[track_caller]
    pub(crate) fn check() {
        if !std::thread::panicking() {
            assert_eq!(HELD.get(), 0, "user code is called under a lock of atasker");
            assert!(super::is_here(), "user code is called on a thread of atasker that runs none");
        }
    }
}

#[cfg(not(all(debug_assertions, feature = "test-util", not(any(atasker_loom, atasker_shuttle)))))]
mod checked {
    #[derive(Debug)]
    pub(crate) struct Held;

    impl Held {
        #[inline(always)]
        pub(crate) fn new() -> Self {
            Self
        }
    }

    #[inline(always)]
    pub(crate) fn check() {}
}

pub(crate) use checked::{Held, check};
