//! How a future that runs is asked to end: a mark that it looks at before each poll, and the waker that makes it look.

use std::task::Waker;

use crate::panics::{clone_waker, wake_contained};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};

/// One running future, on a leash.
#[derive(Default)]
pub(crate) struct Leash {
    asked: AtomicBool,
    /// What makes it look. Lock rule: with no other, and no waker is cloned, used or dropped under it.
    waker: Mutex<Option<Waker>>,
}

impl Leash {
    /// Whether it has been asked to end.
    pub(crate) fn is_pulled(&self) -> bool {
        // Relaxed: whoever would sleep on the answer goes through the lock first, in `stay`.
        self.asked.load(Ordering::Relaxed)
    }

    /// Asks the future to end, and makes it look.
    pub(crate) fn pull(&self) {
        // The race this closes: the future goes to sleep just now. It leaves its waker first and looks second, this marks
        // first and looks for a waker second, and the lock between puts one of the two before the other
        // (`model::pull_and_poll`).
        self.asked.store(true, Ordering::Relaxed);
        let waker = self.waker.lock().take();
        if let Some(waker) = waker {
            wake_contained(waker);
        }
    }

    /// Makes the future look, and asks nothing.
    pub(crate) fn nudge(&self) {
        let waker = self.waker.lock().take();
        if let Some(waker) = waker {
            wake_contained(waker);
        }
    }

    /// The future would sleep: leaves its waker. `false`: it has been asked to end meanwhile, and is to look once more.
    pub(crate) fn stay(&self, waker: &Waker) -> bool {
        let known = self.waker.lock().as_ref().is_some_and(|known| known.will_wake(waker));
        if !known {
            let waker = clone_waker(waker);
            let replaced = self.waker.lock().replace(waker);
            drop(replaced);
        }
        !self.is_pulled()
    }

    /// The future has ended: what it has left would keep its runtime's memory.
    pub(crate) fn let_go(&self) {
        let waker = self.waker.lock().take();
        drop(waker);
    }
}
