//! What the pool's lock guards: queues, places, threads, and the one rule of admission.

use std::sync::Arc;
use std::time::Instant;

use super::job::{Job, Ran};
use super::limits::{Limits, MAX_ERRANDS, ThreadSpec, thread_spec, thresholds};
use super::queue::{Queues, Removed, Thresholds};
use super::totals::Totals;
use crate::config::Config;
use crate::priority::{PerPriority, Priority};
use crate::sync::{Parker, Unparker, is_finished, thread::JoinHandle};

/// Where the pool is in its life. It may open again after it has closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not started yet: nothing is taken in.
    Created,
    /// Takes in work.
    Open,
    /// Takes in only what belongs to work that is already here.
    Draining,
    /// Takes in nothing; threads leave.
    Closed,
}

/// What a running job is charged to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Charge {
    /// One of the places.
    Place(Priority),
    /// Nothing: a `Critical` task beside the places.
    Beside,
    /// Nothing: housekeeping.
    Errand,
    /// The place of the body that waits for it; its own entry still stands in its priority's queue.
    Carried(Priority),
}

/// A body that runs, for the report of those that a stop gave up on.
pub(super) struct Running {
    pub(super) job: Arc<dyn Job>,
    pub(super) since: Instant,
}

/// One thread.
pub(super) struct Slot {
    /// Tells the thread from an earlier one in the same slot.
    serial: u64,
    /// Ends its sleep.
    unparker: Unparker,
    /// Somebody has ended its sleep: tells a wake-up from a spurious one and from the end of `keep_alive`.
    pub(super) woken: bool,
    /// What it runs, outermost first.
    pub(super) running: Vec<Running>,
    /// For the one who joins it; `None` until its maker has stored it.
    pub(super) join: Option<JoinHandle<()>>,
}

/// A thread that shall come to look for work, and is counted as searching already.
pub(super) enum Call {
    /// A parked one.
    Unpark(Unparker),
    /// A new one, in the slot kept for it.
    Spawn(Reservation),
}

/// A slot kept for a thread to be made.
pub(super) struct Reservation {
    pub(super) slot: usize,
    pub(super) serial: u64,
    pub(super) epoch: u64,
    pub(super) parker: Parker,
}

pub(super) struct State {
    pub(super) stage: Stage,
    /// Counts the openings and the givings-up. A thread of an older epoch touches nothing here any more.
    pub(super) epoch: u64,
    limits: Limits,
    pub(super) threads: ThreadSpec,
    pub(super) thresholds: Thresholds,
    /// A look for slow starts is planned.
    pub(super) watching: bool,
    pub(super) queues: Queues,
    /// Places in use. Invariant: when one is taken for priority p, it was below p's ceiling
    /// (`ceilings_order_and_work_conservation_are_exact_under_random_load`).
    places: usize,
    /// `Critical` tasks running beside the places.
    beside: usize,
    /// Jobs running in a waiter's place on a thread of their own.
    carried: usize,
    /// Jobs that were taken out to be refused, and have not been told yet: a stop is not over before they are.
    pub(super) condemned: usize,
    /// Dead entries that looks have come upon, for the next one who lets go of the lock to drop.
    pub(super) graveyard: Vec<Arc<dyn Job>>,
    /// Errands that run.
    errands: usize,
    /// Running jobs by priority, for the info.
    active: PerPriority<usize>,
    /// Tasks that the clock holds, for the info: they hold no place.
    pub(super) delayed: PerPriority<usize>,
    pub(super) slots: Vec<Option<Slot>>,
    /// Threads that sleep, the one that went to sleep last at the end: it is woken first, so cold ones stay cold.
    parked: Vec<usize>,
    /// Threads on their way to a look: woken or being made, and not there yet.
    searching: usize,
    /// Threads being made, whose makers have not stored the handle yet.
    pub(super) spawning: usize,
    /// The serial of the next thread.
    next_serial: u64,
    /// Threads that have left and are to be joined.
    pub(super) left: Vec<JoinHandle<()>>,
    pub(super) totals: Totals,
}

impl State {
    pub(super) fn new(name: &str, config: &Config) -> Self {
        Self {
            stage: Stage::Created,
            epoch: 0,
            limits: Limits::of(config),
            threads: thread_spec(name, config),
            thresholds: thresholds(config),
            watching: false,
            queues: Queues::default(),
            places: 0,
            beside: 0,
            carried: 0,
            condemned: 0,
            graveyard: Vec::new(),
            errands: 0,
            active: PerPriority::default(),
            delayed: PerPriority::default(),
            slots: Vec::new(),
            parked: Vec::new(),
            searching: 0,
            spawning: 0,
            next_serial: 0,
            left: Vec::new(),
            totals: Totals::default(),
        }
    }

    pub(super) fn configure(&mut self, name: &str, config: &Config) {
        self.limits = Limits::of(config);
        self.threads = thread_spec(name, config);
        self.thresholds = thresholds(config);
        self.watching = false;
    }

    /// Begins anew: a new epoch, and nothing counted yet.
    pub(super) fn open(&mut self) {
        self.stage = Stage::Open;
        self.epoch += 1;
        // Empty but for counts of dead entries that a closed pool did not take in any more.
        self.queues = Queues::default();
        self.totals = Totals::default();
        self.watching = false;
    }

    /// Takes the next job that may start now.
    ///
    /// Invariant: priority is strict (`no_high_starts_after_any_low_when_a_slot_opens`). Ceilings rise with
    /// priority, so if the head of the highest non-empty queue does not fit, nothing behind it fits: one look decides.
    pub(super) fn take(&mut self) -> Option<(Arc<dyn Job>, Charge)> {
        if let Some((job, priority)) = self.queues.carried.pop_front() {
            self.carried += 1;
            return Some((job, Charge::Carried(priority)));
        }
        if self.errands < MAX_ERRANDS
            && let Some(job) = self.queues.errands.pop_front()
        {
            self.errands += 1;
            return Some((job, Charge::Errand));
        }
        for priority in Priority::ALL.into_iter().rev() {
            self.queues.of[priority].bury_head(&mut self.graveyard);
            if self.queues.of[priority].len() == 0 {
                continue;
            }
            let beside = priority == Priority::Critical && self.beside < self.limits.critical;
            if !beside && self.places >= self.limits.places(priority) {
                return None;
            }
            let job = self.queues.of[priority].pop().expect("its length was looked at under the same lock");
            self.active[priority] += 1;
            if beside {
                self.beside += 1;
                return Some((job, Charge::Beside));
            }
            self.places += 1;
            self.totals.largest_active = self.totals.largest_active.max(self.places);
            return Some((job, Charge::Place(priority)));
        }
        None
    }

    /// Gives back what a job was charged to, and counts what became of it.
    ///
    /// Returns dead entries that a sweep took out, to be dropped outside the lock.
    pub(super) fn release(&mut self, charge: Charge, ran: Ran) -> Vec<Arc<dyn Job>> {
        self.totals.count(ran);
        let priority = match charge {
            Charge::Place(priority) => {
                self.places -= 1;
                priority
            }
            Charge::Beside => {
                self.beside -= 1;
                Priority::Critical
            }
            Charge::Errand => {
                self.errands -= 1;
                return Vec::new();
            }
            Charge::Carried(priority) => {
                self.carried -= 1;
                return if ran == Ran::Dead { Vec::new() } else { self.queues.of[priority].died() };
            }
        };
        self.active[priority] -= 1;
        if ran == Ran::Dead {
            self.queues.of[priority].buried();
        }
        Vec::new()
    }

    /// How many more threads should be on their way to a look.
    ///
    /// Counts what could be taken this moment, priority by priority as `take` would, less the threads that are
    /// already coming. Dead entries are counted as if alive: at worst a thread looks once in vain.
    fn shortage(&self) -> usize {
        let queues = &self.queues.of;
        let critical = queues.critical.len();
        let beside = critical.min(self.limits.critical.saturating_sub(self.beside));
        let mut places = self.places;
        let errands = self.queues.errands.len().min(MAX_ERRANDS - self.errands);
        let mut admissible = self.queues.carried.len() + errands + beside;
        for (queued, limit) in [
            (critical - beside + queues.high.len(), self.limits.high),
            (queues.normal.len(), self.limits.normal),
            (queues.low.len(), self.limits.low),
        ] {
            let fitting = queued.min(limit.saturating_sub(places));
            admissible += fitting;
            places += fitting;
        }
        admissible.saturating_sub(self.searching)
    }

    /// Calls one thread if one more is needed.
    ///
    /// Invariant: no thread parks while a job is admissible and nobody is coming for it
    /// (`ceilings_order_and_work_conservation_are_exact_under_random_load`). Every change that can make a job admissible calls this under the lock,
    /// and a thread parks under the same lock only after its look found nothing.
    pub(super) fn call(&mut self) -> Option<Call> {
        (self.shortage() > 0).then(|| self.call_one())
    }

    /// Calls all the threads that are needed, `min_threads` included.
    pub(super) fn call_all(&mut self) -> Vec<Call> {
        let mut calls = Vec::new();
        while self.shortage() > 0 {
            calls.push(self.call_one());
        }
        if matches!(self.stage, Stage::Open | Stage::Draining) {
            while self.thread_count() < self.threads.min_threads {
                calls.push(self.reserve());
            }
        }
        calls
    }

    /// Calls every parked thread, to look at what has changed.
    pub(super) fn call_parked(&mut self) -> Vec<Call> {
        let mut calls = Vec::new();
        while !self.parked.is_empty() {
            calls.push(self.call_one());
        }
        calls
    }

    fn call_one(&mut self) -> Call {
        let Some(thread) = self.parked.pop() else { return self.reserve() };
        self.searching += 1;
        let slot = self.slots[thread].as_mut().expect("a parked thread has its slot");
        slot.woken = true;
        Call::Unpark(slot.unparker.clone())
    }

    fn reserve(&mut self) -> Call {
        self.searching += 1;
        self.spawning += 1;
        let parker = Parker::new();
        let serial = self.next_serial;
        self.next_serial += 1;
        let unparker = parker.unparker().clone();
        let slot = Slot { serial, unparker, woken: false, running: Vec::new(), join: None };
        let free = self.slots.iter().position(Option::is_none);
        let index = free.unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[index] = Some(slot);
        self.totals.largest_threads = self.totals.largest_threads.max(self.thread_count());
        Call::Spawn(Reservation { slot: index, serial, epoch: self.epoch, parker })
    }

    /// A called thread has come to its look.
    pub(super) fn arrived(&mut self) {
        self.searching -= 1;
    }

    /// A thread lets go of the lock for a moment before its next look.
    pub(super) fn departs(&mut self) {
        self.searching += 1;
    }

    /// The thread goes to sleep.
    pub(super) fn park(&mut self, thread: usize) {
        self.slot(thread).woken = false;
        self.parked.push(thread);
    }

    /// The thread's sleep has ended by itself. `false`: somebody had called it meanwhile.
    pub(super) fn unpark_itself(&mut self, thread: usize) -> bool {
        let position = self.parked.iter().position(|&parked| parked == thread);
        position.map(|position| self.parked.remove(position)).is_some()
    }

    /// The thread leaves for good.
    pub(super) fn leave(&mut self, thread: usize) {
        if let Some(join) = self.slots[thread].take().and_then(|slot| slot.join) {
            self.left.push(join);
        }
    }

    /// A thread was made: keeps its handle for the one who joins it. It may have left already.
    pub(super) fn adopt(&mut self, slot: usize, serial: u64, join: JoinHandle<()>) {
        match &mut self.slots[slot] {
            Some(slot) if slot.serial == serial => slot.join = Some(join),
            _ => self.left.push(join),
        }
    }

    /// The handles of threads that have left and ended.
    pub(super) fn take_finished(&mut self) -> Vec<JoinHandle<()>> {
        self.left.extract_if(.., |join| is_finished(join)).collect()
    }

    /// Plans a look for slow starts, where none is planned.
    pub(super) fn begin_watch(&mut self, since: Instant) -> Option<Instant> {
        let first = self.thresholds.first()?;
        if std::mem::replace(&mut self.watching, true) {
            return None;
        }
        since.checked_add(first)
    }

    /// A thread that was to come could not be made.
    pub(super) fn unmade(&mut self, thread: usize) {
        self.searching -= 1;
        self.slots[thread] = None;
    }

    pub(super) fn slot(&mut self, thread: usize) -> &mut Slot {
        self.slots[thread].as_mut().expect("a thread's slot is its own until it leaves")
    }

    pub(super) fn thread_count(&self) -> usize {
        self.slots.iter().flatten().count()
    }

    /// Takes jobs out of the queues for the pool to refuse.
    pub(super) fn condemn(&mut self, condemned: impl Fn(&Arc<dyn Job>) -> bool) -> Vec<Removed> {
        let removed = self.queues.remove(condemned);
        self.condemned += removed.len();
        removed
    }

    /// Whether it is quiet after the intake was closed: somebody waits for that.
    pub(super) fn is_drained(&self) -> bool {
        self.stage != Stage::Open && self.is_quiet()
    }

    /// Whether nothing runs, waits or is on its way.
    pub(super) fn is_quiet(&self) -> bool {
        let running = self.places + self.beside + self.carried + self.errands;
        running == 0 && self.spawning == 0 && self.condemned == 0 && self.queues.is_empty()
    }

    pub(super) fn active(&self) -> PerPriority<usize> {
        self.active
    }

    /// Forgets the running bodies and their threads, and gives both back: the end of a bounded stop.
    ///
    /// The threads are to be woken: a parked one then sees that its epoch is over.
    pub(super) fn give_up(&mut self) -> (Vec<Running>, Vec<Unparker>) {
        self.epoch += 1;
        (self.places, self.beside, self.carried, self.errands) = (0, 0, 0, 0);
        (self.searching, self.spawning) = (0, 0);
        self.active = PerPriority::default();
        self.parked.clear();
        let slots = std::mem::take(&mut self.slots);
        let (mut running, mut threads) = (Vec::new(), Vec::new());
        for slot in slots.into_iter().flatten() {
            running.extend(slot.running);
            threads.push(slot.unparker);
        }
        (running, threads)
    }
}
