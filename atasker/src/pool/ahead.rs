//! The pool's side of the threads' rings: what threads have taken ahead is counted with, stolen, and put back.
//!
//! Invariant: no ring that is not counted with holds anything that nobody will look at. A ring is counted with from the
//! moment its owner says so, under the lock, until somebody finds it empty, under the lock too; an owner who fills a ring
//! that is not counted with says so (`model::spawn_inside_and_park`).

use super::entry::Entry;
use super::home::Home;
use super::state::State;
use crate::priority::Priority;
use crate::sync::atomic::{Ordering, fence};

/// The priorities that have rings.
pub(super) const KEPT: [Priority; 3] = [Priority::Low, Priority::Normal, Priority::High];

impl State {
    /// Counts with the ring of that thread.
    pub(super) fn count_in(&mut self, thread: usize, priority: Priority) {
        let ledger = &self.slot(thread).ledger;
        let (counted, bit) = (ledger.counted.load(Ordering::Relaxed), 1 << priority as u8);
        if counted & bit == 0 {
            ledger.counted.store(counted | bit, Ordering::Relaxed);
            self.holders[priority as usize].push(thread);
        }
    }

    /// Entries in the rings of that priority. Stops counting with those that are empty.
    pub(super) fn kept(&mut self, priority: Priority) -> usize {
        let Some(holders) = self.holders.get_mut(priority as usize).filter(|holders| !holders.is_empty()) else {
            return 0;
        };
        let mut holders = std::mem::take(holders);
        let mut kept = 0;
        holders.retain(|&thread| {
            let entries = self.count_out(thread, priority);
            kept += entries;
            entries > 0
        });
        self.holders[priority as usize] = holders;
        kept
    }

    /// Stops counting with a ring that is empty. How many entries are in it.
    fn count_out(&mut self, thread: usize, priority: Priority) -> usize {
        let slot = self.slot(thread);
        let (ring, counted) = (&slot.thieves[priority as usize], &slot.ledger.counted);
        let entries = ring.len();
        if entries > 0 {
            return entries;
        }
        let before = counted.load(Ordering::Relaxed);
        counted.store(before & !(1 << priority as u8), Ordering::Relaxed);
        // The race this closes: the owner fills the ring just now (`Home::keep`). It fills first and looks whether it is
        // counted with second; this says that it isn't first and looks into the ring second.
        fence(Ordering::SeqCst);
        let entries = ring.len();
        if entries > 0 {
            counted.store(before, Ordering::Relaxed);
        }
        entries
    }

    /// Takes the next entry of that priority for the thread, and some ahead of its turn.
    pub(super) fn take_for(&mut self, home: &Home, priority: Priority) -> Option<Entry> {
        let own = || home.ring(priority)?.pop();
        if let Some(stranded) = self.steal_stranded(home, priority) {
            return Some(stranded);
        }
        let first = if home.looks_outside() && !home.has_outside(priority) { None } else { own() };
        first.or_else(|| self.take_shared(home, priority)).or_else(own).or_else(|| self.steal_some(home, priority))
    }

    /// What stands in the ring of a thread that has not moved since the last look of another: it is older than what
    /// stands in the queue, and its thread may be in a long body.
    fn steal_stranded(&mut self, home: &Home, priority: Priority) -> Option<Entry> {
        for position in 0..self.holders.get(priority as usize)?.len() {
            let thread = self.holders[priority as usize][position];
            if thread == home.thread {
                continue;
            }
            let slot = self.slot(thread);
            let taken = slot.thieves[priority as usize].taken();
            let before = std::mem::replace(&mut slot.taken[priority as usize], taken);
            if before == taken
                && let Some(entry) = self.steal(thread, priority)
            {
                self.slot(home.thread).handed += 1;
                return Some(entry);
            }
        }
        None
    }

    /// The head of the queue; and what follows it into the thread's ring, no more than its share.
    fn take_shared(&mut self, home: &Home, priority: Priority) -> Option<Entry> {
        let queue = &mut self.queues.of[priority];
        let first = queue.pop()?;
        let waiting = queue.len();
        self.slot(home.thread).handed += 1;
        let Some(ring) = home.ring(priority).filter(|ring| ring.is_empty()) else { return Some(first) };
        // Where somebody wants to hear of slow starts, all that waits stands in the queue, where it is looked for.
        let ahead = if self.thresholds.first().is_none() { home.ahead() } else { 1 };
        let share = ahead.min(waiting / (2 * self.thread_count())).saturating_sub(1);
        for _ in 0..share {
            let entry = self.queues.of[priority].pop().expect("there are more than the share");
            if let Err(entry) = ring.push(entry) {
                // A thief is still reading.
                self.queues.of[priority].push_front(entry);
                break;
            }
        }
        if share > 0 {
            home.note_outside(priority);
            self.count_in(home.thread, priority);
        }
        Some(first)
    }

    /// Half of what another thread has in its ring.
    fn steal_some(&mut self, home: &Home, priority: Priority) -> Option<Entry> {
        let holders = self.holders.get(priority as usize)?;
        let other = holders.iter().copied().find(|&thread| thread != home.thread)?;
        let entry = self.steal(other, priority)?;
        self.slot(home.thread).handed += 1;
        let share = home.ahead().min(self.slot(other).thieves[priority as usize].len().div_ceil(2));
        for _ in 0..share.saturating_sub(1) {
            let Some(entry) = self.steal(other, priority) else { break };
            let ring = home.ring(priority).expect("what was stolen from a ring has one here too");
            if let Err(entry) = ring.push(entry) {
                self.queues.of[priority].push_front(entry);
                break;
            }
        }
        self.count_in(home.thread, priority);
        Some(entry)
    }

    fn steal(&mut self, thread: usize, priority: Priority) -> Option<Entry> {
        let slot = self.slot(thread);
        let entry = slot.thieves[priority as usize].steal()?;
        slot.handed -= 1;
        Some(entry)
    }

    /// Puts what the thread has taken ahead back: it goes to sleep, and nobody shall have to look for it there.
    pub(super) fn put_back(&mut self, home: &Home) {
        for priority in KEPT {
            let ring = home.ring(priority).expect("each of these has a ring");
            let mut kept: Vec<_> = std::iter::from_fn(|| ring.pop()).collect();
            self.slot(home.thread).handed -= kept.len() as i64;
            while let Some(entry) = kept.pop() {
                self.queues.of[priority].push_front(entry);
            }
        }
    }

    /// Puts the older half of a full ring into the queue, so that its thread has room again.
    pub(super) fn spill(&mut self, home: &Home, priority: Priority) {
        let Some(ring) = home.ring(priority) else { return };
        for _ in 0..super::home::AHEAD {
            let Some(entry) = ring.pop() else { break };
            self.slot(home.thread).handed -= 1;
            self.put(priority, entry, None);
        }
    }

    /// Empties the rings of all threads into the queues.
    pub(super) fn recall(&mut self) {
        for thread in 0..self.slots.len() {
            if self.slots[thread].is_none() {
                continue;
            }
            for priority in KEPT {
                let mut kept: Vec<_> = std::iter::from_fn(|| self.steal(thread, priority)).collect();
                while let Some(entry) = kept.pop() {
                    self.queues.of[priority].push_front(entry);
                }
            }
        }
    }
}
