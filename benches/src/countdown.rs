//! Waiting for a known number of tasks without burning a core that the tasks need.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, Thread},
};

/// Counts tasks down and wakes one waiter after the last.
///
/// A line of its own, so that what the tasks write is not what the pool reads.
#[repr(align(128))]
pub(crate) struct Countdown {
    /// Hits still to come.
    left: AtomicU64,
    /// The thread to be woken at zero. Looked at once a run, hence the lock.
    waiter: Mutex<Option<Thread>>,
}

impl Countdown {
    pub(crate) const fn new() -> Self {
        Self { left: AtomicU64::new(0), waiter: Mutex::new(None) }
    }

    /// Sets the number of hits to come; the calling thread is the one that will wait.
    pub(crate) fn expect(&self, hits: u64) {
        *self.waiter.lock().expect("no thread panics here") = Some(thread::current());
        self.left.store(hits, Ordering::Release);
    }

    /// One hit less to come.
    pub(crate) fn hit(&self) {
        // Release, so that the waiter sees what the task wrote.
        if self.left.fetch_sub(1, Ordering::Release) == 1 {
            let waiter = self.waiter.lock().expect("no thread panics here");
            waiter.as_ref().expect("`expect` comes before the first hit").unpark();
        }
    }

    /// Whether every hit has come.
    pub(crate) fn is_over(&self) -> bool {
        // Acquire pairs with the release of the hits.
        self.left.load(Ordering::Acquire) == 0
    }

    /// Sleeps until every hit has come.
    pub(crate) fn wait(&self) {
        // `unpark` comes after the last hit: a look that missed it is followed by a park that returns at once.
        while !self.is_over() {
            thread::park();
        }
    }
}
