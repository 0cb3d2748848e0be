//! Where async bodies run: a tokio runtime with a gate before it.
//!
//! Knows [`Body`]s and priorities; not tasks, workers, time, the supervisor or the pool. What a room above must learn, it
//! is told through the [`Watcher`] it handed in.

mod carrier;
mod ends;
mod engine;
mod gate;
mod guest;
mod host;
mod leash;
#[cfg(all(test, any(atasker_loom, atasker_shuttle)))]
mod model;
mod queue;
mod stop;
mod ticket;

use std::io;
use std::sync::{Arc, Weak};
use std::task::Context;
use std::time::Instant;

use crossbeam_utils::CachePadded;
use tokio::runtime::Handle;

pub(crate) use engine::Engine;
pub(crate) use guest::Guest;
pub(crate) use leash::Leash;
pub(crate) use ticket::Ticket;

use crate::admission::Limits;
use crate::config::LaneConfig;
use crate::fork;
use crate::owner::{Owner, Scope};
use crate::priority::{PerPriority, Priority};
use crate::report::StopReport;
use crate::slow::{SlowStart, Thresholds};
use crate::stops::{Leftover, Stops};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use carrier::Carrier;
use gate::{Gate, Stage};
pub(crate) use stop::{Opening, Shutdown};

/// Something that runs on a lane, as the lane sees it: admitted once for each time it is handed in.
pub(crate) trait Body: Send + Sync {
    /// What reports call it.
    fn name(&self) -> String;

    /// Whether it still waits to be run.
    fn is_live(&self) -> bool;

    /// It has been admitted: claims what it would run. `false`: that was taken elsewhere.
    fn begin(&self) -> bool;

    /// Runs until it is to be woken: then it gives itself back; or to its end, with all that comes behind that: its result
    /// is handed over, who waits is woken, and nothing of the user's is left in it. Its place is given back after that.
    ///
    /// Called by the one to whom [`begin`](Self::begin) said yes, as often as it is woken. Has the ticket count its end
    /// before anybody else can know of it.
    fn turn(self: Arc<Self>, cx: &mut Context<'_>, ticket: &mut Ticket) -> Option<Arc<dyn Body>>;

    /// Whether it has begun, and nobody has to wait for its end any more. Called under the gate's lock: no user code.
    fn has_ended(&self) -> bool;

    /// It has begun, and will not be called again: its runtime went down. Ends where it stands.
    fn cut_off(self: Arc<Self>, ticket: &mut Ticket);

    /// It has been taken out and will not be run. Called outside every lock. `false`: it was dead, or counts for nothing.
    fn refuse(self: Arc<Self>) -> bool;

    /// Drops what a refused body would have run. Called after all that were refused with it have been told.
    fn drop_body(self: Arc<Self>);

    /// Whether it counts as a task. What does not (a worker's run) is left in the queue by a stop.
    fn is_task(&self) -> bool;

    /// The key under which it waits.
    fn waits_as(&self) -> usize {
        std::ptr::from_ref(self).cast::<()>().addr()
    }

    /// It is in flight, and may be pending: is polled once more, to look for what may run in its place.
    fn nudge(&self) {}

    /// It is in flight, and is asked to end at its next await; or before its first poll, where it was admitted just now: then
    /// gives what drops it.
    fn ask_to_end(self: Arc<Self>) -> Option<Leftover>;
}

/// Whom a lane tells of itself: that nothing runs or waits any more, after its intake was closed. Called outside every lock.
pub(crate) trait Watcher: Send + Sync {
    fn quiet(&self);

    /// Something waits: call [`Lane::slow_starts`] at that moment.
    fn look_for_slow_starts(&self, lane: &Arc<Lane>, at: Instant);

    /// This thread, one of a runtime that the lane has made, ends: only destructors of its locals follow. Called on it.
    fn thread_ends(&self) {}
}

/// Where a body comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A caller: refused as soon as a stop is asked for. [`Refused::Draining`] says from whom it would be taken.
    Caller,
    /// A body of those whose work a draining lane takes in.
    Body,
    /// Work that had been taken in before: a due task, a worker's run. Refused only by a closed lane.
    Inside,
    /// The same, one of many at a time: whoever puts them in [calls](Lane::call_for_many) for carriers behind the last.
    InsideMany,
}

/// A body that was not taken in.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Its supervisor was never started.
    NotStarted,
    /// The lane, or its supervisor, is stopping, and takes in only what bodies within start.
    Draining(Scope),
    /// The lane, or its supervisor, is stopping or stopped.
    Stopped,
    /// The runtime could not be made.
    NoThread(io::Error),
    /// This process is a fork; the threads stayed in its parent.
    Forked,
}

impl Refused {
    /// For one whom a draining lane takes nothing from.
    pub(crate) fn final_word(self) -> Self {
        if let Self::Draining(_) = self { Self::Stopped } else { self }
    }
}

/// How a body in flight ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Completed,
    Panicked,
    Cancelled,
    /// A worker, as long as it had a place.
    Slice,
}

/// Counts since the opening.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) submitted: u64,
    pub(crate) completed: u64,
    pub(crate) panicked: u64,
    pub(crate) cancelled: u64,
    pub(crate) rejected: u64,
    pub(crate) slices: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.submitted += other.submitted;
        self.completed += other.completed;
        self.panicked += other.panicked;
        self.cancelled += other.cancelled;
        self.rejected += other.rejected;
        self.slices += other.slices;
    }
}

/// Numbers of a lane at one moment.
#[derive(Default)]
pub(crate) struct Sample {
    pub(crate) active: PerPriority<usize>,
    pub(crate) queued: PerPriority<usize>,
    pub(crate) delayed: PerPriority<usize>,
    pub(crate) counts: Counts,
}

/// One lane of a supervisor.
pub(crate) struct Lane {
    /// What it is called among the lanes of its supervisor.
    name: String,
    /// The start of its threads' names.
    thread_name: String,
    /// The address by which a body tells whose it is: that of its supervisor's pool.
    owner: usize,
    watcher: Weak<dyn Watcher>,
    /// The stops of it alone. Lock rule: before the gate's lock; held for looks and changes only.
    pub(crate) stops: Mutex<Stops>,
    /// Lock rule: before the gate's lock. Held while a runtime is made; no user code under it.
    motor: Mutex<Motor>,
    /// Lock rule: the last lock of any order; no user code, no spawning, no waking under it.
    ///
    /// Apart from the rest, which each submission reads.
    gate: CachePadded<Mutex<Gate>>,
    /// Something was put in as one of many, and nobody was called for it.
    has_many: AtomicBool,
    /// It has ceilings.
    limited: AtomicBool,
    /// The count of forks at its making.
    born: u32,
}

/// The runtime, and how it is made.
struct Motor {
    config: LaneConfig,
    engine: Option<Engine>,
    /// The user's, instead of an own one.
    lent: Option<Handle>,
}

fn limits(config: &LaneConfig) -> Limits {
    let (normal, high) = (config.get_reserve_normal(), config.get_reserve_high());
    Limits::new(config.get_pool_size(), normal, high, config.get_critical_max())
}

fn is_limited(config: &LaneConfig) -> bool {
    config.get_pool_size() != 0
}

/// What an opening that has been closed with its supervisor has come to, for who has stopped the lane alone.
fn closed_report(gate: &Gate) -> StopReport {
    let Counts { completed, panicked, cancelled, rejected, .. } = gate.all_counts();
    let ran = completed + panicked;
    StopReport { complete: true, ran, errors: panicked, cancelled, rejected, ..StopReport::default() }
}

impl Lane {
    pub(crate) fn new(
        name: &str,
        thread_name: String,
        owner: usize,
        config: LaneConfig,
        watcher: Weak<dyn Watcher>,
    ) -> Arc<Self> {
        fork::watch();
        Arc::new(Self {
            name: name.to_owned(),
            thread_name,
            owner,
            watcher,
            stops: Mutex::default(),
            gate: CachePadded::new(Mutex::new(Gate::new(limits(&config)))),
            limited: AtomicBool::new(is_limited(&config)),
            motor: Mutex::new(Motor { config, engine: None, lent: None }),
            has_many: AtomicBool::new(false),
            born: fork::count(),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn owner(&self) -> Owner {
        Owner { pool: self.owner, lane: self.address() }
    }

    pub(crate) fn config(&self) -> LaneConfig {
        self.motor.lock().config.clone()
    }

    /// Whether this process is a fork of the one that the lane lives in.
    pub(crate) fn is_forked(&self) -> bool {
        self.born != fork::count()
    }

    /// Other limits at once; other threads when the runtime is next made.
    pub(crate) fn configure(self: &Arc<Self>, config: LaneConfig) {
        {
            let mut motor = self.motor.lock();
            self.limited.store(is_limited(&config), Ordering::Relaxed);
            self.gate.lock().limit(limits(&config));
            motor.config = config;
        }
        // What is pending may have found room for all when it last looked.
        let pending = if self.is_limited() { self.gate.lock().bodies() } else { Vec::new() };
        pending.into_iter().for_each(|body| body.nudge());
        // Each calls the next, where it leaves some.
        let call = self.gate.lock().call_another();
        self.call(call);
    }

    /// From now on, tells of bodies that wait longer.
    pub(crate) fn watch_starts(&self, thresholds: Thresholds) {
        self.gate.lock().thresholds = thresholds;
    }

    /// Whom to report as waiting too long, and the moment of the next look; `None`: nobody waits.
    pub(crate) fn slow_starts(&self, now: Instant) -> (Vec<SlowStart>, Option<Instant>) {
        self.gate.lock().slow_starts(now)
    }

    /// Makes the runtime that it would make when it is first used, for somebody who shares it, and has bodies run on that.
    pub(crate) fn make_shared(&self) -> io::Result<Engine> {
        let threads = self.motor.lock().config.get_threads();
        let engine = self.make_engine(threads)?;
        self.lend(engine.handle().clone());
        Ok(engine)
    }

    /// A runtime whose threads tell when they end.
    fn make_engine(&self, threads: usize) -> io::Result<Engine> {
        let watcher = Weak::clone(&self.watcher);
        let ends = move || watcher.upgrade().into_iter().for_each(|watcher| watcher.thread_ends());
        Engine::make(&self.thread_name, threads, ends)
    }

    /// Bodies are to run on that runtime of the user's. `false`: one has been made.
    pub(crate) fn lend(&self, handle: Handle) -> bool {
        let mut motor = self.motor.lock();
        let free = motor.engine.is_none();
        if free {
            motor.lent = Some(handle);
        }
        free
    }

    /// Begins to take bodies in.
    pub(crate) fn open(&self) {
        let mut stops = self.stops.lock();
        let mut gate = self.gate.lock();
        stops.renew(|| closed_report(&gate));
        gate.open();
    }

    /// Begins anew after a stop of it alone.
    pub(crate) fn reopen(&self) -> Result<(), Refused> {
        if self.is_forked() {
            return Err(Refused::Forked);
        }
        let mut stops = self.stops.lock();
        let mut gate = self.gate.lock();
        match gate.stage {
            Stage::Created | Stage::Closed => {
                stops.renew(|| closed_report(&gate));
                gate.open();
                Ok(())
            }
            Stage::Open => Ok(()),
            Stage::Draining(_) | Stage::Ending => Err(Refused::Stopped),
        }
    }

    /// Whether it takes bodies in.
    pub(crate) fn is_open(&self) -> bool {
        !self.is_forked() && self.gate.lock().stage == Stage::Open
    }

    /// Hands a body in: it starts, or waits for a place.
    pub(crate) fn submit(
        self: &Arc<Self>,
        priority: Priority,
        body: Arc<dyn Body>,
        source: Source,
    ) -> Result<(), Refused> {
        if self.is_forked() {
            return Err(Refused::Forked);
        }
        let (call, dead, look_at) = loop {
            let mut gate = self.gate.lock();
            gate.check(source)?;
            if gate.runtime.is_none() {
                drop(gate);
                self.handle()?;
                continue;
            }
            if matches!(source, Source::Caller | Source::Body) {
                gate.counts.submitted += 1;
            }
            let look_at = gate.enter(priority, body);
            let call = if source == Source::InsideMany { None } else { gate.call_for_entered() };
            break (call, gate.dead(), look_at);
        };
        if let Some(at) = look_at
            && let Some(watcher) = self.watcher.upgrade()
        {
            watcher.look_for_slow_starts(self, at);
        }
        if source == Source::InsideMany {
            // Relaxed: see `has_many`.
            self.has_many.store(true, Ordering::Relaxed);
        }
        drop(dead);
        self.call(call);
        Ok(())
    }

    /// Whether something was put in as [one of many](Source::InsideMany), for which nobody was called.
    pub(crate) fn has_many(&self) -> bool {
        // Relaxed: the thread that puts them in is the one that looks.
        self.has_many.load(Ordering::Relaxed)
    }

    /// Calls carriers for what was put in as [one of many](Source::InsideMany).
    pub(crate) fn call_for_many(self: &Arc<Self>) {
        // A look first: most wake-ups of the clock have none.
        if !self.has_many() || !self.has_many.swap(false, Ordering::Relaxed) {
            return;
        }
        // One for each thread that finds work: those that a carrier called would come to its own thread.
        let waiting = self.gate.lock().waiting();
        for _ in 0..waiting {
            let call = self.gate.lock().call_for_entered();
            if call.is_none() {
                break;
            }
            self.call(call);
        }
    }

    /// Starts a body at once, which takes no part in admission.
    pub(crate) fn send(self: &Arc<Self>, priority: Priority, body: Arc<dyn Body>) -> Result<(), Refused> {
        let on = self.handle()?;
        let ticket = {
            let mut gate = self.gate.lock();
            gate.check(Source::Inside)?;
            let place = gate.admit(priority, Arc::clone(&body), None, Instant::now());
            let badge = gate.badge();
            Ticket::new(self, &gate, Some(place), Some(badge))
        };
        if body.begin() {
            Carrier::with(body, ticket).set_out(&on);
        }
        Ok(())
    }

    /// Notes a body that a thread from outside polls itself, beside all places.
    fn visit(self: &Arc<Self>, body: Arc<dyn Body>, source: Source) -> Result<Ticket, Refused> {
        self.gate.lock().check(source)?;
        self.handle()?;
        let mut gate = self.gate.lock();
        gate.check(source)?;
        let place = gate.admit(Priority::Normal, body, None, Instant::now());
        Ok(Ticket::new(self, &gate, Some(place), None))
    }

    /// What to spawn on; makes the runtime, where there is none.
    pub(crate) fn handle(&self) -> Result<Handle, Refused> {
        if self.is_forked() {
            return Err(Refused::Forked);
        }
        {
            let gate = self.gate.lock();
            gate.check(Source::Inside)?;
            if let Some((handle, _)) = &gate.runtime {
                return Ok(handle.clone());
            }
        }
        let mut motor = self.motor.lock();
        // A stop may have closed it meanwhile, and comes no more for what is made now.
        self.gate.lock().check(Source::Inside)?;
        let engine = match motor.engine.take() {
            Some(engine) => engine,
            None => match motor.lent.clone() {
                Some(handle) => Engine::Lent(handle),
                None => self.make_engine(motor.config.get_threads()).map_err(Refused::NoThread)?,
            },
        };
        let handle = motor.engine.insert(engine).handle().clone();
        self.gate.lock().runtime = Some((handle.clone(), handle.metrics().num_workers()));
        Ok(handle)
    }

    /// The clock has a body, to be handed in when it is due.
    pub(crate) fn delay(&self, number: u64, priority: Priority, body: Arc<dyn Body>) -> Result<(), Refused> {
        let mut gate = self.gate.lock();
        // From nobody during a stop: its moment would not come.
        gate.check(Source::Caller).map_err(Refused::final_word)?;
        gate.counts.submitted += 1;
        gate.delay(number, priority, body);
        Ok(())
    }

    /// The clock has it no more. `false`: somebody else has taken it out, and will refuse it.
    pub(crate) fn undelay(&self, number: u64) -> bool {
        let taken = self.gate.lock().undelay(number);
        taken.is_some()
    }

    /// Counts what happens to tasks elsewhere.
    pub(crate) fn count(&self, count: impl FnOnce(&mut Counts)) {
        if !self.is_forked() {
            count(&mut self.gate.lock().counts);
        }
    }

    /// Counts a body that `end` cancels, in one step with it: a stop that finds nothing left finds it counted too.
    ///
    /// `end` says whether it was delayed; `None`: it had started. It is called under the lock.
    pub(crate) fn cancel(&self, number: u64, priority: Priority, end: impl FnOnce() -> Option<bool>) -> bool {
        if self.is_forked() {
            return false;
        }
        let (swept, drained) = {
            let mut gate = self.gate.lock();
            let Some(delayed) = end() else { return false };
            gate.counts.cancelled += 1;
            let swept = if delayed {
                gate.undelay(number).map(|(_, body)| body).into_iter().collect()
            } else {
                gate.died(priority)
            };
            (swept, gate.is_drained())
        };
        drop(swept);
        self.tell(drained);
        true
    }

    /// One that waits was taken elsewhere.
    pub(crate) fn died(&self, priority: Priority) {
        let (swept, drained) = {
            let mut gate = self.gate.lock();
            (gate.died(priority), gate.is_drained())
        };
        drop(swept);
        self.tell(drained);
    }

    /// Whether something above this priority waits: a worker's slice then ends early.
    pub(crate) fn is_wanted_above(&self, priority: Priority) -> bool {
        self.gate.lock().is_wanted_above(priority)
    }

    pub(crate) fn sample(&self) -> Sample {
        if self.is_forked() {
            return Sample::default();
        }
        let gate = self.gate.lock();
        let [active, queued, delayed] = gate.sizes();
        Sample { active, queued, delayed, counts: gate.all_counts() }
    }

    fn tell(&self, drained: bool) {
        if drained && let Some(watcher) = self.watcher.upgrade() {
            watcher.quiet();
        }
    }
}

impl Drop for Lane {
    /// A stop has shut the runtime down, but for one whose leader found no thread; and in a fork there is none to shut down.
    fn drop(&mut self) {
        // Not by its lock, which a thread that is not here may have held at a fork.
        match self.motor.get_mut().engine.take() {
            Some(engine) if self.is_forked() => std::mem::forget(engine),
            Some(engine) => engine.shut_down(&self.thread_name, false),
            None => {}
        }
    }
}

impl Gate {
    fn check(&self, source: Source) -> Result<(), Refused> {
        match (self.stage, source) {
            (Stage::Created, _) => Err(Refused::NotStarted),
            (Stage::Open, _)
            | (Stage::Draining(_), Source::Body)
            | (Stage::Draining(_) | Stage::Ending, Source::Inside | Source::InsideMany) => Ok(()),
            (Stage::Draining(scope), Source::Caller) => Err(Refused::Draining(scope)),
            (Stage::Ending | Stage::Closed, _) => Err(Refused::Stopped),
        }
    }
}
