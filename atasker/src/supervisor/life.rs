//! The life of a supervisor: start, the stop protocol, and those who wait for its end.
//!
//! A stop goes by numbered steps:
//!
//! 1. The intake closes: spawns, puts, triggers and starts are refused, and items come back.
//! 2. The clock drops its deadlines: delayed tasks are cancelled, and their handles say so.
//! 3. Workers are asked to stop: a run under way ends, queue workers work off what is queued.
//! 4. The pool drains; then its threads are joined. (A bounded stop that runs out gives up on bodies that still run.)
//! 5. The lane, once there is one, finishes.
//! 6. The report is made.
//! 7. The state is `Stopped`, and everyone who waits for that wakes; `start` may begin anew.
//!
//! Steps 1 to 3 never wait, so the one who asks takes them at once, from inside a body too. One leader takes the
//! others: the caller who asked, where it may wait, else a thread made for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::core::Core;
use super::info::SupervisorState;
use super::report::{Abandoned, StopReport};
use super::{Supervisor, autostart};
use crate::error::{Error, Result};
use crate::log;
use crate::pool;
use crate::sync::atomic::Ordering;
use crate::sync::thread::{Builder, JoinHandle};
use crate::time::Deadline;

/// While work is stranded without a thread, a stop asks the system again this often.
const STRANDED_RETRY: Duration = Duration::from_millis(100);

/// Where a supervisor is, and what its last stop came to.
#[derive(Default)]
pub(super) struct Life {
    phase: Phase,
    /// Counts the starts: tells the run that a caller waits for from later ones.
    run: u64,
    /// Of the stop under way, or the last one.
    report: StopReport,
    /// How urgent the stop under way is.
    urgency: Urgency,
    /// Somebody takes the steps that wait.
    led: bool,
    /// The thread that was made for it, to be joined by whoever waits for the end.
    leader: Option<JoinHandle<()>>,
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

/// What asking for a stop came to.
enum Asked {
    /// There was nothing to stop, or it has stopped.
    Ended(StopReport),
    /// The caller is to take the steps that wait.
    Lead,
    /// Somebody else takes them.
    Follow,
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
                    life.phase = Phase::Starting;
                    Some(Ok(Some((phase, life.leader.take()))))
                }
                _ => Some(Err(Error::Stopped)),
            }
        });
        let Some((before, leader)) = before.expect("a wait without a deadline ends with a result")? else {
            return Ok(());
        };
        join(leader);
        let opened = self.pool.open();
        let residents = if opened.is_ok() {
            self.clock.open();
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
                life.run += 1;
                (life.urgency, life.led) = (Urgency::default(), false);
                life.report = StopReport::default();
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

    /// Asks for a stop and waits for its end, unless that would be a wait for oneself.
    pub(super) fn stop(self: &Arc<Self>, urgency: Urgency) -> StopReport {
        if self.pool.is_forked() {
            return StopReport::default();
        }
        let inside = pool::is_inside(&self.pool);
        match self.ask(urgency, inside) {
            Asked::Ended(report) => return report,
            _ if inside => return self.so_far(),
            Asked::Lead => self.lead(),
            Asked::Follow => {}
        }
        self.await_end()
    }

    /// Asks for a stop and leaves it to a thread of its own.
    pub(super) fn ask_to_stop(self: &Arc<Self>, urgency: Urgency) {
        if !self.pool.is_forked() {
            _ = self.ask(urgency, true);
        }
    }

    /// The number of the run under way, or the last one.
    pub(super) fn run(&self) -> u64 {
        self.life.lock().run
    }

    /// What the stop has come to, once it has ended.
    pub(super) fn ended(&self) -> Option<StopReport> {
        let life = self.life.lock();
        (!matches!(life.phase, Phase::Stopping | Phase::Starting)).then(|| life.report.clone())
    }

    /// Waits until the run that this call sees ends; inside a body, until a stop is asked for.
    pub(super) fn block(self: &Arc<Self>) {
        if self.pool.is_forked() {
            return;
        }
        if self.life.lock().phase == Phase::Created
            && let Err(error) = self.ensure_running()
        {
            log::no_run(&self.name, &error);
            return;
        }
        let inside = pool::is_inside(&self.pool);
        let run = self.run();
        self.changed.block_until(Deadline::Never, || {
            let life = self.life.lock();
            let goes_on = match life.phase {
                Phase::Stopping => !inside,
                Phase::Starting | Phase::Running => true,
                Phase::Created | Phase::Stopped => false,
            };
            (!goes_on || life.run != run).then_some(())
        });
        if !inside {
            self.join_leader(run);
        }
    }

    /// Steps 1 to 3, or their repetition at a higher urgency. With `elsewhere`, the rest is left to a thread of its own.
    fn ask(self: &Arc<Self>, urgency: Urgency, elsewhere: bool) -> Asked {
        let (first, discard, lead) = {
            let (mut life, phase) = self.settled();
            match phase {
                Phase::Created => {
                    life.phase = Phase::Stopped;
                    life.report = StopReport { complete: true, ..StopReport::default() };
                    return Asked::Ended(life.report.clone());
                }
                Phase::Stopped | Phase::Starting => return Asked::Ended(life.report.clone()),
                Phase::Running => {
                    life.phase = Phase::Stopping;
                    life.urgency = urgency;
                    (true, urgency.discard, !std::mem::replace(&mut life.led, true))
                }
                Phase::Stopping => {
                    let discard = urgency.discard && !life.urgency.discard;
                    life.urgency.discard |= urgency.discard;
                    life.urgency.deadline = life.urgency.deadline.min(urgency.deadline);
                    (false, discard, !std::mem::replace(&mut life.led, true))
                }
            }
        };
        if first {
            log::stopping(&self.name);
            self.pool.drain();
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
        }
        self.changed.wake_all();
        match (lead, elsewhere) {
            (true, true) => self.appoint(),
            (true, false) => return Asked::Lead,
            (false, _) => {}
        }
        Asked::Follow
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
    fn appoint(self: &Arc<Self>) {
        let core = Arc::clone(self);
        let made = Builder::new().name(format!("{}-stop", self.name)).spawn(move || core.lead());
        let mut life = self.life.lock();
        match made {
            Ok(leader) => life.leader = Some(leader),
            Err(error) => {
                // The next one who asks or waits from outside leads instead.
                life.led = false;
                drop(life);
                log::no_thread(&self.name, &error);
            }
        }
    }

    /// Steps 4 to 7.
    fn lead(self: &Arc<Self>) {
        let gave_up = if self.wait_for_work() { Vec::new() } else { self.give_up() };
        if gave_up.is_empty() {
            self.pool.close();
        }
        self.clock.join();
        let now = Instant::now();
        let totals = self.pool.sample().totals;
        let abandoned: Vec<_> = gave_up
            .into_iter()
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
            life.report = report;
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
                if self.registry.is_empty() && self.pool.is_quiet() {
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
    fn give_up(&self) -> Vec<(String, Instant)> {
        self.pool.hurry();
        let running = self.pool.give_up();
        for resident in self.registry.running() {
            resident.ask_to_stop(true);
        }
        self.registry.give_up();
        running
    }

    /// Waits until the stop under way has ended; its report.
    fn await_end(self: &Arc<Self>) -> StopReport {
        let run = self.run();
        loop {
            enum Seen {
                End(StopReport),
                Leaderless,
            }
            let seen = self.changed.block_until(Deadline::Never, || {
                let mut life = self.life.lock();
                if life.phase != Phase::Stopping || life.run != run {
                    return Some(Seen::End(life.report.clone()));
                }
                (!std::mem::replace(&mut life.led, true)).then_some(Seen::Leaderless)
            });
            match seen.expect("a wait without a deadline ends with a result") {
                Seen::End(report) => {
                    self.join_leader(run);
                    return report;
                }
                Seen::Leaderless => self.lead(),
            }
        }
    }

    /// Joins the thread that led the stop of that run, so that no thread is left when a stop returns.
    pub(super) fn join_leader(&self, run: u64) {
        let leader = {
            let mut life = self.life.lock();
            if life.run == run && life.phase == Phase::Stopped { life.leader.take() } else { None }
        };
        join(leader);
    }

    /// A report while the stop goes on.
    fn so_far(&self) -> StopReport {
        let totals = self.pool.sample().totals;
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

fn join(leader: Option<JoinHandle<()>>) {
    if let Some(leader) = leader {
        // Its work contains every panic of user code; one of its own is a bug that has been printed.
        _ = leader.join();
    }
}
