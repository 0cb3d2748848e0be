//! The life of a supervisor: its phases, its start, and those who wait for a phase. How it stops is told in
//! [`ending`](super::ending).

use std::sync::Arc;

use super::core::Core;
use super::info::SupervisorState;
use super::{StopReport, Supervisor, announce, autostart};
use crate::error::{Error, Result};
use crate::lane::Lane;
use crate::log;
use crate::pool;
use crate::stops::{Stop, Stops, Urgency};
use crate::sync::atomic::Ordering;
use crate::time::Deadline;

/// Where a supervisor is, and its stop under way, or its last one.
#[derive(Default)]
pub(super) struct Life {
    phase: Phase,
    /// Counts the starts: tells the run that a caller waits for from later ones.
    run: u64,
    stops: Stops,
    /// The first three steps of the stop have been taken: everybody outside is refused.
    told: bool,
    /// The stop of this run has been announced.
    announced: bool,
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
                        self.refusal_told.store(false, Ordering::Relaxed);
                    }
                    life.phase = Phase::Starting;
                    life.run += 1;
                    Some(Ok(Some((phase, Arc::clone(life.stops.current())))))
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
            self.lanes.all().iter().for_each(|lane| self.await_askers(lane));
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
                life.stops.renew(StopReport::default);
                life.told = false;
            }
        }
        self.wake(&self.changed);
        opened.map_err(|error| Error::Thread(Arc::new(error)))?;
        log::started(&self.name);
        autostart::start_all(&self.weak_handle());
        for resident in residents {
            resident.start_again(self);
        }
        Ok(())
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
        self.wake(&self.asked);
        self.wake(&self.changed);
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
            (life.run, Arc::clone(life.stops.current()))
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
        if !inside && stop.report().is_some() {
            stop.join_leader();
        }
    }

    /// A stop is asked for: the stop under way, whether this begins it, whether it discards from now on, and whether the caller
    /// leads it. Else the report of the last one.
    pub(super) fn begin_stop(&self, urgency: Urgency) -> Result<(Arc<Stop>, bool, bool, bool), StopReport> {
        let (mut life, phase) = self.settled();
        match phase {
            Phase::Created => {
                let nothing = StopReport { complete: true, ..StopReport::default() };
                life.phase = Phase::Stopped;
                self.ending.store(true, Ordering::Relaxed);
                life.stops.begin(urgency);
                life.stops.current().end(nothing.clone(), false);
                drop(life);
                // Those who wait for it to stop, or to be asked to.
                self.wake(&self.asked);
                self.wake(&self.changed);
                Err(nothing)
            }
            Phase::Stopped | Phase::Starting => {
                let report = life.stops.current().report().expect("a stopped supervisor has its report");
                Err(report.clone())
            }
            Phase::Running => {
                life.phase = Phase::Stopping;
                life.told = false;
                self.ending.store(true, Ordering::Relaxed);
                life.stops.begin(urgency);
                life.stops.begin_steps();
                Ok((Arc::clone(life.stops.current()), true, urgency.discard, life.stops.lead()))
            }
            Phase::Stopping => {
                let discard = life.stops.join(urgency);
                life.stops.begin_steps();
                Ok((Arc::clone(life.stops.current()), false, discard, life.stops.lead()))
            }
        }
    }

    /// Everybody outside is refused.
    pub(super) fn told(&self, stop: &Arc<Stop>) {
        self.life.lock().told = true;
        debug_assert!(stop.report().is_none(), "nobody settles it before that");
        self.wake(&self.asked);
    }

    /// Waits until nobody is taking the steps of asking for a stop of that lane, which has closed: they would meet the next
    /// opening. They never wait.
    pub(crate) fn await_askers(&self, lane: &Lane) {
        self.changed.block_until(Deadline::Never, || (!lane.stops.lock().is_asked_now()).then_some(()));
    }

    /// Calls `f` with its stops, under their lock.
    pub(super) fn with_stops<R>(&self, f: impl FnOnce(&mut Stops) -> R) -> R {
        f(&mut self.life.lock().stops)
    }

    /// The stop has ended.
    pub(super) fn stopped(&self, stop: &Stop, report: StopReport, gave_up: bool) {
        let mut life = self.life.lock();
        life.phase = Phase::Stopped;
        stop.end(report, gave_up);
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
}

impl Supervisor {
    /// Whether both are handles of the same supervisor.
    pub fn is_same(&self, other: &Supervisor) -> bool {
        Arc::ptr_eq(&self.core, &other.core)
    }
}
