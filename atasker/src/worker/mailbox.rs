//! A queue worker's queue: items in, items out, and nothing lost when it closes.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::panics::drop_contained;
use crate::sync::Mutex;
use crate::wait::WaitList;

/// The queue of one worker, of items `T`.
pub(super) struct Mailbox<T> {
    /// Lock rule: held to move items in and out only; none is dropped under it.
    state: Mutex<State<T>>,
    /// Those who wait for room. One is woken for each item that is taken out; all are when it closes.
    pub(super) room: WaitList,
}

struct State<T> {
    items: VecDeque<T>,
    /// `None`: without bound.
    capacity: Option<usize>,
    /// Takes items. Invariant: what is pushed before the close is worked off or discarded and counted; what comes
    /// after it goes back to its putter (`model::put_and_stop`).
    open: bool,
}

/// Why an item was not taken; the item comes back beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotTaken {
    Closed,
    Full,
}

impl<T> Mailbox<T> {
    pub(super) fn new() -> Arc<Self> {
        let state = State { items: VecDeque::new(), capacity: None, open: false };
        Arc::new(Self { state: Mutex::new(state), room: WaitList::default() })
    }

    pub(super) fn push(&self, item: T) -> Result<(), (NotTaken, T)> {
        let mut state = self.state.lock();
        if !state.open {
            return Err((NotTaken::Closed, item));
        }
        if state.capacity.is_some_and(|capacity| state.items.len() >= capacity) {
            return Err((NotTaken::Full, item));
        }
        state.items.push_back(item);
        Ok(())
    }

    pub(super) fn has_room(&self) -> bool {
        let state = self.state.lock();
        state.capacity.is_none_or(|capacity| state.items.len() < capacity)
    }

    pub(super) fn pop(&self) -> Option<T> {
        let (item, bounded) = {
            let mut state = self.state.lock();
            (state.items.pop_front(), state.capacity.is_some())
        };
        if bounded && item.is_some() {
            self.room.wake_one();
        }
        item
    }
}

/// A mailbox as the worker's core sees it: of some item.
pub(super) trait AnyMailbox: Send + Sync {
    fn len(&self) -> usize;

    fn capacity(&self) -> Option<usize>;

    fn open(&self, capacity: Option<usize>);

    /// Takes no more items in. Called under the worker's plan lock.
    fn shut(&self);

    /// Sends those away who wait for room, after it was shut: their items go back.
    fn send_away(&self);

    /// Throws away the items that wait, and says how many.
    fn discard(&self) -> u64;
}

impl<T: Send + 'static> AnyMailbox for Mailbox<T> {
    fn len(&self) -> usize {
        self.state.lock().items.len()
    }

    fn capacity(&self) -> Option<usize> {
        self.state.lock().capacity
    }

    fn open(&self, capacity: Option<usize>) {
        let mut state = self.state.lock();
        state.open = true;
        state.capacity = capacity;
    }

    fn shut(&self) {
        self.state.lock().open = false;
    }

    fn send_away(&self) {
        self.room.wake_all();
    }

    fn discard(&self) -> u64 {
        let discarded = std::mem::take(&mut self.state.lock().items);
        let count = discarded.len() as u64;
        // One by one: a Drop that panics must not keep the others from being dropped.
        discarded.into_iter().for_each(drop_contained);
        count
    }
}
