//! What threads look at between two tasks, without the pool's lock: is anything more urgent queued, are the places still
//! within the ceiling, has anything been changed.
//!
//! Written under the lock only, and only when it changes, so the line stays in every core's cache. A thread that goes
//! from task to task by a glance keeps its place; giving it back and taking it again under the lock for each task held a
//! flood at 1.8 M/s.

use crossbeam_utils::CachePadded;

use super::inbox::Inbox;
use crate::admission::Limits;
use crate::priority::Priority;
use crate::sync::atomic::{AtomicIsize, AtomicU64, AtomicUsize, Ordering};

/// Bits of the word: first the priorities of which something is queued,
const QUEUED: u64 = 0b1111;
/// then those whose next entry needs a thread to be called,
const NEEDY_FROM: u32 = 4;
/// then whether anything is to be carried,
const CARRIED: u64 = 1 << 8;
/// then a number that every change of stage, epoch or configuration counts up,
const ATTENTION_FROM: u32 = 9;
const ATTENTION: u64 = 0xffff_ffff;
/// and above it the bodies that run in places, their own or another's: more than threads can be.
const PLACES_FROM: u32 = 41;

pub(super) struct Glance {
    word: CachePadded<AtomicU64>,
    /// Where callers put what they submit, by priority.
    inboxes: [CachePadded<Inbox>; 4],
    /// Dead entries in queues and rings, by priority. For a moment below zero, when an entry comes up before its death is
    /// reported.
    dead: [AtomicIsize; 4],
    /// Bodies in places that wait in a verb of ours.
    waiting: CachePadded<AtomicUsize>,
}

/// The word at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen(u64);

impl Seen {
    pub(super) fn new(
        queued: impl Fn(Priority) -> bool,
        needy: impl Fn(Priority) -> bool,
        attention: u64,
        (in_places, carried): (usize, bool),
    ) -> Self {
        let mut bits = (attention & ATTENTION) << ATTENTION_FROM | (in_places as u64) << PLACES_FROM;
        bits |= if carried { CARRIED } else { 0 };
        for priority in Priority::ALL {
            bits |= u64::from(queued(priority)) << priority as u64;
            bits |= u64::from(needy(priority)) << (NEEDY_FROM + priority as u32);
        }
        Self(bits)
    }

    /// Whether a thread is to be called for the next entry of that priority: one may start now, and nobody is coming.
    pub(super) fn is_needy(self, priority: Priority) -> bool {
        self.0 >> NEEDY_FROM & bit(priority) != 0
    }

    /// Whether stage, epoch and configuration are as they were then.
    pub(super) fn is_as(self, then: Self) -> bool {
        (self.0 ^ then.0) >> ATTENTION_FROM & ATTENTION == 0
    }

    /// Bodies that run in places: as many as are in use, and those that are carried.
    fn in_places(self) -> usize {
        (self.0 >> PLACES_FROM) as usize
    }

    /// Whether anything is to be carried.
    pub(super) fn has_carried(self) -> bool {
        self.0 & CARRIED != 0
    }

    /// Whether a thread with a place may take the next one of this priority: its own body is among those counted. What is
    /// carried takes no place; it is looked at under the lock then.
    pub(super) fn is_within(self, priority: Priority, limits: &Limits) -> bool {
        self.in_places() <= limits.places(priority)
    }
}

impl Glance {
    pub(super) fn new() -> Self {
        Self {
            word: CachePadded::new(AtomicU64::new(0)),
            inboxes: std::array::from_fn(|_| CachePadded::new(Inbox::new())),
            dead: std::array::from_fn(|_| AtomicIsize::new(0)),
            waiting: CachePadded::new(AtomicUsize::new(0)),
        }
    }

    pub(super) fn inbox(&self, priority: Priority) -> &Inbox {
        &self.inboxes[priority as usize]
    }

    /// Whether anything above this priority is queued.
    pub(super) fn is_wanted_above(&self, priority: Priority) -> bool {
        let above = self.inboxes[priority as usize + 1..].iter().any(|inbox| inbox.is_filled());
        above || self.look().0 & QUEUED >= bit(priority) << 1
    }

    /// Whether anything is queued.
    pub(super) fn is_wanted(&self) -> bool {
        self.look().0 & QUEUED != 0 || self.inboxes.iter().any(|inbox| inbox.is_filled())
    }

    pub(super) fn look(&self) -> Seen {
        // Acquire: who finds work announced finds it in its queue.
        Seen(self.word.load(Ordering::Acquire))
    }

    /// Called under the pool's lock.
    pub(super) fn show(&self, seen: Seen) {
        // Relaxed: written under the lock that is held.
        if self.word.load(Ordering::Relaxed) != seen.0 {
            self.word.store(seen.0, Ordering::Release);
        }
    }

    /// A body in a place begins to wait, or goes on.
    pub(super) fn note_waiting(&self, waits: bool) {
        if waits {
            self.waiting.fetch_add(1, Ordering::SeqCst);
        } else {
            self.waiting.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Whether so many wait.
    pub(super) fn do_wait(&self, in_places: usize) -> bool {
        self.waiting.load(Ordering::SeqCst) >= in_places
    }

    /// Whether all that run in places wait, as far as is shown.
    pub(super) fn all_wait(&self) -> bool {
        self.do_wait(self.look().in_places())
    }

    /// An entry has died where it stands. How many have.
    pub(super) fn died(&self, priority: Priority) -> isize {
        // Relaxed: a count of its own.
        self.dead[priority as usize].fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Dead entries came up.
    pub(super) fn buried(&self, priority: Priority, entries: usize) {
        self.dead[priority as usize].fetch_sub(entries as isize, Ordering::Relaxed);
    }

    pub(super) fn dead(&self, priority: Priority) -> isize {
        self.dead[priority as usize].load(Ordering::Relaxed)
    }

    /// A new epoch: nothing is queued.
    pub(super) fn forget_dead(&self) {
        self.dead.iter().for_each(|dead| dead.store(0, Ordering::Relaxed));
    }
}

fn bit(priority: Priority) -> u64 {
    1 << priority as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_seen_beyond_65536_of_them() {
        let seen = |attention, in_places| Seen::new(|_| true, |_| true, attention, (in_places, true));
        let now = seen(0, 0);
        for later in [1, 1 << 8, 1 << 16, 1 << 24, 1 << 31] {
            assert!(!seen(later, 0).is_as(now), "{later}");
        }
        // The most places that a configuration may have.
        let most = 3_000_000;
        assert!(seen(u64::MAX, most).in_places() == most && seen(7, most).is_as(seen(7, 0)));
    }
}
