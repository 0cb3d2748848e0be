//! The life of a supervisor: start, the stop protocol, and those who wait for its end.
//!
//! A stop goes by numbered steps:
//!
//! 1. The intake closes: spawns, puts, triggers and starts are refused, and items come back.
//! 2. The clock drops its deadlines: delayed tasks are cancelled, and their handles say so.
//! 3. Workers are asked to stop: a run under way ends, queue workers work off what is queued.
//! 4. The pool drains; then its threads are joined. (A bounded stop that runs out gives up on bodies that still run.)
//! 5. The lanes are empty too (a bounded stop has asked what it gave up on to end); their runtimes are shut down.
//! 6. The report is made.
//! 7. The state is `Stopped`, and everyone who waits for that wakes; `start` may begin anew.
//!
//! Steps 1 to 3 never wait, so the one who asks takes them at once, from inside a body too. One leader takes the
//! others: the caller who asked, where it may wait, else a thread made for it.

use std::future::poll_fn;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::{Duration, Instant};

use super::core::Core;
use super::info::{SupervisorState, add_counts};
use super::{Abandoned, StopReport};
use super::{Supervisor, announce, autostart};
use crate::error::{Error, Result};
use crate::log;
use crate::pool::{self, Totals};
use crate::sync::Mutex;
use crate::sync::atomic::Ordering;
use crate::sync::thread::{Builder, JoinHandle};
use crate::time::Deadline;

/// While work is stranded without a thread, a stop asks the system again this often.
const STRANDED_RETRY: Duration = Duration::from_millis(100);

/// Where a supervisor is, and its stop under way, or its last one.
#[derive(Default)]
pub(super) struct Life {
    phase: Phase,
    /// Counts the starts: tells the run that a caller waits for from later ones.
    run: u64,
    stop: Arc<Stop>,
    /// How urgent the stop under way is.
    urgency: Urgency,
    /// Steps 1 to 3 have been taken: everybody is refused.
    told: bool,
    /// The stop of this run has been announced.
    announced: bool,
    /// Somebody takes the steps that wait.
    led: bool,
}

/// One stop, shared by everyone who asked for it: a start that follows at once takes nothing from them.
#[derive(Default)]
pub(super) struct Stop {
    /// Set at its end.
    report: OnceLock<StopReport>,
    /// The thread that was made to lead it, to be joined by whoever waits for the end.
    leader: Mutex<Option<JoinHandle<()>>>,
}

impl Stop {
    /// Joins the thread that led it, so that no thread is left when a stop returns. It has nothing left to do but to end.
    fn join_leader(&self) {
        let leader = self.leader.lock().take();
        if let Some(leader) = leader {
            // Its work contains every panic of user code; one of its own is a bug that has been printed.
            _ = leader.join();
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Created,
    /// Somebody makes the first threads; the others wait for the outcome.
    Starting,
    Running,
    Stopping,
    Stopped,
}

/// How urgent a stop is. Later askers can make it more urgent, never less.
#[derive(Clone, Copy, Debug)]
pub(super) struct Urgency {
    /// Cancel what is queued and discard items.
    pub(super) discard: bool,
    /// Give up on what still runs then.
    pub(super) deadline: Deadline,
}

impl Default for Urgency {
    fn default() -> Self {
        Self { discard: false, deadline: Deadline::Never }
    }
}

/// What still runs, and since when.
type Running = Vec<(String, Instant)>;

/// What asking for a stop came to.
enum Asked {
    /// There was nothing to stop, or it has stopped.
    Ended(StopReport),
    /// The caller is to take the steps that wait.
    Lead(Arc<Stop>),
    /// Somebody else takes them.
    Follow(Arc<Stop>),
}

impl Core {
    pub(super) fn state(&self) -> SupervisorState {
        match self.life.lock().phase {
            Phase::Created | Phase::Starting => SupervisorState::Created,
            Phase::Running => SupervisorState::Running,
            Phase::Stopping => SupervisorState::Stopping,
            Phase::Stopped => SupervisorState::Stopped,
        }
    }

    /// Starts it, where it was never started; an error where it is stopping or stopped.
    pub(crate) fn ensure_running(self: &Arc<Self>) -> Result<()> {
        self.begin(|phase| phase == Phase::Created)
    }

    pub(super) fn start(self: &Arc<Self>) -> Result<()> {
        self.begin(|phase| matches!(phase, Phase::Created | Phase::Stopped))
    }

    fn begin(self: &Arc<Self>, may_start: impl Fn(Phase) -> bool) -> Result<()> {
        if self.pool.is_forked() {
            return Err(Error::Forked);
        }
        let before = self.changed.block_until(Deadline::Never, || {
            let mut life = self.life.lock();
            match life.phase {
                Phase::Starting => None,
                Phase::Running => Some(Ok(None)),
                phase if may_start(phase) => {
                    if phase == Phase::Stopped {
                        // It was of the run before.
                        life.announced = false;
                        self.ending.store(false, Ordering::Relaxed);
                    }
                    life.phase = Phase::Starting;
                    life.run += 1;
                    Some(Ok(Some((phase, Arc::clone(&life.stop)))))
                }
                _ => Some(Err(Error::Stopped)),
            }
        });
        let Some((before, last_stop)) = before.expect("a wait without a deadline ends with a result")? else {
            return Ok(());
        };
        last_stop.join_leader();
        let opened = self.pool.open();
        let residents = if opened.is_ok() {
            self.clock.open();
            self.lanes.open();
            self.registry.open()
        } else {
            Vec::new()
        };
        if opened.is_err() {
            // Threads that were made before the refusal leave again.
            self.pool.undo_open(before == Phase::Created);
        }
        {
            let mut life = self.life.lock();
            life.phase = if opened.is_ok() { Phase::Running } else { before };
            if opened.is_ok() {
                (life.urgency, life.led) = (Urgency::default(), false);
                life.stop = Arc::default();
            }
        }
        self.changed.wake_all();
        opened.map_err(|error| Error::Thread(Arc::new(error)))?;
        log::started(&self.name);
        autostart::start_all(&self.weak_handle());
        for resident in residents {
            resident.start_again(self);
        }
        Ok(())
    }

    /// What pool and lanes have counted.
    fn totals(&self) -> Totals {
        let mut totals = self.pool.sample().totals;
        add_counts(&mut totals, self.lanes.counts());
        totals
    }

    /// Asks for a stop and waits for its end, unless that would be a wait for oneself.
    pub(super) fn stop(self: &Arc<Self>, urgency: Urgency) -> StopReport {
        if self.pool.is_forked() {
            return StopReport::default();
        }
        let inside = pool::is_inside(&self.pool);
        let stop = match self.ask(urgency, inside) {
            Asked::Ended(report) => return report,
            _ if inside => return self.so_far(),
            Asked::Lead(stop) => {
                self.lead();
                stop
            }
            Asked::Follow(stop) => stop,
        };
        self.await_end(&stop)
    }

    /// Asks for a stop and leaves it to a thread of its own.
    pub(super) fn ask_to_stop(self: &Arc<Self>, urgency: Urgency) {
        if !self.pool.is_forked() {
            _ = self.ask(urgency, true);
        }
    }

    pub(super) async fn stop_async(self: &Arc<Self>) -> StopReport {
        if self.pool.is_forked() || pool::is_inside(&self.pool) {
            return self.stop(Urgency::default());
        }
        let stop = match self.ask(Urgency::default(), true) {
            Asked::Ended(report) => return report,
            Asked::Lead(stop) | Asked::Follow(stop) => stop,
        };
        let mut ticket = None;
        let report = poll_fn(|cx| {
            if let Some(report) = stop.report.get() {
                return Poll::Ready(report.clone());
            }
            // Looked at again once the waker is in the list: an end in between wakes nobody.
            self.changed.register(&mut ticket, cx.waker());
            stop.report.get().map_or(Poll::Pending, |report| Poll::Ready(report.clone()))
        })
        .await;
        stop.join_leader();
        report
    }

    /// Announces the stop of this run, or of the first. Refuses nothing.
    pub(super) fn announce(&self) {
        if self.pool.is_forked() {
            return;
        }
        {
            let mut life = self.life.lock();
            if life.phase == Phase::Stopped {
                return;
            }
            life.announced = true;
            // Relaxed, here and below: see `is_ending`.
            self.ending.store(true, Ordering::Relaxed);
        }
        // The mark first, and this second: whoever waits is in the list before it looks.
        self.asked.wake_all();
        self.changed.wake_all();
    }

    /// Whether a stop was announced, or asked for, and everybody is refused. `run`: which run this is about; left there by the
    /// first look that finds one.
    pub(super) fn is_stop_requested(&self, run: &mut Option<u64>) -> bool {
        if self.pool.is_forked() {
            return true;
        }
        let life = self.life.lock();
        match life.phase {
            Phase::Stopped => true,
            _ if life.announced => true,
            Phase::Created => false,
            Phase::Stopping if life.told => true,
            Phase::Starting | Phase::Running | Phase::Stopping => *run.get_or_insert(life.run) != life.run,
        }
    }

    /// Waits until the run that this call sees ends; inside a body, until a stop is announced or asked for; in a program's
    /// `main`, until it is announced, at the latest.
    pub(super) fn block(self: &Arc<Self>) {
        // On the thread of an async body nothing may wait.
        if self.pool.is_forked() || pool::is_async() {
            return;
        }
        if self.life.lock().phase == Phase::Created {
            match self.ensure_running() {
                // Others were faster, with a start and a stop: there is a run to wait for, or its end.
                Ok(()) | Err(Error::Stopped) => {}
                Err(error) => return log::no_run(&self.name, &error),
            }
        }
        let inside = pool::is_inside(&self.pool);
        let (run, stop) = {
            let (life, _) = self.settled();
            (life.run, Arc::clone(&life.stop))
        };
        let hears = inside || announce::is_main();
        self.changed.block_until(Deadline::Never, || {
            let life = self.life.lock();
            let goes_on = match life.phase {
                _ if hears && life.announced => false,
                // The phase is set first, and who looks just then would still find an intake open.
                Phase::Stopping => !inside || !life.told,
                Phase::Starting | Phase::Running => true,
                Phase::Created | Phase::Stopped => false,
            };
            (!goes_on || life.run != run).then_some(())
        });
        if !inside && stop.report.get().is_some() {
            stop.join_leader();
        }
    }

    /// Steps 1 to 3, or their repetition at a higher urgency. With `elsewhere`, the rest is left to a thread of its own.
    fn ask(self: &Arc<Self>, urgency: Urgency, elsewhere: bool) -> Asked {
        let (first, discard, lead, stop) = {
            let (mut life, phase) = self.settled();
            match phase {
                Phase::Created => {
                    let nothing = StopReport { complete: true, ..StopReport::default() };
                    life.phase = Phase::Stopped;
                    self.ending.store(true, Ordering::Relaxed);
                    let report = life.stop.report.get_or_init(|| nothing).clone();
                    drop(life);
                    self.asked.wake_all();
                    self.changed.wake_all();
                    return Asked::Ended(report);
                }
                Phase::Stopped | Phase::Starting => {
                    let report = life.stop.report.get().expect("a stopped supervisor has its report");
                    return Asked::Ended(report.clone());
                }
                Phase::Running => {
                    life.phase = Phase::Stopping;
                    life.told = false;
                    self.ending.store(true, Ordering::Relaxed);
                    life.urgency = urgency;
                    (true, urgency.discard, !std::mem::replace(&mut life.led, true), Arc::clone(&life.stop))
                }
                Phase::Stopping => {
                    let discard = urgency.discard && !life.urgency.discard;
                    life.urgency.discard |= urgency.discard;
                    life.urgency.deadline = life.urgency.deadline.min(urgency.deadline);
                    (false, discard, !std::mem::replace(&mut life.led, true), Arc::clone(&life.stop))
                }
            }
        };
        if first {
            log::stopping(&self.name);
            self.pool.drain();
            self.lanes.drain();
            self.clock.close();
        }
        if first || discard {
            for resident in self.registry.close() {
                resident.ask_to_stop(discard);
            }
        }
        if discard {
            self.pool.hurry();
            self.pool.cancel_queued();
            self.lanes.hurry();
        }
        if first {
            self.life.lock().told = true;
            self.asked.wake_all();
        }
        self.changed.wake_all();
        match (lead, elsewhere) {
            (true, true) => self.appoint(&stop),
            (true, false) => return Asked::Lead(stop),
            (false, _) => {}
        }
        Asked::Follow(stop)
    }

    /// The life once nobody is starting it.
    fn settled(&self) -> (crate::sync::MutexGuard<'_, Life>, Phase) {
        loop {
            let settled = self.changed.block_until(Deadline::Never, || {
                let life = self.life.lock();
                (life.phase != Phase::Starting).then_some(())
            });
            debug_assert!(settled.is_some());
            let life = self.life.lock();
            let phase = life.phase;
            if phase != Phase::Starting {
                return (life, phase);
            }
        }
    }

    /// Makes a thread that takes the steps that wait.
    fn appoint(self: &Arc<Self>, stop: &Stop) {
        let core = Arc::clone(self);
        let made = Builder::new().name(format!("{}-stop", self.name)).spawn(move || core.lead());
        match made {
            Ok(leader) => *stop.leader.lock() = Some(leader),
            Err(error) => {
                // The next one who asks or waits from outside leads instead.
                self.life.lock().led = false;
                self.changed.wake_all();
                log::no_thread(&self.name, &error);
            }
        }
    }

    /// Steps 4 to 7.
    fn lead(self: &Arc<Self>) {
        let (running, flying) = if self.wait_for_work() { Default::default() } else { self.give_up() };
        if running.is_empty() {
            self.pool.close();
        }
        self.lanes.close(!flying.is_empty());
        self.clock.join();
        let now = Instant::now();
        let totals = self.totals();
        let abandoned: Vec<_> = running
            .into_iter()
            .chain(flying)
            .map(|(name, since)| Abandoned { name, running_for: now.saturating_duration_since(since) })
            .collect();
        let report = StopReport {
            complete: abandoned.is_empty(),
            ran: totals.ran(),
            cancelled: totals.cancelled,
            discarded: self.registry.discarded(),
            abandoned,
        };
        log::stopped(&self.name, report.complete, &report);
        {
            let mut life = self.life.lock();
            life.phase = Phase::Stopped;
            life.led = false;
            _ = life.stop.report.set(report);
        }
        self.changed.wake_all();
    }

    /// Waits until workers and pool have come to rest. `false`: the deadline, which others may bring forward, came first.
    fn wait_for_work(self: &Arc<Self>) -> bool {
        loop {
            let deadline = self.life.lock().urgency.deadline;
            let stranded = self.stranded.load(Ordering::Relaxed);
            let look = if stranded { deadline.min(Deadline::within(STRANDED_RETRY)) } else { deadline };
            let seen = self.changed.block_until(look, || {
                if self.registry.is_empty() && self.pool.is_quiet() && self.lanes.is_quiet() {
                    return Some(true);
                }
                let urgent = self.life.lock().urgency.deadline < deadline;
                (urgent || self.stranded.load(Ordering::Relaxed) != stranded).then_some(false)
            });
            match seen {
                Some(true) => return true,
                Some(false) => {}
                None if stranded && !deadline.is_due(Instant::now()) => {
                    self.stranded.store(false, Ordering::Relaxed);
                    self.pool.retry();
                }
                None => return false,
            }
        }
    }

    /// The end of a bounded stop: cancels and discards what waits, asks what runs to end, and leaves it alone.
    ///
    /// What ran on the pool, and what was in flight on the lanes.
    fn give_up(&self) -> (Running, Running) {
        let (running, flying) = (self.pool.give_up(), self.lanes.give_up());
        for resident in self.registry.running() {
            resident.ask_to_stop(true);
        }
        self.registry.give_up();
        (running, flying)
    }

    /// Waits until that stop has ended; its report.
    fn await_end(self: &Arc<Self>, stop: &Arc<Stop>) -> StopReport {
        loop {
            let seen = self.changed.block_until(Deadline::Never, || {
                let mut life = self.life.lock();
                if let Some(report) = stop.report.get() {
                    return Some(Ok(report.clone()));
                }
                // No thread could be made to lead it: then whoever waits does.
                (!std::mem::replace(&mut life.led, true)).then_some(Err(()))
            });
            match seen.expect("a wait without a deadline ends with a result") {
                Ok(report) => {
                    stop.join_leader();
                    return report;
                }
                Err(()) => self.lead(),
            }
        }
    }

    /// A report while the stop goes on.
    fn so_far(&self) -> StopReport {
        let totals = self.totals();
        StopReport {
            complete: false,
            ran: totals.ran(),
            cancelled: totals.cancelled,
            discarded: self.registry.discarded(),
            abandoned: Vec::new(),
        }
    }
}

impl Supervisor {
    /// Whether both are handles of the same supervisor.
    pub fn is_same(&self, other: &Supervisor) -> bool {
        Arc::ptr_eq(&self.core, &other.core)
    }
}
