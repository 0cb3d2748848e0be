//! One queue of deadlines for each of two clocks, the one that never jumps and the one on the wall, and one thread that
//! waits for the earliest and rings what is due.
//!
//! Knows deadlines and bells; not tasks, workers or the pool. No user code runs on its thread: a bell only queues
//! something, so a slow body makes itself late, never the others.

mod lead;
#[cfg(feature = "test-util")]
mod manual;
mod moment;
mod queue;
mod slack;
mod source;
mod thread;
mod ticks;
mod wall;

use std::io;
use std::num::NonZeroU64;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime};

use crate::stops::Leftover;
use crate::sync::Mutex;
use crate::time::{Deadline, When};
pub(crate) use moment::Moment;
use queue::Queue;
#[cfg(feature = "test-util")]
pub(crate) use source::Manual;
use source::Source;
use thread::{Ahead, ClockThread};
use ticks::Ticks;
pub(crate) use ticks::{Came, End, Spot, Tick};
use wall::Watcher;

/// What a deadline rings. Called outside every lock, never before its time.
pub(crate) trait Bell: Send + Sync {
    /// The moment has come. Or the wall clock, which it is planned by, was put back: then it is to be planned anew.
    fn ring(self: Arc<Self>, key: Key);

    /// The clock has stopped, and the moment will not come. `true`: there is something of the user's to drop.
    fn dropped(self: Arc<Self>) -> bool;

    /// Drops it. Called after all bells that were dropped with it have been told.
    fn drop_body(self: Arc<Self>);
}

/// Whom the clock tells what is to be done once for many bells.
pub(crate) trait Listener: Send + Sync {
    /// These ticks have come, and are to be called on threads for which [`rung`](Self::rung) will tell.
    fn came(&self, ticks: Vec<Arc<dyn Tick>>, opening: Opening);

    /// Some bells have been rung and ticks told of, right before, one after the other. Called on the clock thread, outside
    /// every lock.
    fn rung(&self);

    /// The clock has stopped, and these will not come. Gives what is left to drop.
    fn forgotten(&self, ticks: Vec<Arc<dyn Tick>>) -> Option<Leftover>;

    /// A closed clock has done with what it had begun to ring.
    fn rested(&self);

    /// What calls user code is left to do, by another thread than the clock's.
    fn left(&self, work: Vec<Leftover>);
}

/// One opening of a clock, from a start of its supervisor to the stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opening(u64);

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
    source: Source,
    /// What moments are counted from.
    origin: Instant,
    /// Lock rule: taken after a worker's plan, before nothing. No bell is rung or dropped under it.
    state: Mutex<State>,
}

struct State {
    open: bool,
    /// Counts the openings: a thread of an earlier one leaves.
    epoch: u64,
    /// The thread rings what it has taken out.
    ringing: bool,
    deadlines: Queue,
    /// Those by the wall clock.
    on_wall: Queue,
    /// What is handed over by the crowd.
    ticks: Ticks,
    /// Those by the wall clock.
    ticks_on_wall: Ticks,
    /// How far the wall clock was ahead when it was last looked at, with something in its queue.
    ahead: Option<Ahead>,
    /// Its thread, made with the first deadline.
    thread: Option<ClockThread>,
    /// Tells the thread that the wall clock was set; made with the first deadline by it, where the system can tell.
    watcher: Option<Watcher>,
}

impl Clock {
    pub(crate) fn new(name: &str, listener: Weak<dyn Listener>) -> Arc<Self> {
        let (deadlines, on_wall) = (Queue::default(), Queue::on_wall());
        let (ticks, ticks_on_wall) = (Ticks::default(), Ticks::default());
        let (ahead, thread, watcher) = (None, None, None);
        let (open, epoch, ringing) = (false, 0, false);
        let state = State { open, epoch, ringing, deadlines, on_wall, ticks, ticks_on_wall, ahead, thread, watcher };
        let (name, source, origin) = (name.to_owned(), Source::default(), Instant::now());
        Arc::new(Self { name, listener, source, origin, state: Mutex::new(state) })
    }

    /// The time that deadlines are measured by.
    pub(crate) fn now(&self) -> Instant {
        self.source.now()
    }

    /// What the wall clock shows.
    pub(crate) fn wall(&self) -> SystemTime {
        self.source.wall()
    }

    /// Begins to take deadlines.
    pub(crate) fn open(&self) {
        let mut state = self.state.lock();
        state.open = true;
        state.epoch += 1;
        state.ringing = false;
    }

    /// Rings `bell` at `due`; `Deadline::Never` only keeps it until it is removed or the clock stops.
    pub(crate) fn insert(self: &Arc<Self>, due: Deadline, bell: Arc<dyn Bell>) -> Result<Key, Refused> {
        let at = Moment::of(due, self.origin);
        self.insert_at(at, |state| state.deadlines.insert(at, bell))
    }

    /// The same, up to `tolerance` later: together with others of that tolerance, so that one wake-up serves them all.
    pub(crate) fn insert_about(
        self: &Arc<Self>,
        due: When,
        tolerance: Duration,
        bell: Arc<dyn Bell>,
    ) -> Result<Key, Refused> {
        // A clock that is moved to a moment is to be there for all that is planned for it.
        let tolerance = if self.is_manual() { Duration::ZERO } else { tolerance };
        match due {
            When::At(at) => {
                let at = Moment::since(self.origin, at).rounded_up(tolerance);
                self.insert_at(at, |state| state.deadlines.insert(at, bell))
            }
            When::Wall(at) => {
                let at = Moment::on_wall(at).rounded_up(tolerance);
                let [now, wall] = self.moments();
                // When it will come, as it looks now.
                let wakes = now.later(at.since_moment(wall));
                self.insert_at(wakes, |state| {
                    self.watch_wall(state);
                    state.ahead.get_or_insert(Ahead::of(now, wall));
                    state.on_wall.insert(at, bell)
                })
            }
        }
    }

    /// Whether a test moves it.
    pub(crate) fn is_manual(&self) -> bool {
        self.source.is_manual()
    }

    /// What both clocks show.
    fn moments(&self) -> [Moment; 2] {
        [Moment::since(self.origin, self.now()), Moment::on_wall(self.wall())]
    }

    /// Plans a tick; with an opening, only if that one still lasts.
    pub(crate) fn plan(
        self: &Arc<Self>,
        spot: Spot,
        opening: Option<Opening>,
        tick: Arc<dyn Tick>,
    ) -> Result<(), Refused> {
        let at = self.place_of(spot);
        let wakes = |[now, wall]: [Moment; 2]| now.later(at.since_moment(wall));
        let moments = spot.on_wall.then(|| self.moments());
        self.insert_in(moments.map_or(at, wakes), opening, |state| match moments {
            None => state.ticks.insert(at, tick),
            Some([now, wall]) => {
                self.watch_wall(state);
                state.ahead.get_or_insert(Ahead::of(now, wall));
                state.ticks_on_wall.insert(at, tick);
            }
        })
    }

    /// Whether that opening is the last there was: it lasts, or has been closed and not followed by another.
    pub(crate) fn is_of(&self, opening: Opening) -> bool {
        self.state.lock().epoch == opening.0
    }

    /// Takes a tick back that was planned for that spot, if it is still there.
    pub(crate) fn take_back(&self, spot: Spot, tick: &Arc<dyn Tick>) {
        let at = self.place_of(spot);
        let mut state = self.state.lock();
        let ticks = if spot.on_wall { &mut state.ticks_on_wall } else { &mut state.ticks };
        ticks.remove(at, tick);
    }

    /// The moment in whose crowd it lies.
    fn place_of(&self, spot: Spot) -> Moment {
        let tolerance = if self.is_manual() { 0 } else { spot.tolerance };
        spot.due.rounded_up_to(tolerance.into())
    }

    /// That instant as ticks are planned by it.
    pub(crate) fn moment(&self, at: Instant) -> Moment {
        Moment::since(self.origin, at)
    }

    /// The instant that it stands for.
    pub(crate) fn instant(&self, moment: Moment) -> Option<Instant> {
        moment.deadline(self.origin).instant()
    }

    /// Has the thread look at `at` again, for what `insert` puts into its queue.
    fn insert_at<R>(self: &Arc<Self>, at: Moment, insert: impl FnOnce(&mut State) -> R) -> Result<R, Refused> {
        self.insert_in(at, None, insert)
    }

    fn insert_in<R>(
        self: &Arc<Self>,
        at: Moment,
        opening: Option<Opening>,
        insert: impl FnOnce(&mut State) -> R,
    ) -> Result<R, Refused> {
        let mut state = self.state.lock();
        if !state.open || opening.is_some_and(|opening| opening != Opening(state.epoch)) {
            return Err(Refused::Stopped);
        }
        self.make_thread(&mut state).map_err(Refused::NoThread)?;
        let key = insert(&mut state);
        let sleeper = state.thread.as_mut().filter(|thread| at < thread.sleeps_until).map(|thread| {
            thread.sleeps_until = at;
            thread.unparker.clone()
        });
        drop(state);
        if let Some(sleeper) = sleeper {
            sleeper.unpark();
        }
        Ok(key)
    }

    /// Takes a deadline back. `false`: it has been rung, or is about to be.
    pub(crate) fn remove(&self, key: Key) -> bool {
        let mut state = self.state.lock();
        let bell = if key.is_on_wall() { state.on_wall.remove(key) } else { state.deadlines.remove(key) };
        drop(state);
        bell.is_some()
    }

    /// Drops all deadlines and takes no more. The bells are told. Gives what is left to drop.
    pub(crate) fn close(&self) -> Vec<Leftover> {
        let (dropped, mut forgotten) = {
            let mut state = self.state.lock();
            state.open = false;
            let queues =
                [std::mem::take(&mut state.deadlines), std::mem::replace(&mut state.on_wall, Queue::on_wall())];
            let ticks = [std::mem::take(&mut state.ticks), std::mem::take(&mut state.ticks_on_wall)];
            (queues, ticks)
        };
        let dropped = dropped.into_iter().flat_map(Queue::into_bells);
        let told: Vec<_> = dropped.filter(|bell| Arc::clone(bell).dropped()).collect();
        let mut leftovers: Vec<Leftover> = Vec::new();
        if !told.is_empty() {
            leftovers.push(Box::new(move || told.into_iter().for_each(Bell::drop_body)));
        }
        let forgotten: Vec<_> = forgotten.iter_mut().flat_map(Ticks::take_all).collect();
        if let Some(listener) = self.listener.upgrade().filter(|_| !forgotten.is_empty()) {
            leftovers.extend(listener.forgotten(forgotten));
        }
        leftovers
    }

    /// Whether a closed clock has done with what it had begun to ring.
    pub(crate) fn is_at_rest(&self) -> bool {
        !self.state.lock().ringing
    }

    /// The opening that lasts, or was the last.
    pub(crate) fn opening(&self) -> Opening {
        Opening(self.state.lock().epoch)
    }

    /// Sends the thread of that opening away. Gives what joins it, which is not to be called on it.
    pub(crate) fn send_away(&self, opening: Opening) -> impl FnOnce() + Send + 'static {
        let (thread, watcher) = {
            let mut state = self.state.lock();
            if Opening(state.epoch) == opening {
                state.ahead = None;
                (state.thread.take(), state.watcher.take())
            } else {
                (None, None)
            }
        };
        if let Some(thread) = &thread {
            thread.unparker.unpark();
        }
        move || {
            if let Some(watcher) = watcher {
                watcher.join();
            }
            if let Some(thread) = thread {
                // It runs no body; a panic of its own is a bug that has been printed.
                _ = thread.join.join();
            }
        }
    }
}

/// A clock that rings nothing, for the models of those who plan by it.
#[cfg(all(test, any(atasker_loom, atasker_shuttle)))]
impl Clock {
    pub(crate) fn opened_and_silent(listener: Weak<dyn Listener>) -> (Arc<Self>, Opening) {
        let clock = Self::new("model", listener);
        clock.open();
        let opening = {
            let mut state = clock.state.lock();
            let join = crate::sync::thread::Builder::new().spawn(|| ()).expect("a model gives threads");
            let unparker = crate::sync::Parker::new().unparker().clone();
            state.thread = Some(ClockThread { unparker, join, sleeps_until: Moment::from_bits(0) });
            Opening(state.epoch)
        };
        (clock, opening)
    }

    /// Rings the first bell, whenever it is due: time stands still in a model.
    #[cfg(atasker_shuttle)]
    pub(crate) fn ring_first(&self) {
        let first = self.state.lock().deadlines.pop_due(Moment::from_bits(u64::MAX - 1));
        if let Some((key, bell)) = first {
            bell.ring(key);
        }
    }

    #[cfg(atasker_loom)]
    pub(crate) fn has_ticks(&self) -> bool {
        !self.state.lock().ticks.is_empty()
    }
}
