//! How a thread or a future waits for something of ours to change: a list of wakers, and a loop around it.
//!
//! Knows wakers and deadlines, not what is waited for.

#[cfg(all(test, any(atasker_loom, atasker_shuttle)))]
mod model;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::hint;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use crate::panics::{clone_waker, wake_contained};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, Parker, Unparker, thread, thread_local};
use crate::time::Deadline;

thread_local! {
    /// Each thread's own parker, made when the thread first waits.
    static PARKER: ThreadParker = ThreadParker::new();
}

/// A parker together with the waker that ends its sleep.
struct ThreadParker {
    /// Where the thread sleeps.
    parker: Parker,
    /// What the thread leaves with those who shall wake it.
    waker: Waker,
    /// What it last waited for came soon.
    eager: Cell<bool>,
}

/// How long a thread stays awake for what is likely to come at once; a sleep and a wake-up cost about as much.
pub(crate) const WATCH: Duration = if IS_MODEL { Duration::ZERO } else { Duration::from_micros(20) };

/// Looks before the first time that the core is given to others.
const PAUSES: usize = if IS_MODEL { 1 } else { 32 };

/// What came sooner than this was worth staying awake for.
pub(crate) const WORTH_WATCHING: Duration = if IS_MODEL { Duration::MAX } else { Duration::from_micros(30) };

/// A model's steps take no time, and what it does must not hang on a clock.
pub(crate) const IS_MODEL: bool = cfg!(any(atasker_loom, atasker_shuttle));

/// Stays awake for a moment, until it is over.
///
/// After a few looks it gives the core to others between them: what it waits for may have to be done by a thread that
/// waits for this core.
pub(crate) fn watch(is_over: impl Fn() -> bool) {
    for _ in 0..PAUSES {
        if is_over() {
            return;
        }
        hint::spin_loop();
    }
    let began = Instant::now();
    while !is_over() && began.elapsed() < WATCH {
        thread::yield_now();
    }
}

/// A waker that wakes a thread.
struct ThreadWaker(Unparker);

impl Wake for ThreadWaker {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// A waker of one wait among several on a thread: it remembers that it was used.
struct Remembering {
    used: AtomicBool,
    thread: Unparker,
}

impl Wake for Remembering {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Release: whoever finds it set sees what the wake-up was for. A swap, as where it is taken: of a store beside that one,
        // loom does not know which came first.
        self.used.swap(true, Ordering::Release);
        self.thread.unpark();
    }
}

impl ThreadParker {
    fn new() -> Self {
        let parker = Parker::new();
        let waker = Waker::from(Arc::new(ThreadWaker(parker.unparker().clone())));
        Self { parker, waker, eager: Cell::new(false) }
    }
}

/// Calls `f` with this thread's waker and a way to sleep until it is used (or until the deadline).
///
/// A thread whose locals are already gone (a destructor at its end) gets a parker made for this one wait.
fn with_parker<R>(f: impl FnOnce(&ThreadParker) -> R) -> R {
    let mut f = Some(f);
    let mut call = |parker: &ThreadParker| (f.take().expect("called once"))(parker);
    match PARKER.try_with(&mut call) {
        Ok(result) => result,
        Err(_) => call(&ThreadParker::new()),
    }
}

/// [`block_until`], for what may well come before a sleep would pay: where it did the last time, the thread stays awake
/// for a moment before it leaves its waker. `is_over` says when there is reason to look.
pub(crate) fn watch_and_block_until<R>(
    deadline: Deadline,
    is_over: impl Fn() -> bool,
    ready: impl FnMut(&Waker) -> Option<R>,
) -> Option<R> {
    let began = Instant::now();
    if with_parker(|thread| thread.eager.get()) {
        watch(is_over);
    }
    let result = block_until(deadline, ready);
    with_parker(|thread| thread.eager.set(began.elapsed() < WORTH_WATCHING));
    result
}

/// Sleeps until `ready` gives something, or the deadline has passed: then `None`.
///
/// `ready` gets this thread's waker and leaves it wherever the change will be told, before it looks: a change
/// between the look and the sleep then finds the waker, and the sleep ends at once. Spurious wake-ups only look again.
///
/// Where `ready` runs something that may wait on this thread, that may use up a wake-up for this one: it then looks again
/// before it gives `None`. What can't is for [`poll_until`].
pub(crate) fn block_until<R>(deadline: Deadline, mut ready: impl FnMut(&Waker) -> Option<R>) -> Option<R> {
    with_parker(|thread| {
        loop {
            if let Some(result) = ready(&thread.waker) {
                return Some(result);
            }
            match deadline {
                Deadline::Never => thread.parker.park(),
                Deadline::At(at) => {
                    if Instant::now() >= at {
                        return None;
                    }
                    thread.parker.park_deadline(at);
                }
            }
        }
    })
}

/// The same for a `ready` that is a poll of the user's: it may wait on this thread for something else.
///
/// The race this closes: the poll leaves its waker and then waits inside itself; a wake-up comes, ends that inner sleep, and
/// is used up by it. The poll gives `None`, and nobody wakes the thread again. So the waker remembers its use, and that is
/// looked at before each sleep (`model::wake_and_wait_inside`).
pub(crate) fn poll_until<R>(mut ready: impl FnMut(&Waker) -> Option<R>) -> R {
    with_parker(|thread| {
        let own = Arc::new(Remembering { used: AtomicBool::new(false), thread: thread.parker.unparker().clone() });
        let waker = Waker::from(Arc::clone(&own));
        loop {
            if let Some(result) = ready(&waker) {
                return result;
            }
            // Acquire: see the store. What is used between this look and the sleep ends the sleep at once.
            while !own.used.swap(false, Ordering::Acquire) {
                thread.parker.park();
            }
        }
    })
}

/// Those who wait for one thing to change.
#[derive(Debug, Default)]
pub(crate) struct WaitList {
    /// Lock rule: held for list operations only, no waker is woken or dropped under it.
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// The number the next ticket gets.
    next: u64,
    /// By the numbers of their tickets, and so in the order of arrival. A tree: to renew one, and to leave from the middle,
    /// costs the same however many wait.
    wakers: BTreeMap<u64, Waker>,
}

/// A place in a [`WaitList`].
#[derive(Debug)]
pub(crate) struct Ticket(u64);

/// A stay in a [`WaitList`], left when it is dropped: for futures, which may be dropped at any await.
#[derive(Debug)]
pub(crate) struct Stay<'a> {
    list: &'a WaitList,
    ticket: Option<Ticket>,
}

impl<'a> Stay<'a> {
    pub(crate) fn new(list: &'a WaitList) -> Self {
        Self { list, ticket: None }
    }

    pub(crate) fn register(&mut self, waker: &Waker) {
        self.list.register(&mut self.ticket, waker);
    }
}

impl Drop for Stay<'_> {
    fn drop(&mut self) {
        self.list.leave(&mut self.ticket);
    }
}

impl WaitList {
    /// Leaves a waker, or renews the one that `ticket` stands for. One that was woken and waits again keeps its place among the
    /// others: it has lost a race, and is not to lose its turn.
    pub(crate) fn register(&self, ticket: &mut Option<Ticket>, waker: &Waker) {
        let waker = clone_waker(waker);
        let mut waiting = self.waiting.lock();
        let number = match ticket {
            Some(Ticket(number)) => *number,
            None => {
                let number = waiting.next;
                waiting.next += 1;
                *ticket = Some(Ticket(number));
                number
            }
        };
        let replaced = waiting.wakers.insert(number, waker);
        drop(waiting);
        drop(replaced);
    }

    /// Takes the ticket's waker out. `false`: it had been woken, so a wake-up meant for one may have to be passed on.
    pub(crate) fn leave(&self, ticket: &mut Option<Ticket>) -> bool {
        let Some(ticket) = ticket.take() else { return true };
        let waker = self.waiting.lock().wakers.remove(&ticket.0);
        waker.is_some()
    }

    /// Wakes everyone who waits.
    pub(crate) fn wake_all(&self) {
        let wakers = std::mem::take(&mut self.waiting.lock().wakers);
        wakers.into_values().for_each(wake_contained);
    }

    /// Wakes the one who has waited longest.
    pub(crate) fn wake_one(&self) {
        let first = self.waiting.lock().wakers.pop_first();
        if let Some((_, waker)) = first {
            wake_contained(waker);
        }
    }

    /// Sleeps until `ready` gives something or the deadline has passed.
    pub(crate) fn block_until<R>(&self, deadline: Deadline, mut ready: impl FnMut() -> Option<R>) -> Option<R> {
        let mut ticket = None;
        let result = block_until(deadline, |waker| {
            if let Some(result) = ready() {
                return Some(result);
            }
            // The race this closes: a change after the look above and before the registration wakes nobody, so the
            // look is repeated once the waker is in the list.
            self.register(&mut ticket, waker);
            ready()
        });
        self.leave(&mut ticket);
        result
    }
}
