//! The clock's thread: looks what is due, rings it, and sleeps until the next.

use std::hint;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::lead::Lead;
use super::moment::Moment;
use super::queue;
use super::slack;
use super::ticks::Tick;
use super::wall::Watcher;
use super::{Bell, Clock, Key, Opening, State};
use crate::outside;
use crate::sync::thread::{Builder, JoinHandle};
use crate::sync::{Parker, Unparker};
use crate::time::Deadline;

/// Rung bells are taken off the queue this many at a time, so that a stop or an insertion never waits long for the lock,
/// nor what the first has rung for a thread.
const BATCH: usize = 256;

/// By so much the wall clock may go slower than the other without having been put back.
const SLOWER: Duration = Duration::from_millis(100);

/// Where the system does not tell that the wall clock was set, it is looked at this often while something waits for it.
const WALL_LOOK: Duration = Duration::from_secs(60);

/// What is due.
#[derive(Default)]
pub(super) struct Due {
    pub(super) bells: Vec<(Key, Arc<dyn Bell>)>,
    pub(super) ticks: Vec<Arc<dyn Tick>>,
}

impl Due {
    pub(super) fn is_empty(&self) -> bool {
        self.bells.is_empty() && self.ticks.is_empty()
    }
}

/// How far the wall clock is ahead of the other one.
#[derive(Clone, Copy)]
pub(super) struct Ahead(i128);

impl Ahead {
    pub(super) fn of(now: Moment, wall: Moment) -> Self {
        let [forward, back] = [wall.since_moment(now), now.since_moment(wall)].map(|by| by.as_nanos().cast_signed());
        Self(forward - back)
    }

    /// Whether the wall clock was put back since it was that far ahead.
    fn was_put_back(self, since: Self) -> bool {
        since.0 - self.0 > SLOWER.as_nanos().cast_signed()
    }
}

pub(super) struct ClockThread {
    pub(super) unparker: Unparker,
    pub(super) join: JoinHandle<()>,
    /// The moment it sleeps until: an insertion of anything earlier wakes it.
    pub(super) sleeps_until: Moment,
}

impl Clock {
    /// Makes its thread now, so that a refusal comes before anything is planned. Nothing to do for a stopped clock.
    pub(crate) fn ensure_thread(self: &Arc<Self>) -> io::Result<()> {
        let mut state = self.state.lock();
        if state.open { self.make_thread(&mut state) } else { Ok(()) }
    }

    /// Made under the lock, once: whoever comes second finds it there.
    pub(super) fn make_thread(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        if state.thread.is_some() || self.source.is_manual() {
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

    /// Has the system tell when the wall clock is set. Where it can't, the thread looks for itself.
    pub(super) fn watch_wall(self: &Arc<Self>, state: &mut State) {
        if state.watcher.is_none() && !self.source.is_manual() {
            let clock = Arc::downgrade(self);
            let was_set = move || {
                let clock = clock.upgrade();
                let sleeper = clock.and_then(|clock| clock.state.lock().thread.as_ref().map(|it| it.unparker.clone()));
                if let Some(sleeper) = sleeper {
                    sleeper.unpark();
                }
            };
            state.watcher = Watcher::new(format!("{}-wall", self.name), was_set).ok();
        }
    }

    /// The clock thread: rings what is due, sleeps until the next, leaves when the clock has been joined.
    fn run(&self, epoch: u64, parker: &Parker) {
        slack::end_sleeps_sharply();
        outside::forbid_here();
        let mut lead = Lead::default();
        let mut due = Due { bells: Vec::with_capacity(BATCH), ticks: Vec::new() };
        loop {
            let (sleep_until, crowded) = {
                let mut state = self.state.lock();
                if state.epoch != epoch {
                    return;
                }
                let rang = std::mem::take(&mut state.ringing);
                let leaves = state.thread.is_none();
                if rang && !state.open {
                    // A stop waits for that: what was rung last has been queued.
                    drop(state);
                    self.tell_rested();
                    state = self.state.lock();
                }
                if leaves || state.epoch != epoch || state.thread.is_none() {
                    return;
                }
                let (next, crowded) = self.look(&mut state, &mut due);
                state.ringing = !due.is_empty();
                let thread = state.thread.as_mut().expect("looked at above");
                thread.sleeps_until = next;
                (next.deadline(self.origin), crowded)
            };
            if !due.is_empty() {
                self.ring(&mut due, Opening(epoch));
                continue;
            }
            // The race this closes: an insertion after the look finds `sleeps_until` set, and unparks a thread
            // that may not be asleep yet; the parker keeps the token, so the sleep ends at once.
            match sleep_until {
                Deadline::Never => parker.park(),
                // The last of them is rung so much later that to be awake for the first gains nothing.
                Deadline::At(at) if crowded => parker.park_deadline(at),
                Deadline::At(at) => self.sleep(at, &mut lead, parker),
            }
        }
    }

    /// Takes out what is due. When to look again, and whether there is a crowd then.
    pub(super) fn look(&self, state: &mut State, due: &mut Due) -> (Moment, bool) {
        let now = Moment::since(self.origin, self.now());
        while due.bells.len() < BATCH
            && let Some(first) = state.deadlines.pop_due(now)
        {
            due.bells.push(first);
        }
        state.ticks.take_due(now, &mut due.ticks);
        let (next, crowded) = earlier(state.deadlines.next(), state.ticks.next());
        if state.on_wall.is_empty() && state.ticks_on_wall.is_empty() {
            state.ahead = None;
            return (next, crowded);
        }
        let next_on_wall = self.look_at_wall(state, due);
        if next_on_wall < next { (next_on_wall, false) } else { (next, crowded) }
    }

    /// The same for what the wall clock tells.
    fn look_at_wall(&self, state: &mut State, due: &mut Due) -> Moment {
        let [now, wall] = self.moments();
        let ahead = Ahead::of(now, wall);
        let was = state.ahead.replace(ahead);
        if was.is_some_and(|was| ahead.was_put_back(was)) {
            // What it was planned for may come again, or not for long: each is to be planned anew.
            due.bells.extend(state.on_wall.take_all());
            due.ticks.append(&mut state.ticks_on_wall.take_all());
        }
        while due.bells.len() < BATCH
            && let Some(first) = state.on_wall.pop_due(wall)
        {
            due.bells.push(first);
        }
        state.ticks_on_wall.take_due(wall, &mut due.ticks);
        match state.on_wall.next().0.min(state.ticks_on_wall.next().0) {
            Moment::NEVER => Moment::NEVER,
            next => {
                let wakes = now.later(next.since_moment(wall));
                if state.watcher.is_some() || self.source.is_manual() { wakes } else { wakes.min(now.later(WALL_LOOK)) }
            }
        }
    }

    /// Rings what was due, and tells.
    pub(super) fn ring(&self, due: &mut Due, opening: Opening) {
        for (key, bell) in due.bells.drain(..) {
            bell.ring(key);
        }
        if let Some(listener) = self.listener.upgrade() {
            if !due.ticks.is_empty() {
                listener.came(std::mem::take(&mut due.ticks), opening);
            }
            listener.rung();
        }
        self.hand_over();
    }

    /// Hands what this thread may not do to the listener.
    fn hand_over(&self) {
        let work = outside::take_put_off();
        if let Some(listener) = self.listener.upgrade().filter(|_| !work.is_empty()) {
            listener.left(work);
        }
    }

    fn tell_rested(&self) {
        if let Some(listener) = self.listener.upgrade() {
            listener.rested();
        }
        self.hand_over();
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

/// The next moment of both, and whether there is a crowd at it.
fn earlier((bells, crowded): (Moment, bool), (ticks, count): (Moment, usize)) -> (Moment, bool) {
    if ticks < bells { (ticks, count >= queue::CROWD) } else { (bells, crowded || ticks == bells && count > 1) }
}
