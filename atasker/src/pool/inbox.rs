//! Where callers put what they submit: a queue with a lock of its own, which threads empty into the pool's in one go.
//!
//! Whoever submits touches this and one word of the [`glance`](super::glance), and those who take come here once for all
//! that has gathered. With one lock for both, a flood from one producer ran at a third of the speed.

use super::entry::Entry;
use super::glance::{Glance, Seen};
use super::queue::Fifo;
use crate::priority::Priority;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard};

pub(super) struct Inbox {
    /// Lock rule: the very last, taken under the pool's too; held for list operations and one load.
    content: Mutex<Content>,
    /// Whether there is anything in it. Written under the lock.
    filled: AtomicBool,
}

#[derive(Default)]
struct Content {
    /// The pool takes work from callers, and nobody wants to know when it came.
    open: bool,
    queue: Fifo,
    /// How many came since it was last emptied.
    submitted: u64,
}

/// An inbox that is open, and kept so: the way in for one entry.
pub(super) struct WayIn<'a> {
    content: MutexGuard<'a, Content>,
    filled: &'a AtomicBool,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self { content: Mutex::default(), filled: AtomicBool::new(false) }
    }

    /// `None`: it is closed.
    pub(super) fn enter(&self) -> Option<WayIn<'_>> {
        let content = self.content.lock();
        content.open.then_some(WayIn { content, filled: &self.filled })
    }

    /// Whether there is anything in it.
    pub(super) fn is_filled(&self) -> bool {
        self.filled.load(Ordering::Acquire)
    }

    /// The same, exact for whoever has written before what those who put look at.
    pub(super) fn is_really_filled(&self) -> bool {
        let content = self.content.lock();
        content.queue.len() > 0
    }

    /// Moves everything to the end of `queue`. How many have come.
    pub(super) fn empty_into(&self, queue: &mut Fifo) -> u64 {
        let mut content = self.content.lock();
        self.filled.store(false, Ordering::Relaxed);
        queue.append(&mut content.queue);
        std::mem::take(&mut content.submitted)
    }

    /// Opens or closes it.
    pub(super) fn set_open(&self, open: bool) {
        self.content.lock().open = open;
    }
}

impl WayIn<'_> {
    /// Puts an entry in. What was to be seen of the pool at that moment.
    ///
    /// The race this closes: a thread goes to sleep just now. It says that it is to be called first, and then looks in
    /// here, under the lock (`State::settle`). This looks whether a thread is to be called after it has put the entry in,
    /// under the same lock, so one of the two sees the other (`pool::model::submit_and_park`).
    #[inline(always)]
    pub(super) fn put(mut self, entry: Entry, glance: &Glance) -> Seen {
        self.content.queue.push_unstamped(entry);
        self.content.submitted += 1;
        // Relaxed, here and below: written under the lock; a glance at it without the lock promises nothing but that a
        // put that has returned is seen.
        if !self.filled.load(Ordering::Relaxed) {
            self.filled.store(true, Ordering::Release);
        }
        glance.look()
    }
}

/// All four, most urgent first.
pub(super) fn each(glance: &Glance) -> impl Iterator<Item = (Priority, &Inbox)> {
    Priority::ALL.into_iter().rev().map(|priority| (priority, glance.inbox(priority)))
}
