//! First-in first-out queues, one for each priority, and who in them has waited too long.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::entry::Entry;
use super::job::Job;
use crate::priority::{PerPriority, Priority};
use crate::slow::{SlowStart, Thresholds, Told, Waits};

/// Entries in a block: 8 KiB. A queue grows and shrinks by blocks, so that a long one is never copied and its memory
/// falls back as it empties; what a block needs besides comes to less than a byte for each entry.
const BLOCK: usize = 254;

/// Empty blocks kept for the next burst.
const SPARE_BLOCKS: usize = 4;

/// The entries of one priority, in the order of their coming.
#[derive(Default)]
pub(super) struct Fifo {
    /// Dead entries (cancelled, or claimed by a waiter) stay until they come up or a sweep takes them. No block is empty.
    blocks: VecDeque<VecDeque<Entry>>,
    /// Entries in all blocks.
    len: usize,
    spare: Vec<VecDeque<Entry>>,
    /// When each came, where that is known. Empty while no slow-start threshold is set.
    since: VecDeque<Option<Instant>>,
    /// How many at the front have been told of.
    told: Told,
}

/// An entry that was taken out of a queue without being run, and whose queue that was.
pub(super) type Removed = (Priority, Entry);

impl Fifo {
    pub(super) fn push(&mut self, entry: Entry, since: Option<Instant>) {
        if since.is_some() {
            // Those that came before anybody wanted to know.
            self.since.resize(self.len, None);
        }
        if since.is_some() || !self.since.is_empty() {
            self.since.push_back(since);
        }
        self.push_unstamped(entry);
    }

    /// [`push`](Self::push) into a queue in which no entry has a time.
    #[inline(always)]
    pub(super) fn push_unstamped(&mut self, entry: Entry) {
        self.len += 1;
        self.last_block().push_back(entry);
    }

    /// The last block that has room.
    fn last_block(&mut self) -> &mut VecDeque<Entry> {
        if self.blocks.back().is_none_or(|block| block.len() == BLOCK) {
            let block = self.empty_block();
            self.blocks.push_back(block);
        }
        self.blocks.back_mut().expect("there is one now")
    }

    /// Puts back what had been taken out: it is older than what stands here.
    pub(super) fn push_front(&mut self, entry: Entry) {
        if !self.since.is_empty() {
            self.since.push_front(None);
        }
        self.len += 1;
        match self.blocks.front_mut() {
            Some(block) if block.len() < BLOCK => block.push_front(entry),
            _ => {
                let mut block = self.empty_block();
                block.push_front(entry);
                self.blocks.push_front(block);
            }
        }
    }

    pub(super) fn pop(&mut self) -> Option<Entry> {
        let block = self.blocks.front_mut()?;
        let entry = block.pop_front().expect("no block is empty");
        if block.is_empty() {
            let block = self.blocks.pop_front().expect("looked at above");
            if self.spare.len() < SPARE_BLOCKS {
                self.spare.push(block);
            }
        }
        self.len -= 1;
        self.since.pop_front();
        self.told.popped();
        Some(entry)
    }

    /// Moves everything that `other` has to the end of this, and lets it have a spare block for what comes next.
    pub(super) fn append(&mut self, other: &mut Self) {
        if !self.since.is_empty() {
            self.since.resize(self.len + other.len, None);
        }
        self.len += std::mem::take(&mut other.len);
        // What fits into the last block is moved there: a queue that is filled by drops must not keep a block for each.
        while let (Some(last), Some(next)) = (self.blocks.back_mut(), other.blocks.front_mut())
            && last.len() + next.len() <= BLOCK
        {
            last.append(next);
            other.spare.extend(other.blocks.pop_front());
        }
        self.blocks.append(&mut other.blocks);
        if other.spare.is_empty() {
            other.spare.extend(self.spare.pop());
        }
    }

    fn empty_block(&mut self) -> VecDeque<Entry> {
        self.spare.pop().unwrap_or_else(|| VecDeque::with_capacity(BLOCK))
    }

    /// Whether the oldest entry is dead.
    pub(super) fn is_head_dead(&self) -> bool {
        self.blocks.front().and_then(VecDeque::front).is_some_and(|entry| !entry.is_live())
    }

    /// Entries, dead ones included.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Takes out everything that `condemned` says.
    pub(super) fn remove(&mut self, condemned: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let mut old = std::mem::take(self);
        self.spare = std::mem::take(&mut old.spare);
        let mut removed = Vec::new();
        let mut since = std::mem::take(&mut old.since).into_iter();
        for (position, entry) in old.blocks.into_iter().flatten().enumerate() {
            let since = since.next().flatten();
            if condemned(&entry) {
                removed.push(entry);
            } else {
                self.told.stays(&old.told, position);
                self.push(entry, since);
            }
        }
        removed
    }

    /// The entry at that position from the front, and when it came.
    fn get(&self, position: usize) -> Option<(&Entry, Option<Instant>)> {
        let mut within = position;
        let block = self.blocks.iter().find(|block| {
            let here = within < block.len();
            within -= if here { 0 } else { block.len() };
            here
        })?;
        Some((&block[within], self.since.get(position).copied().flatten()))
    }

    /// Reports who has newly waited past a threshold, and gives the moment of the next look.
    pub(super) fn slow(
        &mut self,
        priority: Priority,
        now: Instant,
        thresholds: Thresholds,
        report: &mut Vec<SlowStart>,
    ) -> Option<Instant> {
        let mut told = std::mem::take(&mut self.told);
        let waits = |position| {
            let (entry, since) = self.get(position)?;
            Some(Waits { since, name: entry.is_live().then(|| entry.name().to_owned()) })
        };
        let next = told.look(priority, now, thresholds, waits, report);
        self.told = told;
        next
    }
}

/// The queues of all priorities, and the carried jobs before them.
#[derive(Default)]
pub(super) struct Queues {
    pub(super) of: PerPriority<Fifo>,
    /// Jobs that are to run in the place of one who waits for them, and not on top of him: he is too deep in nested waits, or
    /// polls in somebody else's executor.
    pub(super) carried: VecDeque<Carried>,
    /// The places in which such a job runs: one at a time, since it is one place. Where all bodies of the pool wait, the
    /// next one runs beside it: a body may have gone on before what was carried for it has ended, which then waits for the
    /// body, and that for something else by now.
    pub(super) carrying: Vec<DonorPlace>,
    /// Housekeeping that runs user code; it takes no place.
    pub(super) errands: VecDeque<Arc<dyn Job>>,
}

/// The place of a body that waits: its thread's number, and which of that thread's bodies it is. By the thread's slot, what is
/// left of an earlier body's would be taken for its own, also that of an earlier thread, and it would wait for that to end.
pub(super) type DonorPlace = (u64, u64);

/// A job that runs in another thread's place.
pub(super) struct Carried {
    pub(super) job: Arc<dyn Job>,
    pub(super) priority: Priority,
    pub(super) place: DonorPlace,
}

impl Queues {
    /// Notes a job to be carried. `false`: it was noted before for that place. For another it is noted too: what is carried in
    /// the one may wait for this very job, and the first thread that finds a place free takes it.
    pub(super) fn carry(&mut self, job: &Arc<dyn Job>, priority: Priority, place: DonorPlace) -> bool {
        let is_it = |carried: &Carried| carried.place == place && Arc::ptr_eq(&carried.job, job);
        let is_new = !self.carried.iter().any(is_it);
        if is_new {
            self.carried.push_back(Carried { job: Arc::clone(job), priority, place });
        }
        is_new
    }

    /// Takes it back.
    pub(super) fn uncarry(&mut self, job: &Arc<dyn Job>, place: DonorPlace) -> Option<Carried> {
        let is_it = |carried: &Carried| carried.place == place && Arc::ptr_eq(&carried.job, job);
        let position = self.carried.iter().position(is_it)?;
        self.carried.remove(position)
    }

    /// The next one whose place has nothing else carried; where there is none and all bodies wait, the next one.
    pub(super) fn next_carried(&mut self, all_wait: bool) -> Option<Carried> {
        let free = self.carried.iter().position(|carried| !self.carrying.contains(&carried.place));
        let position = free.or_else(|| all_wait.then_some(0))?;
        let carried = self.carried.remove(position)?;
        self.carrying.push(carried.place);
        Some(carried)
    }

    /// How many may be taken now.
    pub(super) fn carriable(&self, all_wait: bool) -> usize {
        // Those of one place behind each other are counted as one: a look in vain calls no other.
        let mut places: Vec<DonorPlace> = self.carried.iter().map(|carried| carried.place).collect();
        places.sort_unstable();
        places.dedup();
        let free = places.into_iter().filter(|place| !self.carrying.contains(place)).count();
        if all_wait && !self.carried.is_empty() { free.max(1) } else { free }
    }

    /// The one that ran in that place has ended.
    pub(super) fn carried_off(&mut self, place: DonorPlace) {
        if let Some(position) = self.carrying.iter().position(|&carrying| carrying == place) {
            self.carrying.swap_remove(position);
        }
    }

    /// Takes out everything that `condemned` says, the most urgent first.
    pub(super) fn remove(&mut self, condemned: impl Fn(&Entry) -> bool) -> Vec<Removed> {
        let each = Priority::ALL.into_iter().rev();
        each.flat_map(|priority| {
            let removed = self.of[priority].remove(&condemned);
            removed.into_iter().map(move |entry| (priority, entry))
        })
        .collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.carried.is_empty()
            && self.errands.is_empty()
            && Priority::ALL.iter().all(|&priority| self.of[priority].len() == 0)
    }
}
