//! What the pool's lock guards: queues, places, threads; and who may start.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Instant;

use super::Pool;
use super::ahead::KEPT;
use super::entry::{Entry, Owner, Thief, ring};
use super::glance::{Glance, Seen};
use super::home::Home;
use super::inbox::{self, Inbox};
use super::job::Job;
use super::ledger::Ledger;
use super::limits::{MAX_ERRANDS, ThreadSpec, limits, thread_spec};
use super::queue::{Carried, DonorPlace, Queues, Removed};
use super::totals::Totals;
use crate::admission::{Places, Seat};
use crate::config::Config;
use crate::priority::{PerPriority, Priority};
use crate::slow::Thresholds;
use crate::sync::atomic::{Ordering, fence};
use crate::sync::{MutexGuard, Parker, Unparker, is_finished, thread::JoinHandle};

/// Fewer dead entries than this are never worth a sweep: more than the rings of a few threads hold, which no sweep reaches.
pub(super) const SWEEP_FROM: isize = 512;

/// Where the pool is in its life. It may open again after it has closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not started yet: nothing is taken in.
    Created,
    /// Takes in work.
    Open,
    /// Takes in what bodies and hooks of its supervisor start, and what belongs to work that is already here.
    Draining,
    /// Takes in only what belongs to work that is already here.
    Ending,
    /// Takes in nothing; threads leave.
    Closed,
}

/// What a running job is charged to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Charge {
    /// One of the places.
    Place(Priority),
    /// That of a `Critical` task: nothing, as long as there are few.
    Critical,
    /// Nothing: housekeeping.
    Errand,
    /// The place of the body that waits for it, on the thread of that slot; its own entry still stands in its priority's queue.
    Carried(Priority, DonorPlace),
}

/// One thread.
pub(super) struct Slot {
    /// Tells the thread from an earlier one in the same slot.
    serial: u64,
    /// Ends its sleep.
    unparker: Unparker,
    /// Somebody has ended its sleep: tells a wake-up from a spurious one and from the end of `keep_alive`.
    pub(super) woken: bool,
    /// What it writes down.
    pub(super) ledger: Arc<Ledger>,
    /// The other ends of its rings.
    pub(super) thieves: [Thief; 3],
    /// How many entries had been taken from each when another thread last looked.
    pub(super) taken: [usize; 3],
    /// Entries it was handed at its looks, less those that others have stolen from its rings.
    pub(super) handed: i64,
    /// When it last looked.
    looked_at: Instant,
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
    pub(super) ledger: Arc<Ledger>,
    pub(super) rings: [Owner; 3],
}

pub(super) struct State {
    stage: Stage,
    /// Somebody waits for it to be quiet while its intake is open.
    watched: bool,
    /// Counts the openings and the givings-up. A thread of an older epoch touches nothing here any more.
    pub(super) epoch: u64,
    /// Counts the entries that looks have found. While the pool is quiet, it stands.
    begun: u64,
    /// Counts what threads are to look for before they go on: changes of stage, epoch and configuration.
    attention: u64,
    /// What threads see of this without the lock.
    glance: Arc<Glance>,
    pub(super) threads: ThreadSpec,
    pub(super) thresholds: Thresholds,
    /// A look for slow starts is planned.
    pub(super) watching: bool,
    pub(super) queues: Queues,
    places: Places,
    /// Jobs that were taken out to be refused, and have not been told yet: a stop is not over before they are.
    pub(super) condemned: usize,
    /// Dead entries that looks have come upon, for the next one who lets go of the lock to drop.
    pub(super) graveyard: Vec<Entry>,
    /// Errands that run.
    errands: usize,
    /// The threads whose rings are counted with, for each priority that has rings.
    pub(super) holders: [Vec<usize>; 3],
    /// Tasks that the clock holds, for the info: they hold no place.
    pub(super) delayed: PerPriority<usize>,
    pub(super) slots: Vec<Option<Slot>>,
    /// Slots that are taken.
    live: usize,
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

/// The pool's state, locked. What threads may see of it without the lock is brought up to date when it is let go.
pub(super) struct Locked<'a> {
    pool: &'a Pool,
    /// `None` only while it is let go.
    state: Option<MutexGuard<'a, State>>,
}

impl<'a> Locked<'a> {
    pub(super) fn new(pool: &'a Pool, state: MutexGuard<'a, State>) -> Self {
        Self { pool, state: Some(state) }
    }
}

impl Deref for Locked<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        self.state.as_ref().expect("it is there until the drop")
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut State {
        self.state.as_mut().expect("it is there until the drop")
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        let call = self.settle();
        self.state = None;
        self.pool.answer_late(call);
    }
}

/// What a bounded stop gives up on.
#[derive(Default)]
pub(super) struct GivenUp {
    /// Names of what runs, and since when.
    pub(super) running: Vec<(String, Instant)>,
    /// To be woken.
    pub(super) threads: Vec<Unparker>,
    /// To be dropped outside the lock.
    pub(super) noted: Vec<Arc<dyn Job>>,
}

impl State {
    pub(super) fn new(name: &str, config: &Config, glance: &Arc<Glance>) -> Self {
        Self {
            stage: Stage::Created,
            watched: false,
            epoch: 0,
            begun: 0,
            attention: 0,
            glance: Arc::clone(glance),
            threads: thread_spec(name, config),
            thresholds: Thresholds::new(config),
            watching: false,
            queues: Queues::default(),
            places: Places::new(limits(config)),
            condemned: 0,
            graveyard: Vec::new(),
            errands: 0,
            holders: Default::default(),
            delayed: PerPriority::default(),
            slots: Vec::new(),
            live: 0,
            parked: Vec::new(),
            searching: 0,
            spawning: 0,
            next_serial: 0,
            left: Vec::new(),
            totals: Totals::default(),
        }
    }

    pub(super) fn configure(&mut self, name: &str, config: &Config) {
        self.places.limit(limits(config));
        self.threads = thread_spec(name, config);
        self.thresholds = Thresholds::new(config);
        self.watching = false;
        self.attention += 1;
        self.set_intake();
    }

    /// Lets callers put into the inboxes, or has them come to this lock: to be refused, or to be stamped.
    fn set_intake(&mut self) {
        let open = self.stage == Stage::Open && self.thresholds.first().is_none();
        inbox::each(&self.glance).for_each(|(_, inbox)| inbox.set_open(open));
    }

    /// Takes in all that callers have put into the inboxes.
    pub(super) fn take_in(&mut self) {
        self.take_in_below(|_| usize::MAX);
    }

    /// Takes in what callers have put into the inboxes of those priorities of which fewer than `enough` are queued. Whether
    /// there was any.
    fn take_in_below(&mut self, enough: impl Fn(Priority) -> usize) -> bool {
        let mut took_in = false;
        for (priority, inbox) in inbox::each(&self.glance) {
            let queue = &mut self.queues.of[priority];
            if queue.len() < enough(priority) && inbox.is_filled() {
                self.totals.submitted += inbox.empty_into(queue);
                took_in = true;
            }
        }
        took_in
    }

    /// Puts an entry behind all that has come for its priority, what is still in the inbox among it: where entries come
    /// back here for ever, the queue never becomes empty, and what comes from outside must not wait for that.
    pub(super) fn put(&mut self, priority: Priority, entry: Entry, since: Option<Instant>) {
        let (inbox, queue) = (self.glance.inbox(priority), &mut self.queues.of[priority]);
        if inbox.is_filled() {
            self.totals.submitted += inbox.empty_into(queue);
        }
        queue.push(entry, since);
    }

    pub(super) fn stage(&self) -> Stage {
        self.stage
    }

    pub(super) fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.attention += 1;
        self.set_intake();
    }

    /// Begins anew: a new epoch, and nothing counted yet.
    pub(super) fn open(&mut self) {
        self.enter(Stage::Open);
        self.epoch += 1;
        // Empty but for counts of dead entries that a closed pool did not take in any more.
        self.queues = Queues::default();
        self.glance.forget_dead();
        self.totals = Totals::default();
        self.watching = false;
    }

    /// What threads are to see of this without the lock.
    pub(super) fn seen(&self) -> Seen {
        let queued = |priority| {
            let holders = self.holders.get(priority as usize);
            self.queues.of[priority].len() > 0 || holders.is_some_and(|holders| !holders.is_empty())
        };
        let needy = |priority| self.searching == 0 && self.places.seat(priority).is_some();
        Seen::new(queued, needy, self.attention, (self.in_places(), !self.queues.carried.is_empty()))
    }

    /// Bodies that run in places: as many as are in use, and those that are carried.
    fn in_places(&self) -> usize {
        self.places.used() + self.queues.carrying.len()
    }

    /// Whether all of them wait in a verb of ours.
    fn all_wait(&self) -> bool {
        self.glance.do_wait(self.in_places())
    }

    pub(super) fn show(&self) {
        self.glance.show(self.seen());
    }

    /// Shows what has become of the state, before the lock is let go. Who is to be called for what came meanwhile.
    ///
    /// Whoever submits calls a thread only if it sees that one is needed. Where that is so from now on, what was put in
    /// before it could be seen is looked for here (`Inbox::put` tells the race).
    fn settle(&mut self) -> Option<Call> {
        let before = self.glance.look();
        let now = self.seen();
        self.glance.show(now);
        let missed = |(priority, inbox): (Priority, &Inbox)| {
            now.is_needy(priority) && !before.is_needy(priority) && inbox.is_really_filled()
        };
        if !inbox::each(&self.glance).any(missed) {
            return None;
        }
        // All of it: where the system refuses the thread, that must not look like something missed once more.
        self.take_in();
        let call = self.call();
        self.show();
        call
    }

    /// Takes the next entry that may start now.
    ///
    /// Invariant: priority is strict (`no_high_starts_after_any_low_when_a_slot_opens`). Ceilings rise with
    /// priority, so if the head of the highest non-empty queue does not fit, nothing behind it fits: one look decides.
    pub(super) fn take(&mut self, home: &Home) -> Option<(Entry, Charge)> {
        home.begin_look();
        self.slot(home.thread).looked_at = home.looked_at();
        let taken = self.look(home);
        self.begun += u64::from(taken.is_some());
        let may_keep = self.stage == Stage::Open && self.thresholds.first().is_none();
        home.end_look(taken.is_some(), self.seen(), self.places.limits(), may_keep);
        taken
    }

    fn look(&mut self, home: &Home) -> Option<(Entry, Charge)> {
        if self.take_in_below(|_| 1) {
            home.note_intake();
        }
        if !self.queues.carried.is_empty()
            && let Some(Carried { job, priority, place }) = self.queues.next_carried(self.all_wait())
        {
            self.slot(home.thread).handed += 1;
            return Some((Entry::Job(job), Charge::Carried(priority, place)));
        }
        if self.errands < MAX_ERRANDS
            && let Some(job) = self.queues.errands.pop_front()
        {
            self.errands += 1;
            self.slot(home.thread).handed += 1;
            return Some((Entry::Job(job), Charge::Errand));
        }
        for priority in Priority::ALL.into_iter().rev() {
            self.bury_head(priority);
            if self.queues.of[priority].len() == 0 && self.kept(priority) == 0 {
                continue;
            }
            let seat = self.places.seat(priority)?;
            // The owners of rings have taken what was there a moment ago.
            let Some(entry) = self.take_for(home, priority) else { continue };
            self.places.take(seat);
            self.totals.largest_active = self.totals.largest_active.max(self.places.used());
            return Some((entry, if seat == Seat::Critical { Charge::Critical } else { Charge::Place(priority) }));
        }
        None
    }

    /// Takes dead entries off the front, so that a look takes no place for them.
    fn bury_head(&mut self, priority: Priority) {
        while self.queues.of[priority].is_head_dead() {
            self.graveyard.extend(self.queues.of[priority].pop());
            self.glance.buried(priority, 1);
        }
    }

    /// Gives back what a turn was charged to.
    pub(super) fn release(&mut self, charge: Charge) {
        match charge {
            Charge::Place(_) => self.places.release(Seat::Place),
            Charge::Critical => self.places.release(Seat::Critical),
            Charge::Errand => self.errands -= 1,
            Charge::Carried(_, place) => self.queues.carried_off(place),
        }
    }

    /// Sweeps, if so many dead entries of that priority make it worth while. Gives back what it took out, for the caller to
    /// drop outside the lock.
    ///
    /// The sweep bounds memory where tasks are queued and cancelled for ever behind a full pool; it comes when half
    /// the entries are dead, so its cost for each death is constant.
    pub(super) fn sweep_for(&mut self, priority: Priority, dead: isize) -> Vec<Entry> {
        if dead <= SWEEP_FROM {
            return Vec::new();
        }
        self.take_in();
        let worth_it = dead > (self.queues.of[priority].len() / 2) as isize;
        if worth_it { self.sweep(priority) } else { Vec::new() }
    }

    /// Takes the dead entries out of a queue.
    fn sweep(&mut self, priority: Priority) -> Vec<Entry> {
        let swept = self.queues.of[priority].remove(|entry| !entry.is_live());
        self.glance.buried(priority, swept.len());
        swept
    }

    /// Takes the dead entries out of all queues, for the caller to drop outside the lock.
    pub(super) fn sweep_all(&mut self) -> Vec<Entry> {
        Priority::ALL.into_iter().flat_map(|priority| self.sweep(priority)).collect()
    }

    /// How many more threads should be on their way to a look.
    ///
    /// Counts what could be taken this moment, priority by priority as `take` would, less the threads that are
    /// already coming. Dead entries are counted as if alive: at worst a thread looks once in vain.
    fn shortage(&mut self) -> usize {
        // Of each no more than could start this moment. To count the others takes them a few at a time out of the hands of
        // whoever brings them: a flood took 45 ns a task instead of 28.
        let free = Priority::ALL.map(|priority| self.places.free(priority));
        self.take_in_below(|priority| free[priority as usize]);
        let waiting = PerPriority {
            low: self.queues.of.low.len() + self.kept(Priority::Low),
            normal: self.queues.of.normal.len() + self.kept(Priority::Normal),
            high: self.queues.of.high.len() + self.kept(Priority::High),
            critical: self.queues.of.critical.len(),
        };
        let errands = self.queues.errands.len().min(MAX_ERRANDS - self.errands);
        let admissible = self.carriable() + errands + self.places.fitting(waiting);
        admissible.saturating_sub(self.searching)
    }

    /// How many carried jobs may be taken now.
    fn carriable(&self) -> usize {
        if self.queues.carried.is_empty() { 0 } else { self.queues.carriable(self.all_wait()) }
    }

    /// Calls one thread if one more is needed for an entry of that priority, which has just come.
    pub(super) fn call_for(&mut self, priority: Priority) -> Option<Call> {
        // Most come while all places are in use: one comparison instead of a count of everything.
        let full = priority != Priority::Critical && self.places.seat(priority).is_none();
        if full { None } else { self.call() }
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
        if matches!(self.stage, Stage::Open | Stage::Draining | Stage::Ending) {
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
        let ledger = Arc::new(Ledger::new());
        let [(low, low_thief), (normal, normal_thief), (high, high_thief)] = [ring(), ring(), ring()];
        let slot = Slot {
            serial,
            unparker: parker.unparker().clone(),
            woken: false,
            ledger: Arc::clone(&ledger),
            thieves: [low_thief, normal_thief, high_thief],
            taken: [0; 3],
            handed: 0,
            looked_at: Instant::now(),
            join: None,
        };
        let free = self.slots.iter().position(Option::is_none);
        let index = free.unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[index] = Some(slot);
        self.live += 1;
        self.totals.largest_threads = self.totals.largest_threads.max(self.thread_count());
        let rings = [low, normal, high];
        Call::Spawn(Reservation { slot: index, serial, epoch: self.epoch, parker, ledger, rings })
    }

    /// Whether somebody is coming to a look.
    pub(super) fn is_searched(&self) -> bool {
        self.searching > 0
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

    /// The thread leaves for good. Its rings are empty.
    pub(super) fn leave(&mut self, thread: usize) {
        for priority in KEPT {
            self.kept(priority);
        }
        let Some(slot) = self.slots[thread].take() else { return };
        self.live -= 1;
        slot.ledger.add_to(&mut self.totals);
        self.left.extend(slot.join);
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
        self.live -= usize::from(self.slots[thread].take().is_some());
    }

    pub(super) fn slot(&mut self, thread: usize) -> &mut Slot {
        self.slots[thread].as_mut().expect("a thread's slot is its own until it leaves")
    }

    pub(super) fn thread_count(&self) -> usize {
        self.live
    }

    /// Takes entries out of the queues for the pool to refuse.
    pub(super) fn condemn(&mut self, condemned: impl Fn(&Entry) -> bool) -> Vec<Removed> {
        self.take_in();
        self.recall();
        let removed = self.queues.remove(condemned);
        self.condemned += removed.len();
        removed
    }

    /// Has it be told when the pool is quiet, from now on.
    #[cfg(feature = "test-util")]
    pub(super) fn watch(&mut self) {
        self.watched = true;
    }

    /// Whether it is quiet, and somebody waits for that: after the intake was closed, most often.
    pub(super) fn is_drained(&self) -> bool {
        (self.stage != Stage::Open || self.watched) && self.is_quiet()
    }

    /// Dead entries are taken out of the queues by threads; where there is none, here. Gives them back, to be dropped outside
    /// the lock.
    pub(super) fn bury_alone(&mut self) -> Vec<Entry> {
        if self.is_quiet() || self.thread_count() > 0 {
            return Vec::new();
        }
        self.take_in();
        self.sweep_all()
    }

    /// What runs, by name.
    pub(super) fn busy(&self) -> Vec<String> {
        self.slots.iter().flatten().flat_map(|slot| slot.ledger.names()).collect()
    }

    /// Takes in nothing more. Who is to be called, to leave.
    pub(super) fn close(&mut self) -> Vec<Call> {
        if self.stage != Stage::Closed {
            self.enter(Stage::Closed);
        }
        self.call_parked()
    }

    /// How many entries looks have found.
    pub(super) fn begun(&self) -> u64 {
        self.begun
    }

    /// Whether nothing runs, waits or is on its way.
    pub(super) fn is_quiet(&self) -> bool {
        let running = self.queues.carrying.len() + self.errands;
        let kept =
            |thread: &usize| self.slots[*thread].iter().flat_map(|slot| &slot.thieves).any(|ring| ring.len() > 0);
        running == 0
            && self.places.is_unused()
            && self.spawning == 0
            && self.condemned == 0
            && self.queues.is_empty()
            && !inbox::each(&self.glance).any(|(_, inbox)| inbox.is_filled())
            && !self.holders.iter().flatten().any(kept)
    }

    /// Bodies that run, by priority.
    pub(super) fn active(&self) -> PerPriority<usize> {
        let mut active = PerPriority::default();
        for priority in self.slots.iter().flatten().filter_map(|slot| slot.ledger.shown()) {
            active[priority] += 1;
        }
        active
    }

    /// Entries that wait and are alive, by priority.
    pub(super) fn queued(&mut self) -> PerPriority<usize> {
        self.take_in();
        let mut queued = PerPriority::default();
        for priority in Priority::ALL {
            let waiting = self.queues.of[priority].len() + self.kept(priority);
            queued[priority] = waiting.saturating_add_signed(-self.glance.dead(priority));
        }
        queued
    }

    /// Counts since the opening.
    pub(super) fn totals(&self) -> Totals {
        let mut totals = self.totals;
        self.slots.iter().flatten().for_each(|slot| slot.ledger.add_to(&mut totals));
        totals
    }

    /// Forgets the running bodies and their threads, and gives both back: the end of a bounded stop.
    ///
    /// The threads are to be woken: a parked one then sees that its epoch is over.
    pub(super) fn give_up(&mut self) -> GivenUp {
        self.epoch += 1;
        self.enter(Stage::Closed);
        // The race this closes: a body of such a thread fills its ring just now (`Home::keep`). It fills first and looks
        // here second; this is told first, and the rings are closed second. What it then finds in there is its own.
        self.show();
        fence(Ordering::SeqCst);
        self.take_in();
        let GivenUp { mut running, mut threads, mut noted } = GivenUp::default();
        for thread in 0..self.slots.len() {
            let Some(slot) = &mut self.slots[thread] else { continue };
            let ahead = slot.thieves.iter_mut().map(|thief| thief.close() as i64).sum::<i64>();
            let taken = u64::try_from(slot.handed + ahead).expect("what was stolen had been claimed");
            let looked_at = slot.looked_at;
            let named = slot.ledger.give_up(taken, &mut self.totals, &mut noted);
            running.extend(named.into_iter().map(|(name, since)| (name, since.unwrap_or(looked_at))));
            threads.push(slot.unparker.clone());
        }
        self.recall();
        self.holders = Default::default();
        self.places.release_all();
        self.queues.carrying.clear();
        self.errands = 0;
        (self.searching, self.spawning, self.live) = (0, 0, 0);
        self.parked.clear();
        self.slots.clear();
        GivenUp { running, threads, noted }
    }
}
