//! A queue worker's queue: items in, items out, and nothing lost when it closes.
//!
//! ```text
//! putters ──push──▶ inbox ──one swap, where taken is empty──▶ taken ──pop──▶ the runner
//! ```
//!
//! Putters and the runner each have a lock of their own, on a line of its own, so they meet once for all that has
//! gathered and not at each item. To everybody else the two are one queue: who stops, counts or waits for room holds
//! both. Lock rule: `inbox` before `taken`; held to move items only, and none is dropped under them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crossbeam_utils::Backoff;

use crate::panics::drop_contained;
use crate::stops::Leftover;
use crate::sync::{Mutex, MutexGuard};
use crate::wait::{IS_MODEL, WATCH, WaitList};

/// A queue that has been worked off keeps room for so many items; what a burst made it grow to beyond that is freed.
const KEPT: usize = 256;

/// The queue of one worker, of items `T`.
#[repr(C)]
pub(super) struct Mailbox<T> {
    inbox: Mutex<Inbox<T>>,
    taken: OwnLine<Mutex<Taken<T>>>,
    /// Those who wait for room. One is woken for each item that is taken out; all are when it closes.
    pub(super) room: WaitList,
}

/// Begins on a cache line that nothing before it is on. `CachePadded` takes two, which processors that fetch lines in
/// pairs are glad of, but which would make an idle worker half as large again.
#[repr(align(64))]
struct OwnLine<T>(T);

/// What was put and not taken yet.
struct Inbox<T> {
    items: VecDeque<T>,
    /// `usize::MAX`: without bound.
    capacity: usize,
    /// So many more may be put without a look at what the runner has done meanwhile.
    room: usize,
    /// Invariant: what is pushed before it closes is run, or discarded and counted; what comes after it goes back to its
    /// putter (`model::put_and_stop`).
    intake: Intake,
    /// Somebody will look: the worker has been rung since it was last found empty, or is being rung, or its pause ends
    /// with a look (`model::put_and_rest`).
    called: bool,
    /// The last who watched a full queue saw room come before a sleep would have paid.
    brisk: bool,
}

/// From whom items are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intake {
    Everybody,
    /// From bodies of what a stop drains.
    Bodies,
    Nobody,
}

/// What the runner has taken, which it runs first.
struct Taken<T> {
    items: VecDeque<T>,
    /// Putters that sleep until there is room, or are about to.
    waiting: usize,
}

/// Why an item was not taken; the item comes back beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotTaken {
    Closed,
    /// It takes items from bodies only.
    Draining,
    Full,
}

/// What is to be done after an item was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// The worker is to be rung: nobody would look.
    First,
    Behind,
}

impl<T> Inbox<T> {
    /// How many more may be put now.
    fn room(&self, taken: &Taken<T>) -> usize {
        self.capacity.saturating_sub(self.items.len() + taken.items.len())
    }
}

impl<T> Mailbox<T> {
    pub(super) fn new() -> Arc<Self> {
        let inbox =
            Inbox { items: VecDeque::new(), capacity: 0, room: 0, intake: Intake::Nobody, called: false, brisk: true };
        let taken = Taken { items: VecDeque::new(), waiting: 0 };
        Arc::new(Self { inbox: Mutex::new(inbox), taken: OwnLine(Mutex::new(taken)), room: WaitList::default() })
    }

    /// Puts an item in. `of_body`: it comes from a body of what a stop drains, where one does.
    #[inline]
    pub(super) fn push(&self, item: T, of_body: bool) -> Result<Pushed, (NotTaken, T)> {
        let mut inbox = self.enter();
        match inbox.intake {
            Intake::Everybody => {}
            Intake::Bodies if of_body => {}
            Intake::Bodies => return Err((NotTaken::Draining, item)),
            Intake::Nobody => return Err((NotTaken::Closed, item)),
        }
        if inbox.room == 0 {
            inbox.room = inbox.room(&self.taken.0.lock());
            if inbox.room == 0 {
                return Err((NotTaken::Full, item));
            }
        }
        inbox.room -= 1;
        inbox.items.push_back(item);
        Ok(if std::mem::replace(&mut inbox.called, true) { Pushed::Behind } else { Pushed::First })
    }

    /// The putters' lock. Who finds it taken gives his core away for a moment before he sleeps for it: where many put,
    /// those who sleep and are woken in turn cost more than what they put.
    fn enter(&self) -> MutexGuard<'_, Inbox<T>> {
        self.inbox.try_lock().unwrap_or_else(|| self.enter_behind_others())
    }

    #[cold]
    fn enter_behind_others(&self) -> MutexGuard<'_, Inbox<T>> {
        let backoff = Backoff::new();
        while !backoff.is_completed() && !IS_MODEL {
            backoff.snooze();
            if let Some(inbox) = self.inbox.try_lock() {
                return inbox;
            }
        }
        self.inbox.lock()
    }

    /// The next item, for the one who has the worker.
    #[inline]
    pub(super) fn pop(&self) -> Option<T> {
        let mut taken = self.taken.0.lock();
        if taken.items.is_empty() {
            drop(taken);
            taken = self.refill();
        }
        let item = taken.items.pop_front();
        let waited = taken.waiting > 0;
        drop(taken);
        if waited && item.is_some() {
            self.room.wake_one();
        }
        item
    }

    #[cold]
    fn refill(&self) -> MutexGuard<'_, Taken<T>> {
        let (mut inbox, mut taken) = self.both();
        debug_assert!(taken.items.is_empty(), "nobody else takes: one has the worker");
        std::mem::swap(&mut inbox.items, &mut taken.items);
        taken
    }

    pub(super) fn has_room(&self) -> bool {
        let (inbox, taken) = self.both();
        inbox.room(&taken) > 0
    }

    /// Watches a full queue for a moment, in which a brisk runner makes room: a sleep and a wake-up cost more. A good
    /// part of the queue is waited for, so that those who put and the one who runs don't meet at each item.
    pub(super) fn watch(&self) {
        let Some(enough) = self.worth_watching() else { return };
        // Fewer and fewer looks, not `wait::watch`: each takes the runner's lock.
        let (began, backoff) = (Instant::now(), Backoff::new());
        while !backoff.is_completed() || began.elapsed() < WATCH {
            backoff.snooze();
            let (inbox, taken) = self.both();
            if inbox.intake == Intake::Nobody || inbox.room(&taken) >= enough {
                return;
            }
        }
        let (mut inbox, taken) = self.both();
        inbox.brisk = inbox.room(&taken) > 0;
    }

    /// How much room is a good part; `None` where watching has not paid.
    fn worth_watching(&self) -> Option<usize> {
        let inbox = self.inbox.lock();
        (inbox.brisk && !IS_MODEL).then_some(inbox.capacity.div_ceil(2))
    }

    /// A putter is about to look for room, and to sleep where there is none. The race this closes: it is counted before
    /// it looks, under the lock under which the runner takes an item and looks for those who are counted.
    pub(super) fn begin_wait(&self) {
        self.taken.0.lock().waiting += 1;
    }

    pub(super) fn end_wait(&self) {
        let (mut inbox, mut taken) = self.both();
        taken.waiting -= 1;
        // The runner was far ahead of the wake-up.
        inbox.brisk |= inbox.room(&taken) > inbox.capacity / 4;
    }

    fn both(&self) -> (MutexGuard<'_, Inbox<T>>, MutexGuard<'_, Taken<T>>) {
        let inbox = self.inbox.lock();
        (inbox, self.taken.0.lock())
    }
}

/// A mailbox as the worker's core sees it: of some item.
pub(super) trait AnyMailbox: Send + Sync {
    fn len(&self) -> usize;

    fn capacity(&self) -> Option<usize>;

    /// A life begins, with nothing in it.
    fn open(&self, capacity: Option<usize>, intake: Intake);

    /// The number of items, for the one who has the worker and would let it rest: where there are none, the next putter
    /// is to ring.
    fn rest(&self) -> usize;

    /// Takes no more items in, but for those that `intake` says. Called under the worker's plan lock.
    fn narrow(&self, intake: Intake);

    /// Wakes those who wait for room, after it was narrowed: their items may have to go back.
    fn send_away(&self);

    /// Takes out the items that wait: how many, and what drops them.
    fn take_all(&self) -> Option<(u64, Leftover)>;
}

impl<T: Send + 'static> AnyMailbox for Mailbox<T> {
    fn len(&self) -> usize {
        let (inbox, taken) = self.both();
        inbox.items.len() + taken.items.len()
    }

    fn capacity(&self) -> Option<usize> {
        Some(self.inbox.lock().capacity).filter(|&capacity| capacity < usize::MAX)
    }

    fn open(&self, capacity: Option<usize>, intake: Intake) {
        let (mut inbox, taken) = self.both();
        inbox.intake = intake;
        inbox.called = false;
        inbox.brisk = true;
        inbox.capacity = capacity.unwrap_or(usize::MAX);
        inbox.room = inbox.room(&taken);
    }

    fn rest(&self) -> usize {
        let (mut inbox, mut taken) = self.both();
        let items = inbox.items.len() + taken.items.len();
        if items == 0 {
            inbox.called = false;
            for grown in [&mut inbox.items, &mut taken.items] {
                grown.shrink_to(KEPT);
            }
        }
        items
    }

    fn narrow(&self, intake: Intake) {
        self.inbox.lock().intake = intake;
    }

    fn send_away(&self) {
        self.room.wake_all();
    }

    fn take_all(&self) -> Option<(u64, Leftover)> {
        let (first, then) = {
            let (mut inbox, mut taken) = self.both();
            (std::mem::take(&mut taken.items), std::mem::take(&mut inbox.items))
        };
        let count = first.len() + then.len();
        // One by one: a Drop that panics must not keep the others from being dropped.
        let drop = move || first.into_iter().chain(then).for_each(drop_contained);
        (count > 0).then(|| (count as u64, Box::new(drop) as Leftover))
    }
}
