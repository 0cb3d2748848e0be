//! A pool thread's own things: what it has taken ahead, and what its bodies spawn.
//!
//! A thread takes up to 32 entries at once where many wait, and goes from one to the next by a [`glance`](super::glance).
//! What it has taken ahead stands in its ring, out of which others steal, so that a body that blocks strands nothing;
//! and what its bodies spawn goes there too, without a lock.

use std::cell::{Cell, RefCell};
use std::hint;
use std::sync::Arc;
use std::time::Instant;

use super::Pool;
use super::current;
use super::entry::{Entry, Owner};
use super::glance::Seen;
use super::job::{Job, Ran};
use super::ledger::{Ledger, Tally};
use super::queue::DonorPlace;
use super::state::Charge;
use crate::admission::Limits;
use crate::log;
use crate::panics::contain;
use crate::priority::Priority;
use crate::sync::atomic::{Ordering, fence};
use crate::{task, wait};

/// After so many entries a thread looks at the shared queues first: its own fan-out must not starve others.
const LOOK_OUTSIDE_EVERY: usize = 64;

/// A thread takes ahead what it is likely to get done in so long, in nanoseconds: the entries behind a body that takes
/// longer than those before it wait until another thread comes for them.
const AHEAD_NANOS: u64 = 50_000;

/// A thread that may take so many at once has tasks of at most 3 µs.
const SMALL: usize = 16;

/// Pauses of the processor for tasks to gather, 1 to 2 µs: below what a task can expect to wait for anyway.
const GATHER_PAUSES: usize = 128;

/// At most so many at once.
pub(super) const AHEAD: usize = 32;

/// A pool thread's own place in its pool.
pub(crate) struct Home {
    pub(crate) pool: Arc<Pool>,
    /// The thread's slot.
    pub(super) thread: usize,
    /// The pool's epoch that the thread belongs to; a thread of an older one was given up by a stop.
    pub(super) epoch: u64,
    pub(super) ledger: Arc<Ledger>,
    /// So many bodies fit on top of each other into the thread's stack.
    pub(super) nesting: usize,
    /// For `Low`, `Normal` and `High`. `Critical` tasks are not taken ahead: each is to start at once.
    rings: [Owner; 3],
    /// What was seen at the last look.
    seen: Cell<Seen>,
    /// The ceilings then.
    limits: Cell<Limits>,
    /// Bodies may put what they spawn into the rings.
    may_keep: Cell<bool>,
    /// When the last look was.
    looked_at: Cell<Instant>,
    /// Entries run since.
    runs: Cell<usize>,
    /// How many it may take ahead.
    ahead: Cell<usize>,
    /// Up to where its rings hold what came from outside.
    outside: [Cell<usize>; 3],
    /// The last look has emptied an inbox.
    took_in: Cell<bool>,
    /// What runs here, outermost. Not with what runs inside its waits, which is in [`current`]: to put each task there and
    /// take it out again took 5 ns of 100.
    outermost: RefCell<Option<Arc<dyn Job>>>,
    /// It is a task that nobody has a handle of.
    in_closure: Cell<bool>,
    /// Tells the thread from all others, later ones in its slot too.
    number: u64,
    /// Counts the bodies that run here, outermost.
    turn: Cell<u64>,
    /// Waits of it that somebody else's executor has begun.
    pub(super) beside: Cell<usize>,
    /// What runs here waits in a verb of ours, and is counted so.
    pub(super) is_idle: Cell<bool>,
    /// It has not told yet, should all others wait too.
    pub(super) owes_a_word: Cell<bool>,
    /// When it found nothing, if it has found nothing since.
    idle_since: Cell<Option<Instant>>,
    /// Work came soon when there was none the last time.
    eager: Cell<bool>,
}

/// What putting an entry into one's own ring came to.
pub(super) enum Kept {
    /// It will be found.
    Yes,
    /// The pool is to be told, under its lock, that there is something.
    Unseen,
}

impl Home {
    pub(super) fn new(
        pool: Arc<Pool>,
        (thread, epoch): (usize, u64),
        nesting: usize,
        ledger: Arc<Ledger>,
        rings: [Owner; 3],
    ) -> Self {
        Self {
            pool,
            thread,
            epoch,
            ledger,
            nesting,
            rings,
            seen: Cell::new(Seen::default()),
            limits: Cell::new(Limits::NONE),
            may_keep: Cell::new(false),
            looked_at: Cell::new(Instant::now()),
            runs: Cell::new(0),
            ahead: Cell::new(1),
            outside: Default::default(),
            took_in: Cell::new(false),
            outermost: RefCell::new(None),
            in_closure: Cell::new(false),
            number: next_number(),
            turn: Cell::new(0),
            beside: Cell::new(0),
            is_idle: Cell::new(false),
            owes_a_word: Cell::new(false),
            idle_since: Cell::new(None),
            eager: Cell::new(false),
        }
    }

    /// Its ring for that priority.
    pub(super) fn ring(&self, priority: Priority) -> Option<&Owner> {
        self.rings.get(priority as usize)
    }

    /// Whether bodies of this thread have been asked to end.
    pub(crate) fn is_hurried(&self) -> bool {
        self.pool.is_hurried(self.epoch)
    }

    /// Whether anything runs here.
    pub(super) fn is_busy(&self) -> bool {
        self.in_closure.get() || self.outermost.borrow().is_some()
    }

    /// The place of what runs here.
    pub(super) fn place(&self) -> DonorPlace {
        (self.number, self.turn.get())
    }

    /// What runs here, outermost, if it has a handle.
    pub(super) fn outermost(&self) -> Option<Arc<dyn Job>> {
        self.outermost.borrow().clone()
    }

    /// What is in its ring has come from outside, and is older than what still stands in the queue.
    pub(super) fn note_outside(&self, priority: Priority) {
        if let Some(ring) = self.ring(priority) {
            self.outside[priority as usize].set(ring.filled());
        }
    }

    /// Whether the oldest in its ring has come from outside.
    pub(super) fn has_outside(&self, priority: Priority) -> bool {
        self.ring(priority).is_some_and(|ring| ring.claimed() < self.outside[priority as usize].get())
    }

    /// Whether its rings are empty.
    pub(super) fn is_empty(&self) -> bool {
        self.rings.iter().all(Owner::is_empty)
    }

    /// How many entries it may take at once.
    pub(super) fn ahead(&self) -> usize {
        self.ahead.get()
    }

    pub(super) fn looked_at(&self) -> Instant {
        self.looked_at.get()
    }

    /// Whether this look is to begin with the shared queues.
    pub(super) fn looks_outside(&self) -> bool {
        self.runs.get() >= LOOK_OUTSIDE_EVERY
    }

    /// A look begins: learns from the last turn how much to take ahead.
    pub(super) fn begin_look(&self) {
        self.took_in.set(false);
        let now = Instant::now();
        let took = now.saturating_duration_since(self.looked_at.replace(now)).as_nanos().max(1);
        let runs = self.runs.get();
        if runs > 0 {
            let fitting = usize::try_from(u128::from(AHEAD_NANOS) * runs as u128 / took).unwrap_or(AHEAD);
            self.ahead.set(fitting.clamp(1, (2 * self.ahead.get()).min(AHEAD)));
        }
    }

    /// Lets small tasks gather for a moment, where this thread runs them faster than they come from outside.
    ///
    /// Each look takes the lines that a caller is writing away from it. Looking at once, a thread found a handful each
    /// time, and a flood of one producer took 80 ns a task instead of 35.
    pub(super) fn let_gather(&self) {
        if self.took_in.get() && self.ahead.get() >= SMALL && (2..AHEAD).contains(&self.runs.get()) {
            (0..GATHER_PAUSES).for_each(|_| hint::spin_loop());
        }
    }

    /// Whether work is likely to come before a sleep would pay.
    pub(super) fn is_eager(&self) -> bool {
        self.eager.get()
    }

    /// Stays awake for a moment, for work to come; once, until it has come.
    pub(super) fn watch(&self) {
        self.eager.set(false);
        let glance = &self.pool.glance;
        wait::watch(|| glance.is_wanted() || !glance.look().is_as(self.seen.get()));
    }

    /// This look has found something in an inbox.
    pub(super) fn note_intake(&self) {
        self.took_in.set(true);
    }

    /// A look has ended: what was seen.
    pub(super) fn end_look(&self, found: bool, seen: Seen, limits: Limits, may_keep: bool) {
        let now = self.looked_at.get();
        if !found {
            self.idle_since.set(self.idle_since.get().or(Some(now)));
        } else if let Some(since) = self.idle_since.take() {
            self.eager.set(now.saturating_duration_since(since) < wait::WORTH_WATCHING);
        }
        self.seen.set(seen);
        self.limits.set(limits);
        self.may_keep.set(may_keep);
        self.runs.set(0);
    }

    /// Keeps what a body of this thread spawns, where the thread may.
    #[inline(always)]
    pub(super) fn keep(&self, priority: Priority, entry: Entry) -> Result<Kept, Entry> {
        let Some(ring) = self.ring(priority) else { return Err(entry) };
        if !self.may_keep.get() || !self.pool.glance.look().is_as(self.seen.get()) {
            return Err(entry);
        }
        ring.push(entry)?;
        self.ledger.submitted();
        // The race this closes: whoever finds the ring empty stops counting with it and looks once more
        // (`State::count_out`); whoever gives up on this thread says so and then closes the ring (`State::give_up`).
        // Each writes first and reads second, and so does this: one of the two sees the other.
        fence(Ordering::SeqCst);
        // Relaxed, both: the fence orders them.
        let counted = self.ledger.counted.load(Ordering::Relaxed) & 1 << priority as u8 != 0;
        let seen = counted && self.pool.glance.look().is_as(self.seen.get());
        Ok(if seen { Kept::Yes } else { Kept::Unseen })
    }

    /// Runs an entry, and then what may follow it in the same place, until there is reason to look.
    pub(super) fn turn(&self, entry: Entry, charge: Charge) {
        self.run(entry, charge);
        let Charge::Place(priority) = charge else { return };
        while self.runs.get() < LOOK_OUTSIDE_EVERY
            && self.may_go_on(priority)
            && let Some(entry) = self.ring(priority).and_then(Owner::next)
        {
            self.run(entry, charge);
        }
    }

    /// Whether the next entry of that priority may follow in the same place: nothing has been changed, the places are
    /// within the ceiling, its own among them, and nothing above waits.
    fn may_go_on(&self, priority: Priority) -> bool {
        let glance = &self.pool.glance;
        let seen = glance.look();
        seen.is_as(self.seen.get()) && seen.is_within(priority, &self.limits.get()) && !glance.is_wanted_above(priority)
    }

    fn run(&self, entry: Entry, charge: Charge) {
        self.runs.set(self.runs.get() + 1);
        self.turn.set(self.turn.get() + 1);
        let (tally, pool) = (Tally::outermost(&self.ledger), &self.pool);
        let shown = match charge {
            Charge::Place(priority) => Some(priority),
            Charge::Critical => Some(Priority::Critical),
            Charge::Errand | Charge::Carried(..) => None,
        };
        match entry {
            Entry::Closure(closure) => {
                let name = closure.name();
                self.ledger.begin(shown, name);
                self.in_closure.set(true);
                let ran = contain(|| closure.call());
                tally.ended(Ran::Task { panicked: ran.is_err() });
                if let Err(panic) = ran {
                    log::uncollected_panic(name.get(), task::next_id(), &panic);
                }
                self.in_closure.set(false);
            }
            Entry::Job(job) => {
                let noted = self.ledger.begin_job(shown, &job);
                self.outermost.replace(Some(job));
                let ran = self.outermost.borrow().as_ref().map_or(Ran::Dead, |job| job.run(&tally));
                if noted {
                    self.ledger.forget();
                }
                if !ran.is_counted() {
                    tally.ended(ran);
                }
                match (charge, ran) {
                    (Charge::Place(priority), Ran::Dead) => pool.glance.buried(priority, 1),
                    (Charge::Critical, Ran::Dead) => pool.glance.buried(Priority::Critical, 1),
                    // Its own entry still stands in the queue.
                    (Charge::Carried(priority, _), Ran::Task { .. } | Ran::Slice { .. }) => pool.died(priority),
                    _ => {}
                }
                // Let go after the borrow has ended: the last owner of a job may drop a user's value, which is still a
                // part of what runs here.
                let ended = self.outermost.take();
                self.in_closure.set(true);
                ended.into_iter().for_each(Job::retire);
                self.in_closure.set(false);
            }
        }
        // By somebody else's executor it may have begun a wait that it has not ended here.
        if self.is_idle.get() {
            self.beside.set(0);
            self.note_idle(false);
        }
    }

    /// Runs `job` inside the wait of a body on this thread. `None`: the thread was given up.
    pub(super) fn run_nested(&self, job: &Arc<dyn Job>) -> Option<Ran> {
        if !self.ledger.begin_nested(job) {
            return None;
        }
        let tally = Tally::nested(&self.ledger);
        let ran = current::enter_nested(&self.pool, Arc::clone(job), || job.run(&tally));
        self.ledger.forget();
        if !ran.is_counted() {
            tally.ended(ran);
        }
        Some(ran)
    }
}

fn next_number() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    // Relaxed: only the number matters.
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}
