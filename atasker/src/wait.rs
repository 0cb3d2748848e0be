//! How a thread or a future waits for something of ours to change: a list of wakers, and a loop around it.
//!
//! Knows wakers and deadlines, not what is waited for.

use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Instant;

use crate::panics::wake_contained;
use crate::sync::{Mutex, Parker, Unparker, thread_local};
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

impl ThreadParker {
    fn new() -> Self {
        let parker = Parker::new();
        let waker = Waker::from(Arc::new(ThreadWaker(parker.unparker().clone())));
        Self { parker, waker }
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

/// Sleeps until `ready` gives something, or the deadline has passed: then `None`.
///
/// `ready` gets this thread's waker and leaves it wherever the change will be told, before it looks: a change
/// between the look and the sleep then finds the waker, and the sleep ends at once. Spurious wake-ups only look again.
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
    /// In the order of arrival.
    wakers: Vec<(u64, Waker)>,
}

/// A place in a [`WaitList`].
#[derive(Debug)]
pub(crate) struct Ticket(u64);

impl WaitList {
    /// Leaves a waker; or renews the one that `ticket` stands for, if it was not woken yet.
    pub(crate) fn register(&self, ticket: &mut Option<Ticket>, waker: &Waker) {
        let waker = waker.clone();
        let mut waiting = self.waiting.lock();
        let held = ticket.as_ref().and_then(|held| waiting.wakers.iter().position(|(number, _)| *number == held.0));
        let replaced = match held {
            Some(position) => Some(std::mem::replace(&mut waiting.wakers[position].1, waker)),
            None => {
                let number = waiting.next;
                waiting.next += 1;
                waiting.wakers.push((number, waker));
                *ticket = Some(Ticket(number));
                None
            }
        };
        drop(waiting);
        drop(replaced);
    }

    /// Takes the ticket's waker out. `false`: it had been woken, so a wake-up meant for one may have to be passed on.
    pub(crate) fn leave(&self, ticket: &mut Option<Ticket>) -> bool {
        let Some(ticket) = ticket.take() else { return true };
        let mut waiting = self.waiting.lock();
        let found = waiting.wakers.iter().position(|(number, _)| *number == ticket.0);
        let waker = found.map(|position| waiting.wakers.remove(position));
        drop(waiting);
        waker.is_some()
    }

    /// Wakes everyone who waits.
    pub(crate) fn wake_all(&self) {
        let wakers = std::mem::take(&mut self.waiting.lock().wakers);
        for (_, waker) in wakers {
            wake_contained(waker);
        }
    }

    /// Wakes the one who has waited longest.
    pub(crate) fn wake_one(&self) {
        let mut waiting = self.waiting.lock();
        let first = (!waiting.wakers.is_empty()).then(|| waiting.wakers.remove(0));
        drop(waiting);
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
