//! Threads, queues and admission: who runs what, and when.
//!
//! Knows [`Job`]s and priorities; not tasks, workers, time or the supervisor. What a room above must learn, it is told
//! through the [`Overseer`] it handed in.

mod ahead;
mod call;
mod current;
mod donor;
mod entry;
mod glance;
mod home;
mod inbox;
mod job;
mod ledger;
mod limits;
#[cfg(all(test, atasker_shuttle))]
mod model;
mod queue;
mod roll;
mod state;
mod stop;
mod thread;
mod totals;

use std::io;
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::time::Instant;

use crossbeam_utils::CachePadded;

pub use current::is_cancelled;
pub(crate) use current::{
    enter, enter_async, enter_guest, enter_unnamed, has_body, home, innermost, is_async, is_inside, is_running_here,
    is_within, leave,
};
pub(crate) use donor::{Pending, Queued, places, serve, wait_for, wait_polling};
pub use entry::Named;
pub(crate) use entry::{Closure, Entry, OwnName, Place, StaticName};
pub(crate) use home::Home;
pub(crate) use job::{Job, Ran, Refusal};
pub(crate) use ledger::Tally;
pub(crate) use roll::PoolNumber;
pub(crate) use stop::{GivenUpOn, Opening};
pub use totals::Totals;

use crate::config::Config;
use crate::fork;
use crate::owner::{Owner, Scope};
use crate::priority::{PerPriority, Priority};
use crate::slow::SlowStart;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};
use ahead::KEPT;
use glance::Glance;
use home::Kept;
use inbox::WayIn;
use state::{Call, Locked, SWEEP_FROM, Stage, State};

/// Whom the pool tells what it can't deal with itself. Called outside every lock, from any thread.
pub(crate) trait Overseer: Send + Sync {
    /// Something waits: call [`Pool::slow_starts`] at that moment.
    fn look_for_slow_starts(&self, at: Instant);

    /// Nothing runs or waits any more, after the intake was closed.
    fn quiet(&self);

    /// The system refused a thread. `stranded`: no thread is left, and work that can't be refused waits for one:
    /// call [`Pool::retry`] after a while.
    fn no_thread(&self, error: &io::Error, stranded: bool);

    /// A thread has had nothing to do for as long as threads are kept.
    fn idle(&self);
}

/// Where a job comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A caller: from a stop's ask on refused, unless it is a body or hook of the same supervisor.
    Caller,
    /// Work that had been taken in before: a due task, a worker's run. Refused only by a closed pool.
    Inside,
    /// The same, one of many at a time: whoever puts them in [calls](Pool::call_for_many) for a thread behind the last.
    InsideMany,
}

/// A job that was not taken in.
pub(crate) enum Refused {
    /// The pool was never opened.
    NotStarted,
    /// The pool is stopping or stopped.
    Stopped,
    /// There is no thread, and the system gives none.
    NoThread,
    /// This process is a fork; the threads stayed in its parent.
    Forked,
}

/// The threads of one supervisor.
pub(crate) struct Pool {
    number: PoolNumber,
    /// The supervisor's name.
    name: String,
    /// Whom to tell.
    overseer: Weak<dyn Overseer>,
    /// Lock rule: the last lock of any order; no user code, no spawning, no waking under it.
    ///
    /// Apart from the rest, which each submission reads: on one line with it, a submission took 61 ns instead of 54.
    state: CachePadded<Mutex<State>>,
    /// What threads see of the state without its lock.
    glance: Arc<Glance>,
    /// This very allocation.
    me: Weak<Pool>,
    /// How deep waits may nest on one thread.
    max_nesting: AtomicUsize,
    /// The count of forks at its making.
    born: u32,
    /// Bodies of this epoch and older ones are asked to end.
    hurried: AtomicU64,
}

/// Where an entry is to be put.
enum Way<'a> {
    /// With what else comes from outside.
    Inbox(WayIn<'a>),
    /// With what else the bodies of this thread spawn.
    Ring(Rc<Home>),
    /// Under the pool's lock.
    Queue,
    /// This process is a fork.
    Nowhere,
}

/// Threads that were called for.
#[must_use]
pub(crate) struct Calls(Vec<Call>);

/// Numbers of a pool at one moment.
#[derive(Default)]
pub(crate) struct Sample {
    pub(crate) active: PerPriority<usize>,
    pub(crate) queued: PerPriority<usize>,
    pub(crate) delayed: PerPriority<usize>,
    pub(crate) threads: usize,
    pub(crate) totals: Totals,
}

/// Runs a job as a pool thread would, for the models of those who make jobs.
#[cfg(all(test, any(atasker_loom, atasker_shuttle)))]
pub(crate) fn run_uncounted(job: Arc<dyn Job>) -> Ran {
    job.run(&Tally::outermost(&ledger::Ledger::new()))
}

impl Pool {
    pub(crate) fn new(name: &str, config: &Config, overseer: Weak<dyn Overseer>) -> Arc<Self> {
        let glance = Arc::new(Glance::new());
        let pool = Arc::new_cyclic(|me| Self {
            number: PoolNumber::next(),
            me: Weak::clone(me),
            name: name.to_owned(),
            overseer,
            state: CachePadded::new(Mutex::new(State::new(name, config, &glance))),
            glance,
            max_nesting: AtomicUsize::new(config.get_max_nesting()),
            born: fork::count(),
            hurried: AtomicU64::new(0),
        });
        roll::enter(&pool);
        pool
    }

    pub(crate) fn number(&self) -> PoolNumber {
        self.number
    }

    /// As bodies that run on its threads are owned: by no lane.
    pub(crate) fn owner(&self) -> Owner {
        Owner { pool: self.address(), lane: 0 }
    }

    /// The count of forks at its making.
    pub(crate) fn born(&self) -> u32 {
        self.born
    }

    /// Begins to take work in, and makes `min_threads` threads.
    pub(crate) fn open(self: &Arc<Self>) -> io::Result<()> {
        let calls = {
            let mut state = self.lock();
            state.open();
            state.call_all()
        };
        self.answer(calls)
    }

    /// Changes limits and threads. What is running keeps its place. The threads that this calls for are to be handed to
    /// [`make`](Self::make), outside every lock.
    pub(crate) fn configure(&self, config: &Config) -> Calls {
        let mut state = self.lock();
        state.configure(&self.name, config);
        // Relaxed: waits go by the one or the other, and nothing else is published by it.
        self.max_nesting.store(config.get_max_nesting(), Ordering::Relaxed);
        // Those that sleep by an old `keep_alive` are woken too, to sleep by the new one.
        let mut calls = state.call_parked();
        calls.extend(state.call_all());
        Calls(calls)
    }

    fn lock(&self) -> Locked<'_> {
        Locked::new(self, self.state.lock())
    }

    /// Puts an entry at the end of its priority's queue; what a body spawns, at the end of its thread's own.
    ///
    /// The entry goes in here, in the caller's code, and not behind a call. Handed on in memory it is read as it was not
    /// written, by halves instead of words, which waits until all that was stored before has reached the other core: a
    /// flood then took 54 ns a task instead of 44.
    #[inline(always)]
    pub(crate) fn submit(
        self: &Arc<Self>,
        priority: Priority,
        entry: Entry,
        source: Source,
    ) -> Result<(), (Refused, Entry)> {
        match self.way_in(priority, source) {
            Way::Inbox(way_in) => {
                // What the caller gets back where there is no thread, and none to be had.
                let job = if self.glance.look().is_needy(priority) { entry.job() } else { None };
                let seen = way_in.put(entry, &self.glance);
                if seen.is_needy(priority) { self.call_for(job) } else { Ok(()) }
            }
            Way::Ring(home) => match home.keep(priority, entry) {
                Ok(Kept::Yes) => Ok(()),
                Ok(Kept::Unseen) => {
                    self.count_in(&home, priority);
                    Ok(())
                }
                Err(entry) => self.submit_shared(priority, entry, source, Some(&home)),
            },
            Way::Queue => self.submit_shared(priority, entry, source, None),
            Way::Nowhere => Err((Refused::Forked, entry)),
        }
    }

    fn way_in(self: &Arc<Self>, priority: Priority, source: Source) -> Way<'_> {
        if self.is_forked() {
            return Way::Nowhere;
        }
        if source != Source::Caller {
            return Way::Queue;
        }
        match current::home_in(self) {
            Some(home) => Way::Ring(home),
            None => self.glance.inbox(priority).enter().map_or(Way::Queue, Way::Inbox),
        }
    }

    /// Calls a thread for what was put in as [one of many](Source::InsideMany); it calls the next one where it leaves some.
    ///
    /// The race this closes: a thread that finds nothing parks, and then one of many is put in, which wakes nobody. This
    /// comes behind it, on the same thread (`model::many_and_park`).
    pub(crate) fn call_for_many(self: &Arc<Self>) {
        let call = self.lock().call();
        // A refusal has been told to the overseer.
        _ = self.answer(call.into_iter().collect());
    }

    /// Calls a thread for what was put into an inbox.
    #[cold]
    fn call_for(self: &Arc<Self>, job: Option<Arc<dyn Job>>) -> Result<(), (Refused, Entry)> {
        let call = self.lock().call();
        self.answer_one(call, job, Source::Caller)
    }

    /// Wakes or makes the thread that was called for `job`, which comes back where there is none.
    fn answer_one(
        self: &Arc<Self>,
        call: Option<Call>,
        job: Option<Arc<dyn Job>>,
        source: Source,
    ) -> Result<(), (Refused, Entry)> {
        match call {
            None => Ok(()),
            Some(Call::Unpark(thread)) => {
                thread.unpark();
                Ok(())
            }
            Some(call @ Call::Spawn(_)) => self.answer_for(call, job.as_ref(), source).map_err(|why| {
                let job = job.expect("it is given back only where it was kept");
                (why, Entry::Job(job))
            }),
        }
    }

    fn submit_shared(
        self: &Arc<Self>,
        priority: Priority,
        entry: Entry,
        source: Source,
        home: Option<&Home>,
    ) -> Result<(), (Refused, Entry)> {
        // What the caller gets back where there is no thread.
        let (call, look_at, job) = {
            let mut state = self.lock();
            match (state.stage(), source) {
                (Stage::Created, _) => return Err((Refused::NotStarted, entry)),
                (Stage::Open, _) | (Stage::Draining | Stage::Ending, Source::Inside | Source::InsideMany) => {}
                // What accepted work starts is accepted.
                (Stage::Draining, Source::Caller) if is_within(self.owner(), Scope::Supervisor) => {}
                (Stage::Draining | Stage::Ending | Stage::Closed, _) => return Err((Refused::Stopped, entry)),
            }
            if source == Source::Caller {
                state.totals.submitted += 1;
            }
            if let Some(home) = home.filter(|home| home.epoch == state.epoch) {
                // Its ring was full.
                state.spill(home, priority);
            }
            // The clock is read only where somebody wants to hear of slow starts.
            let since = state.thresholds.first().map(|_| Instant::now());
            let job = match (&entry, state.thread_count()) {
                (Entry::Job(job), 0) => Some(Arc::clone(job)),
                _ => None,
            };
            state.put(priority, entry, since);
            let call = if source == Source::InsideMany { None } else { state.call_for(priority) };
            (call, since.and_then(|since| state.begin_watch(since)), job)
        };
        if let Some(at) = look_at {
            self.tell(|overseer| overseer.look_for_slow_starts(at));
        }
        self.answer_one(call, job, source)
    }

    /// A body has put something into its thread's ring, which nobody counted with, or which was closed.
    fn count_in(self: &Arc<Self>, home: &Home, priority: Priority) {
        let call = {
            let mut state = self.lock();
            if state.epoch != home.epoch {
                drop(state);
                return self.refuse_kept(home, priority);
            }
            state.count_in(home.thread, priority);
            state.call_for(priority)
        };
        if let Some(call) = call {
            // A refusal has been told to the overseer; this thread is there to take what it has.
            _ = self.answer(vec![call]);
        }
    }

    /// A stop has given up on this thread, whose body goes on to spawn: what it has put into its ring since is refused.
    fn refuse_kept(self: &Arc<Self>, home: &Home, priority: Priority) {
        let Some(ring) = home.ring(priority) else { return };
        while let Some(entry) = ring.take_back() {
            self.lock().condemned += 1;
            self.refuse(vec![(priority, entry)], Refusal::Cancelled);
        }
    }

    /// A stop has given up on this thread, whose body has ended since: what is left in its rings is refused.
    fn refuse_all_kept(self: &Arc<Self>, home: &Home) {
        KEPT.into_iter().for_each(|priority| self.refuse_kept(home, priority));
    }

    /// Whether this process is a fork of the one that the pool lives in. Its locks are then not to be touched: a
    /// thread that is not here may have held one.
    pub(crate) fn is_forked(&self) -> bool {
        self.born != fork::count()
    }

    /// Hands a queued job to a thread of its own, which runs it in the place of `home`, where a body waits for it: once that
    /// has nothing else carried, or all bodies of the pool wait.
    ///
    /// `false`: the system gave no thread, or a stop has given up on that place.
    fn carry(self: &Arc<Self>, home: &Home, priority: Priority, job: &Arc<dyn Job>) -> bool {
        let call = {
            let mut state = self.lock();
            if state.epoch != home.epoch {
                return false;
            }
            if !state.queues.carry(job, priority, home.place()) {
                return true;
            }
            // The race this closes: the last body that does not wait begins to just now. It is counted first and looks for what
            // is carried second; this is shown first, and the count looked at second.
            state.show();
            fence(Ordering::SeqCst);
            state.call()
        };
        let Some(call) = call else { return true };
        if self.answer(vec![call]).is_ok() {
            return true;
        }
        let taken_back = self.lock().queues.uncarry(job, home.place());
        if taken_back.is_some() {
            self.tell_if_all_wait();
        }
        taken_back.is_none()
    }

    /// Runs housekeeping at once, whatever the load, on a thread beside all places. Gives it back where there is none.
    pub(crate) fn send(self: &Arc<Self>, errand: Arc<dyn Job>) -> Result<(), Arc<dyn Job>> {
        let call = {
            let mut state = self.lock();
            if matches!(state.stage(), Stage::Created | Stage::Closed) {
                return Err(errand);
            }
            state.queues.errands.push_back(Arc::clone(&errand));
            state.call()
        };
        let Some(call) = call else { return Ok(()) };
        if self.answer(vec![call]).is_ok() {
            return Ok(());
        }
        let taken_back = {
            let mut state = self.lock();
            let errands = &mut state.queues.errands;
            let position = errands.iter().position(|queued| Arc::ptr_eq(queued, &errand));
            position.and_then(|position| errands.remove(position))
        };
        taken_back.map_or(Ok(()), Err)
    }

    /// How many awaited bodies may run on top of each other.
    fn max_nesting(&self) -> usize {
        self.max_nesting.load(Ordering::Relaxed)
    }

    /// Counts a task that `end` cancels, in one step with it: a stop that finds nothing left finds it counted too.
    ///
    /// `end` says whether the task was delayed; `None`: it had started. It is called under the lock.
    pub(crate) fn cancel(&self, priority: Priority, end: impl FnOnce() -> Option<bool>) -> bool {
        let swept = {
            let mut state = self.lock();
            let Some(delayed) = end() else { return false };
            state.totals.cancelled += 1;
            if delayed {
                state.delayed[priority] -= 1;
                Vec::new()
            } else {
                let dead = self.glance.died(priority);
                state.sweep_for(priority, dead)
            }
        };
        self.drop_as_body(swept);
        true
    }

    /// A job that is queued here was cancelled or claimed elsewhere.
    pub(crate) fn died(&self, priority: Priority) {
        let dead = self.glance.died(priority);
        if dead > SWEEP_FROM {
            let swept = self.lock().sweep_for(priority, dead);
            self.drop_as_body(swept);
        }
    }

    /// Counts a task that the clock holds, or holds no longer.
    pub(crate) fn count_delayed(&self, priority: Priority, more: bool) {
        if self.is_forked() {
            return;
        }
        let delayed = &mut self.lock().delayed[priority];
        *delayed = if more { *delayed + 1 } else { *delayed - 1 };
    }

    /// Counts what happens to tasks elsewhere.
    pub(crate) fn count(&self, count: impl FnOnce(&mut Totals)) {
        if self.is_forked() {
            return;
        }
        count(&mut self.lock().totals);
    }

    /// Whether something above this priority waits that could start now: a worker's slice then ends early.
    pub(crate) fn is_wanted_above(&self, priority: Priority) -> bool {
        self.glance.is_wanted_above(priority)
    }

    /// Whom to report as waiting too long, and the moment of the next look; `None`: nobody waits.
    pub(crate) fn slow_starts(&self, now: Instant) -> (Vec<SlowStart>, Option<Instant>) {
        let mut report = Vec::new();
        let mut state = self.lock();
        let thresholds = state.thresholds;
        let looks =
            Priority::ALL.map(|priority| state.queues.of[priority].slow(priority, now, thresholds, &mut report));
        let next = looks.into_iter().flatten().min();
        state.watching = next.is_some();
        (report, next)
    }

    pub(crate) fn sample(&self) -> Sample {
        if self.is_forked() {
            return Sample::default();
        }
        let mut state = self.lock();
        Sample {
            active: state.active(),
            queued: state.queued(),
            delayed: state.delayed,
            threads: state.thread_count(),
            totals: state.totals(),
        }
    }

    fn tell(&self, what: impl FnOnce(&dyn Overseer)) {
        if let Some(overseer) = self.overseer.upgrade() {
            what(&*overseer);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        roll::strike(self.number);
    }
}
