//! Light jobs: closures that the clock has run, each no more than an entry of the clock's. And their handle.
//!
//! `state` is the protocol of one, `pace` says when it is due, `light` is its allocation; `shift` runs those whose moment has
//! come, many in one place of the pool. Knows pool and clock; not the supervisor, tasks or workers.

mod light;
#[cfg(all(test, atasker_loom))]
mod model;
#[cfg(all(test, atasker_shuttle))]
mod model_of_crowds;
mod pace;
mod shift;
mod state;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Moment, Opening, Refused, Tick};
use crate::cron::Resolved;
use crate::error::{ConfigError, Error, Result};
use crate::panics::drop_contained;
use crate::pool::{self, Pool};
use crate::stops::Leftover;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::time::When;
use light::{Again, Body, Handled, Light, OneShot};
use pace::{Calendar, Every, Once, Pace};
use shift::Crowd;
use state::Cancelled;

/// A light job: a closure that the clock has run on the pool, made by [`Supervisor::every`](crate::Supervisor::every),
/// [`at`](crate::Supervisor::at) and [`cron`](crate::Supervisor::cron).
///
/// Clones are handles of the same job. Dropping them all detaches it: it goes on until it is cancelled by a handle, or its
/// supervisor stops.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc;
/// use std::time::Duration;
/// use atasker::task_supervisor;
///
/// let (tell, told) = mpsc::channel();
/// let job = task_supervisor().every(Duration::from_millis(1), move || tell.send(()).unwrap())?;
/// assert_eq!(told.iter().take(3).count(), 3);
/// assert!(job.cancel());
/// assert!(!job.is_active() && !job.cancel());
/// # Ok::<(), atasker::Error>(())
/// ```
#[derive(Clone)]
pub struct Job {
    light: Arc<dyn Handled>,
    jobs: Arc<Jobs>,
}

impl Job {
    /// Sees to it that no run starts after this call; one that is under way goes on (and sees
    /// [`is_cancelled`](crate::is_cancelled)). `false`: there was no run to come, since it was cancelled before, or the only
    /// run of an [`at`](crate::Supervisor::at) has started, or the supervisor has stopped.
    pub fn cancel(&self) -> bool {
        if self.jobs.pool.is_forked() {
            return false;
        }
        let cancelled = self.light.cancel();
        if cancelled == Cancelled::TooLate {
            return false;
        }
        self.jobs.counts.cancelled(1);
        if cancelled == Cancelled::Waiting {
            let tick: Arc<dyn Tick> = Arc::<dyn Handled>::clone(&self.light);
            self.jobs.clock.take_back(self.light.spot(), &tick);
            pool::enter_unnamed(&self.jobs.pool, || self.light.drop_body());
        }
        true
    }

    /// Whether a run is to come.
    pub fn is_active(&self) -> bool {
        !self.jobs.pool.is_forked() && self.light.state().is_active()
    }

    /// When the next run is due, on the clock that it is planned by. `None` while a run is under way, which it depends on,
    /// and where none is to come.
    pub fn next_run(&self) -> Option<When> {
        if !self.is_active() || !self.light.state().is_waiting() {
            return None;
        }
        let spot = self.light.spot();
        if spot.on_wall { spot.due.wall().map(When::Wall) } else { self.jobs.clock.instant(spot.due).map(When::At) }
    }

    /// How many runs have started.
    pub fn runs(&self) -> u64 {
        self.light.state().runs()
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("body", &self.light.name())
            .field("runs", &self.runs())
            .field("next_run", &self.next_run())
            .finish()
    }
}

/// The light jobs of a supervisor at one moment: exact at rest, a sample while they run. Counted since it was made.
///
/// At rest, `started = active + completed + cancelled`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobTotals {
    /// Those of which a run is to come.
    pub active: u64,
    /// Jobs that were taken in.
    pub started: u64,
    /// Those whose only run has been.
    pub completed: u64,
    /// Those that were ended before, by a handle or a stop.
    pub cancelled: u64,
    /// Runs of all of them.
    pub runs: u64,
    /// Runs that panicked.
    pub panicked: u64,
}

/// What the light jobs of one supervisor share.
pub(crate) struct Jobs {
    pool: Arc<Pool>,
    clock: Arc<Clock>,
    counts: Counts,
}

/// Relaxed throughout: counts by which nothing else is published.
#[derive(Default)]
struct Counts {
    started: AtomicU64,
    completed: AtomicU64,
    cancelled: AtomicU64,
    runs: AtomicU64,
    panicked: AtomicU64,
}

impl Counts {
    fn started(&self) {
        self.started.fetch_add(1, Ordering::Relaxed);
    }

    fn completed(&self) {
        self.completed.fetch_add(1, Ordering::Relaxed);
    }

    fn cancelled(&self, jobs: u64) {
        self.cancelled.fetch_add(jobs, Ordering::Relaxed);
    }

    fn ran(&self, runs: u64, panicked: u64) {
        self.runs.fetch_add(runs, Ordering::Relaxed);
        self.panicked.fetch_add(panicked, Ordering::Relaxed);
    }
}

impl Jobs {
    pub(crate) fn new(pool: &Arc<Pool>, clock: &Arc<Clock>) -> Arc<Self> {
        Arc::new(Self { pool: Arc::clone(pool), clock: Arc::clone(clock), counts: Counts::default() })
    }

    /// Has `body` run each `period`, first after one.
    pub(crate) fn every(self: &Arc<Self>, period: Duration, body: impl FnMut() + Send + 'static) -> Result<Job> {
        let Some(every) = Every::new(period) else {
            drop_contained(body);
            return Err(ConfigError::zero_duration("every", period).into());
        };
        let first = every.first(self.clock.moment(self.clock.now()));
        self.start(every, first, Again(body))
    }

    /// Has `body` run once.
    pub(crate) fn at(self: &Arc<Self>, when: When, body: impl FnOnce() + Send + 'static) -> Result<Job> {
        let (moment, ahead) = match when {
            When::At(at) => (self.clock.moment(at), at.saturating_duration_since(self.clock.now())),
            When::Wall(at) => (Moment::on_wall(at), at.duration_since(self.clock.wall()).unwrap_or_default()),
        };
        self.start(Once::at(when, ahead), moment, OneShot(Some(body)))
    }

    /// Has `body` run when a cron line says.
    pub(crate) fn cron(self: &Arc<Self>, line: Resolved, body: impl FnMut() + Send + 'static) -> Result<Job> {
        let calendar = Calendar::new(line);
        let first = calendar.first(self.clock.wall());
        self.start(calendar, first, Again(body))
    }

    fn start<P: Pace, B: Body>(self: &Arc<Self>, pace: P, first: Moment, body: B) -> Result<Job> {
        let light = Light::new(pace, first, body);
        // Counted first: it may run, or a stop end it, before the clock returns.
        self.counts.started();
        if let Err(why) = light.plan(&self.clock, None) {
            self.counts.cancelled(1);
            light.drop_body();
            return Err(match why {
                Refused::Stopped => Error::Stopped,
                Refused::NoThread(error) => Error::Thread(Arc::new(error)),
            });
        }
        Ok(Job { light, jobs: Arc::clone(self) })
    }

    /// Their moment has come, as the clock tells.
    pub(crate) fn came(self: &Arc<Self>, ticks: Vec<Arc<dyn Tick>>, opening: Opening) {
        Crowd::send(self, ticks, opening);
    }

    /// Ends those that wait. Gives what drops what is the user's, as bodies of the pool: a stop in a `Drop` must not wait for
    /// the thread it is called on.
    pub(crate) fn forget(&self, mut ticks: Vec<Arc<dyn Tick>>) -> Option<Leftover> {
        ticks.retain(|tick| tick.forget());
        self.counts.cancelled(ticks.len() as u64);
        if ticks.is_empty() {
            return None;
        }
        let pool = Arc::clone(&self.pool);
        Some(Box::new(move || pool::enter_unnamed(&pool, || ticks.into_iter().for_each(|tick| tick.drop_body()))))
    }

    pub(crate) fn totals(&self) -> JobTotals {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Counts { started, completed, cancelled, runs, panicked } = &self.counts;
        let (ended, started) = ((read(completed), read(cancelled)), read(started));
        let (completed, cancelled) = ended;
        JobTotals {
            active: started.saturating_sub(completed + cancelled),
            started,
            completed,
            cancelled,
            runs: read(runs),
            panicked: read(panicked),
        }
    }
}
