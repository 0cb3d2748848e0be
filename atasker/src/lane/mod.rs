//! Where async bodies run: a tokio runtime with a gate before it.
//!
//! Knows [`Body`]s and priorities; not tasks, workers, time, the supervisor or the pool. What a room above must learn, it
//! is told through the [`Watcher`] it handed in.

mod engine;
mod gate;
mod guest;
mod leash;
#[cfg(all(test, any(atasker_loom, atasker_shuttle)))]
mod model;

use std::io;
use std::sync::{Arc, Weak};
use std::time::Instant;

use crossbeam_utils::CachePadded;
use tokio::runtime::Handle;

pub(crate) use guest::Guest;
pub(crate) use leash::Leash;

use crate::admission::Limits;
use crate::config::LaneConfig;
use crate::fork;
use crate::priority::{PerPriority, Priority};
use crate::sync::Mutex;
use engine::Engine;
use gate::{Admitted, Gate, Place, Stage};

/// Something that runs on a lane, as the lane sees it: admitted once for each time it is handed in.
pub(crate) trait Body: Send + Sync {
    /// What reports call it.
    fn name(&self) -> String;

    /// Whether it still waits to be run.
    fn is_live(&self) -> bool;

    /// It has been admitted: spawns itself, and keeps the ticket until it has ended. Called outside every lock.
    fn begin(self: Arc<Self>, ticket: Ticket, on: &Handle);

    /// It has been taken out and will not be run. Called outside every lock. `false`: it was dead, or counts for nothing.
    fn refuse(self: Arc<Self>) -> bool;

    /// Drops what a refused body would have run. Called after all that were refused with it have been told.
    fn drop_body(self: Arc<Self>);

    /// Whether it counts as a task. What does not (a worker's run) is left in the queue by a stop.
    fn is_task(&self) -> bool;

    /// It is in flight, and is asked to end at its next await; or before its first poll, where it was admitted just now.
    fn ask_to_end(self: Arc<Self>);
}

/// Whom a lane tells that nothing runs or waits any more, after its intake was closed. Called outside every lock.
pub(crate) trait Watcher: Send + Sync {
    fn quiet(&self);
}

/// Where a body comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A caller: refused as soon as a stop is asked for.
    Caller,
    /// Work that had been taken in before: a due task, a worker's run. Refused only by a closed lane.
    Inside,
}

/// A body that was not taken in.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Its supervisor was never started.
    NotStarted,
    /// The lane, or its supervisor, is stopping or stopped.
    Stopped,
    /// The runtime could not be made.
    NoThread(io::Error),
    /// This process is a fork; the threads stayed in its parent.
    Forked,
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

    fn end(&mut self, end: End) {
        *(match end {
            End::Completed => &mut self.completed,
            End::Panicked => &mut self.panicked,
            End::Cancelled => &mut self.cancelled,
            End::Slice => &mut self.slices,
        }) += 1;
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

/// The right to be in flight, and the duty to say how it ended. Dropped, it gives the place back, if that was not done.
pub(crate) struct Ticket {
    lane: Arc<Lane>,
    place: Place,
    /// The place was given back.
    landed: bool,
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
    /// Lock rule: before the gate's lock. Held while a runtime is made; no user code under it.
    motor: Mutex<Motor>,
    /// Lock rule: the last lock of any order; no user code, no spawning, no waking under it.
    ///
    /// Apart from the rest, which each submission reads.
    gate: CachePadded<Mutex<Gate>>,
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
            gate: CachePadded::new(Mutex::new(Gate::new(limits(&config)))),
            motor: Mutex::new(Motor { config, engine: None, lent: None }),
            born: fork::count(),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn owner(&self) -> usize {
        self.owner
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
            self.gate.lock().limit(limits(&config));
            motor.config = config;
        }
        self.admit_waiting();
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
        self.gate.lock().open();
    }

    /// Begins anew after a stop of it alone.
    pub(crate) fn reopen(&self) -> Result<(), Refused> {
        if self.is_forked() {
            return Err(Refused::Forked);
        }
        let mut gate = self.gate.lock();
        match gate.stage {
            Stage::Created | Stage::Closed => gate.open(),
            Stage::Open => {}
            Stage::Draining => return Err(Refused::Stopped),
        }
        Ok(())
    }

    /// Whether it has stopped.
    pub(crate) fn is_closed(&self) -> bool {
        self.gate.lock().stage != Stage::Draining
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
        // Before the lock, which others wait for.
        let now = Instant::now();
        let (admitted, dead) = loop {
            let mut gate = self.gate.lock();
            gate.check(source)?;
            if gate.handle.is_none() {
                drop(gate);
                self.handle()?;
                continue;
            }
            if source == Source::Caller {
                gate.counts.submitted += 1;
            }
            break (gate.enter(priority, body, now), std::mem::take(&mut gate.graveyard));
        };
        drop(dead);
        if let Some(Admitted { body, place, on }) = admitted {
            body.begin(Ticket::new(self, place), &on);
        }
        Ok(())
    }

    /// Starts a body at once, which takes no part in admission.
    pub(crate) fn send(self: &Arc<Self>, priority: Priority, body: Arc<dyn Body>) -> Result<(), Refused> {
        let on = self.handle()?;
        let Admitted { body, place, on } = {
            let mut gate = self.gate.lock();
            gate.check(Source::Inside)?;
            gate.admit(priority, body, None, on, Instant::now())
        };
        body.begin(Ticket::new(self, place), &on);
        Ok(())
    }

    /// What to spawn on; makes the runtime, where there is none.
    pub(crate) fn handle(&self) -> Result<Handle, Refused> {
        if self.is_forked() {
            return Err(Refused::Forked);
        }
        {
            let gate = self.gate.lock();
            gate.check(Source::Inside)?;
            if let Some(handle) = &gate.handle {
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
                None => Engine::make(&self.thread_name, motor.config.get_threads()).map_err(Refused::NoThread)?,
            },
        };
        let handle = motor.engine.insert(engine).handle().clone();
        self.gate.lock().handle = Some(handle.clone());
        Ok(handle)
    }

    /// The clock has a body, to be handed in when it is due.
    pub(crate) fn delay(&self, number: u64, priority: Priority, body: Arc<dyn Body>) -> Result<(), Refused> {
        let mut gate = self.gate.lock();
        gate.check(Source::Caller)?;
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
        Sample { active, queued, delayed, counts: gate.counts }
    }

    /// Starts what may start. One at a time does so, and looks again after each: a body that ends where it is spawned (a
    /// runtime of the user's that is gone drops it) would else start the next one on top of its own stack.
    fn admit_waiting(self: &Arc<Self>) {
        {
            let mut gate = self.gate.lock();
            if std::mem::replace(&mut gate.admitting, true) {
                return;
            }
        }
        loop {
            let (admitted, dead) = {
                let mut gate = self.gate.lock();
                let next = gate.next();
                gate.admitting = next.is_some();
                (next, std::mem::take(&mut gate.graveyard))
            };
            drop(dead);
            let Some(Admitted { body, place, on }) = admitted else { return };
            body.begin(Ticket::new(self, place), &on);
        }
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

/// How a lane ends: it drains and is closed, or it is given up on.
impl Lane {
    /// Closes the intake for callers. `false`: it was closed before.
    pub(crate) fn drain(&self) -> bool {
        let (was_open, drained) = {
            let mut gate = self.gate.lock();
            let was_open = gate.stage == Stage::Open;
            if was_open {
                gate.stage = Stage::Draining;
            }
            (was_open, gate.is_drained())
        };
        self.tell(drained);
        was_open
    }

    /// Cancels the tasks that the clock holds.
    pub(crate) fn cancel_delayed(self: &Arc<Self>) {
        let delayed = self.gate.lock().condemn(|_| false);
        self.refuse(delayed);
    }

    /// Cancels every task that waits. Workers' runs stay.
    pub(crate) fn cancel_queued(self: &Arc<Self>) {
        let queued = self.gate.lock().condemn(|body| body.is_task());
        self.refuse(queued);
    }

    /// Asks every body in flight to end at its next await.
    pub(crate) fn hurry(&self) {
        let bodies = self.gate.lock().bodies();
        bodies.into_iter().for_each(|body| body.ask_to_end());
    }

    /// Has the watcher told whenever it is quiet, from now on.
    #[cfg(feature = "test-util")]
    pub(crate) fn watch(&self) {
        self.gate.lock().watched = true;
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.gate.lock().is_quiet()
    }

    /// Closes without waiting: cancels what waits, gives up on what is in flight and asks it to end. Names it, and since when
    /// it runs.
    pub(crate) fn give_up(self: &Arc<Self>) -> Vec<(String, Instant)> {
        let (flying, stranded) = {
            let mut gate = self.gate.lock();
            (gate.give_up(), gate.condemn(|_| true))
        };
        let named = flying.iter().map(|(body, since)| (body.name(), *since)).collect();
        // Only now: what ends because it is asked to has run until the time was over, and is named.
        flying.into_iter().for_each(|(body, _)| body.ask_to_end());
        self.refuse(stranded);
        named
    }

    /// Shuts the runtime down. To be called when the lane is quiet, or given up.
    pub(crate) fn close(&self, gave_up: bool) {
        let engine = {
            let mut motor = self.motor.lock();
            let mut gate = self.gate.lock();
            gate.stage = Stage::Closed;
            gate.handle = None;
            motor.engine.take()
        };
        if let Some(engine) = engine {
            engine.shut_down(&self.thread_name, !gave_up);
        }
    }

    fn refuse(self: &Arc<Self>, bodies: Vec<Arc<dyn Body>>) {
        let condemned = bodies.len();
        let refused: Vec<_> = bodies.into_iter().filter(|body| Arc::clone(body).refuse()).collect();
        let drained = {
            let mut gate = self.gate.lock();
            gate.told(condemned);
            gate.is_drained()
        };
        self.tell(drained);
        // Only now: a body's Drop is user code, which may take long, or wait for another that is refused with it.
        refused.into_iter().for_each(|body| body.drop_body());
    }
}

impl Gate {
    fn check(&self, source: Source) -> Result<(), Refused> {
        match (self.stage, source) {
            (Stage::Created, _) => Err(Refused::NotStarted),
            (Stage::Open, _) | (Stage::Draining, Source::Inside) => Ok(()),
            (Stage::Draining | Stage::Closed, _) => Err(Refused::Stopped),
        }
    }
}

impl Ticket {
    fn new(lane: &Arc<Lane>, place: Place) -> Self {
        Self { lane: Arc::clone(lane), place, landed: false }
    }

    /// Of a lane that counts nothing of it, for the models of those who make bodies.
    #[cfg(all(test, any(atasker_loom, atasker_shuttle)))]
    pub(crate) fn uncounted(lane: &Arc<Lane>) -> Self {
        Self { lane: Arc::clone(lane), place: Place::NONE, landed: true }
    }

    /// It has ended: said before anybody who waits for it can know, so that who has waited finds the counts exact. The place
    /// is given back by that.
    ///
    /// A stop may then be over an instant before the result is handed over; but it joins the runtime's threads, of which this
    /// is one. Two rounds of the lock instead of one, for the end and for the place, cost 100 of 600 ns.
    pub(crate) fn ended(&mut self, end: End) {
        self.land(Some(end));
    }

    fn land(&mut self, end: Option<End>) {
        if std::mem::replace(&mut self.landed, true) {
            return;
        }
        let (landed, waits, drained) = {
            let mut gate = self.lane.gate.lock();
            if let Some(end) = end {
                gate.count_end(self.place, end);
            }
            (gate.land(self.place), gate.has_waiting(), gate.is_drained())
        };
        // The last owner of a body may drop a user's value.
        drop(landed);
        if waits {
            self.lane.admit_waiting();
        }
        self.lane.tell(drained);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.land(None);
    }
}
