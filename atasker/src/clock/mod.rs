//! One queue of deadlines, and one thread that waits for the earliest and rings what is due.
//!
//! Knows deadlines and bells; not tasks, workers or the pool. No user code runs on its thread: a bell only queues
//! something, so a slow body makes itself late, never the others.

mod lead;
mod moment;
mod queue;
mod slack;

use std::hint;
use std::io;
use std::num::NonZeroU64;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::sync::thread::{Builder, JoinHandle};
use crate::sync::{Mutex, Parker, Unparker};
use crate::time::Deadline;
use lead::Lead;
use moment::Moment;
use queue::Queue;

/// Rung bells are taken off the queue this many at a time, so that a stop or an insertion never waits long for the lock,
/// nor what the first has rung for a thread.
const BATCH: usize = 256;

/// What a deadline rings. Called outside every lock, never before its time.
pub(crate) trait Bell: Send + Sync {
    /// The moment has come.
    fn ring(self: Arc<Self>, key: Key);

    /// The clock has stopped, and the moment will not come. `true`: there is something of the user's to drop.
    fn dropped(self: Arc<Self>) -> bool;

    /// Drops it. Called after all bells that were dropped with it have been told.
    fn drop_body(self: Arc<Self>);
}

/// Whom the clock tells what is to be done once for many bells.
pub(crate) trait Listener: Send + Sync {
    /// Some bells have been rung, right before, one after the other. Called on the clock thread, outside every lock.
    fn rung(&self);
}

/// One deadline in the queue. Ordered by time, then by insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// When it is to be rung.
    at: Moment,
    /// Tells equal deadlines apart, and later ones of the same bell from earlier ones.
    serial: NonZeroU64,
}

/// Why a deadline could not be taken.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The clock is stopped.
    Stopped,
    /// Its thread could not be made.
    NoThread(io::Error),
}

/// The deadlines of one supervisor.
pub(crate) struct Clock {
    /// The start of its thread's name.
    name: String,
    /// Whom to tell.
    listener: Weak<dyn Listener>,
    /// What moments are counted from.
    origin: Instant,
    /// Lock rule: taken after a worker's plan, before nothing. No bell is rung or dropped under it.
    state: Mutex<State>,
}

struct State {
    open: bool,
    /// Counts the openings: a thread of an earlier one leaves.
    epoch: u64,
    deadlines: Queue,
    /// Its thread, made with the first deadline.
    thread: Option<ClockThread>,
}

struct ClockThread {
    unparker: Unparker,
    join: JoinHandle<()>,
    /// The moment it sleeps until: an insertion of anything earlier wakes it.
    sleeps_until: Moment,
}

impl Clock {
    pub(crate) fn new(name: &str, listener: Weak<dyn Listener>) -> Arc<Self> {
        let state = State { open: false, epoch: 0, deadlines: Queue::default(), thread: None };
        Arc::new(Self { name: name.to_owned(), listener, origin: Instant::now(), state: Mutex::new(state) })
    }

    /// The time that deadlines are measured by.
    pub(crate) fn now(&self) -> Instant {
        Instant::now()
    }

    /// Begins to take deadlines.
    pub(crate) fn open(&self) {
        let mut state = self.state.lock();
        state.open = true;
        state.epoch += 1;
    }

    /// Rings `bell` at `due`; `Deadline::Never` only keeps it until it is removed or the clock stops.
    pub(crate) fn insert(self: &Arc<Self>, due: Deadline, bell: Arc<dyn Bell>) -> Result<Key, Refused> {
        self.insert_about(due, Duration::ZERO, bell)
    }

    /// The same, up to `tolerance` later: together with others of that tolerance, so that one wake-up serves them all.
    pub(crate) fn insert_about(
        self: &Arc<Self>,
        due: Deadline,
        tolerance: Duration,
        bell: Arc<dyn Bell>,
    ) -> Result<Key, Refused> {
        let at = Moment::of(due, self.origin).rounded_up(tolerance);
        let mut state = self.state.lock();
        if !state.open {
            return Err(Refused::Stopped);
        }
        self.make_thread(&mut state).map_err(Refused::NoThread)?;
        let key = state.deadlines.insert(at, bell);
        let thread = state.thread.as_mut().expect("made above");
        let wake = at < thread.sleeps_until;
        let unparker = wake.then(|| {
            thread.sleeps_until = at;
            thread.unparker.clone()
        });
        drop(state);
        if let Some(thread) = unparker {
            thread.unpark();
        }
        Ok(key)
    }

    /// Takes a deadline back. `false`: it has been rung, or is about to be.
    pub(crate) fn remove(&self, key: Key) -> bool {
        let bell = self.state.lock().deadlines.remove(key);
        bell.is_some()
    }

    /// Drops all deadlines and takes no more. The bells are told.
    pub(crate) fn close(&self) {
        let dropped = {
            let mut state = self.state.lock();
            state.open = false;
            std::mem::take(&mut state.deadlines)
        };
        let told: Vec<_> = dropped.into_bells().filter(|bell| Arc::clone(bell).dropped()).collect();
        // Only now: a Drop of the user's may take long, or wait for another that is dropped with it.
        told.into_iter().for_each(Bell::drop_body);
    }

    /// Sends the thread away and joins it. Not to be called from it.
    pub(crate) fn join(&self) {
        let thread = self.state.lock().thread.take();
        if let Some(thread) = thread {
            thread.unparker.unpark();
            // It runs no user code; a panic of its own is a bug that has been printed.
            _ = thread.join.join();
        }
    }

    /// Makes its thread now, so that a refusal comes before anything is planned. Nothing to do for a stopped clock.
    pub(crate) fn ensure_thread(self: &Arc<Self>) -> io::Result<()> {
        let mut state = self.state.lock();
        if state.open { self.make_thread(&mut state) } else { Ok(()) }
    }

    /// Made under the lock, once: whoever comes second finds it there.
    fn make_thread(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        if state.thread.is_some() {
            return Ok(());
        }
        let epoch = state.epoch;
        let parker = Parker::new();
        let unparker = parker.unparker().clone();
        let clock = Arc::clone(self);
        let join = Builder::new().name(format!("{}-clock", self.name)).spawn(move || clock.run(epoch, &parker))?;
        state.thread = Some(ClockThread { unparker, join, sleeps_until: Moment::NEVER });
        Ok(())
    }

    /// The clock thread: rings what is due, sleeps until the next, leaves when the clock has been joined.
    fn run(&self, epoch: u64, parker: &Parker) {
        slack::end_sleeps_sharply();
        let mut lead = Lead::default();
        let mut due = Vec::with_capacity(BATCH);
        loop {
            let (sleep_until, crowded) = {
                let mut state = self.state.lock();
                let leaves = state.epoch != epoch || state.thread.is_none();
                if leaves {
                    return;
                }
                let now = Moment::since(self.origin, self.now());
                while due.len() < BATCH
                    && let Some(first) = state.deadlines.pop_due(now)
                {
                    due.push(first);
                }
                let (next, crowded) = state.deadlines.next();
                let thread = state.thread.as_mut().expect("looked at above");
                thread.sleeps_until = next;
                (next.deadline(self.origin), crowded)
            };
            if due.is_empty() {
                // The race this closes: an insertion after the look finds `sleeps_until` set, and unparks a thread
                // that may not be asleep yet; the parker keeps the token, so the sleep ends at once.
                match sleep_until {
                    Deadline::Never => parker.park(),
                    // The last of them is rung so much later that to be awake for the first gains nothing.
                    Deadline::At(at) if crowded => parker.park_deadline(at),
                    Deadline::At(at) => self.sleep(at, &mut lead, parker),
                }
            }
            if due.is_empty() {
                continue;
            }
            for (key, bell) in due.drain(..) {
                bell.ring(key);
            }
            if let Some(listener) = self.listener.upgrade() {
                listener.rung();
            }
        }
    }

    /// Sleeps until `at`, or until unparked: a little less than that, and awake for what is left, 150 µs at most.
    fn sleep(&self, at: Instant, lead: &mut Lead, parker: &Parker) {
        let early = at.checked_sub(lead.get()).filter(|early| *early > self.now()).unwrap_or(at);
        parker.park_deadline(early);
        let mut now = self.now();
        if now < early {
            // Unparked.
            return;
        }
        lead.learn(now - early);
        while now < at {
            hint::spin_loop();
            now = self.now();
        }
    }
}
