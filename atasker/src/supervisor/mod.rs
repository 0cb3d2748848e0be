//! The supervisor: owns pool, clock and workers, is configured once, starts on first use, and ends by a protocol.
//!
//! Knows tasks only as jobs of the pool, and workers only as [`Resident`]s.

mod announce;
mod autostart;
mod core;
mod ending;
mod entered;
mod global;
#[cfg(unix)]
mod handlers;
mod info;
mod lanes;
mod life;
#[cfg(all(test, atasker_shuttle))]
mod model;
mod registry;
mod requested;
#[cfg_attr(not(unix), path = "no_signal.rs")]
mod signal;
#[cfg(feature = "test-util")]
mod test_clock;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use self::autostart::Autostart;
pub(crate) use self::autostart::starts_with_supervisor;
pub(crate) use self::core::Core;
pub(crate) use crate::report::{Abandoned, StopReport};
pub(crate) use announce::as_main;
pub use entered::EnterGuard;
pub(crate) use entered::meant;
pub use global::task_supervisor;
pub use info::{LaneInfo, SupervisorInfo, SupervisorState, WorkerInfo, WorkerKind, WorkerState};
pub(crate) use lanes::info as lane_info;
pub(crate) use registry::{Entry, Resident};
pub(crate) use signal::SignalWatch;
#[cfg(feature = "test-util")]
pub use test_clock::TestClock;

use crate::config::Config;
use crate::error::{ConfigError, Result};
use crate::job::JobTotals;
use crate::slow::SlowStart;
use crate::stops::Urgency;
use crate::time::Deadline;
use requested::StopRequested;

/// A pool with priorities and reserves, its clock, and the workers that run on it.
///
/// Most programs use the one that [`task_supervisor`] gives. Others are made by [`Supervisor::new`]; clones of a handle
/// own it together, and when the last one is dropped, it is asked to stop (the drop does not wait).
///
/// # Examples
///
/// ```
/// use atasker::{background_task, Config, Supervisor};
///
/// let s = Supervisor::new("reports", Config::new().pool_size(2))?;
/// let task = background_task(|| 6 * 7).supervisor(&s).start();
/// assert_eq!(task.wait()?, 42);
/// let report = s.stop();
/// assert!(report.complete);
/// assert_eq!(report.ran, 1);
/// # Ok::<(), atasker::Error>(())
/// ```
///
/// What each verb does, by where it is called:
///
/// | verb | outside | inside a body or hook of the same supervisor |
/// |---|---|---|
/// | `start` | starts it, or does nothing | the same |
/// | `stop`, `stop_timeout`, `stop_now` | asks, waits, reports | asks, returns at once with `complete: false` |
/// | `block` | until the run ends | until a stop is announced or asked for |
/// | `request_stop` | announces, at once | the same |
/// | `set_config`, `info` | at once | at once |
pub struct Supervisor {
    pub(crate) core: Arc<Core>,
    /// `None` in handles that code inside was given: they do not keep the supervisor running.
    owner: Option<Arc<Owner>>,
}

/// What the owning handles share; its drop is the last owner's.
pub(crate) struct Owner {
    core: Arc<Core>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.core.ask_to_stop(Urgency::default());
        self.core.forget_kept();
    }
}

impl Supervisor {
    /// Makes a supervisor. It starts on first use, or by [`start`](Supervisor::start).
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) for a configuration that makes no sense, and for a name that is empty or
    /// has a NUL byte (threads are named by it).
    pub fn new(name: impl Into<String>, config: Config) -> Result<Self> {
        let name = name.into();
        if name.is_empty() || name.contains('\0') {
            return Err(ConfigError::new("name", format!("{name:?}"), "must not be empty or have a NUL byte").into());
        }
        config.check()?;
        let core = Core::new(name, config);
        let owner = Arc::new(Owner { core: Arc::clone(&core) });
        core.owner.set(Arc::downgrade(&owner)).expect("set once, here");
        Ok(Self { core, owner: Some(owner) })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.core.name
    }

    /// Its configuration.
    pub fn config(&self) -> Config {
        self.core.config.lock().clone()
    }

    /// Replaces its configuration, before it starts or while it runs.
    ///
    /// More places are used at once. Fewer revoke nothing: until `active` is below the new ceiling, nothing more starts.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) names the field and its value; the old configuration then stays.
    pub fn set_config(&self, config: Config) -> Result<()> {
        self.core.set_config(config)
    }

    /// Starts it, or starts it anew after a stop. Does nothing where it runs.
    ///
    /// Workers declared with `autostart` are started with it.
    ///
    /// # Errors
    ///
    /// [`Error::Thread`](crate::Error::Thread) if the system gives no thread for `min_threads`;
    /// [`Error::Stopped`](crate::Error::Stopped) while it is stopping;
    /// [`Error::Forked`](crate::Error::Forked) in a fork of the process it was made in.
    pub fn start(&self) -> Result<()> {
        self.core.start()
    }

    /// Waits until the run that this call sees ends. Starts it, if it was never started; returns at once, if it is
    /// stopped. Inside a body it returns when a stop is announced or asked for; called by the `main` of
    /// [`#[atasker::main]`](crate::main), when it is announced, as it is at a signal.
    pub fn block(&self) {
        self.core.block();
    }

    /// Stops it: what was accepted runs to its end, and so does what that starts.
    ///
    /// From the ask on, callers from outside are refused, delayed tasks are cancelled, and workers that run by themselves end
    /// after the run under way. Queued tasks, async bodies, queue and event workers drain; meanwhile their bodies and hooks may
    /// start tasks and futures, `put`, `trigger` and wait for what they have started. When nothing is queued or running any
    /// more, queue and event workers close, `on_stop` hooks run, and all threads are joined.
    ///
    /// | while it stops | from outside | in a body | in `on_stop` |
    /// |---|---|---|---|
    /// | a task or a future | `Rejected` | runs | runs |
    /// | a delayed one, a worker, a light job | refused | refused | refused |
    /// | `put`, `trigger` | the item comes back, `false` | taken | the item comes back, `false` |
    ///
    /// Work that keeps starting work keeps this waiting; a warning names it every 10 s, and a body sees by
    /// [`is_stopping`](Supervisor::is_stopping) that it is to end. Who asks a second time joins the first stop. Inside a body
    /// or hook of the same supervisor it requests the stop and returns immediately with `complete: false`.
    pub fn stop(&self) -> StopReport {
        self.core.stop(Urgency::default())
    }

    /// [`stop`](Supervisor::stop) that takes at most `timeout`, whatever bodies, hooks and drops do. What is queued then is
    /// cancelled, what still runs is asked to end (it sees [`is_cancelled`](crate::is_cancelled)) and left alone, and hooks that
    /// have not begun run on a thread that nobody waits for. The report names all of them.
    pub fn stop_timeout(&self, timeout: Duration) -> StopReport {
        self.core.stop(Urgency { discard: false, deadline: Deadline::within(timeout) })
    }

    /// Stops without draining: refuses bodies too, cancels what is queued, discards the items of queue workers, asks what runs
    /// to end (it sees [`is_cancelled`](crate::is_cancelled)), and waits for that.
    ///
    /// To cancel tasks but let queue workers drain, [`cancel`](crate::Task::cancel) the tasks' handles and then
    /// [`stop`](Supervisor::stop).
    pub fn stop_now(&self) -> StopReport {
        self.core.stop(Urgency { discard: true, deadline: Deadline::Never })
    }

    /// [`stop`](Supervisor::stop) for async code: asks at the first poll, and ends when the stop does.
    ///
    /// Dropping the future does not call the stop off. Inside a body it only asks, and ends at once with
    /// `complete: false`.
    pub async fn stop_async(&self) -> StopReport {
        self.core.stop_async().await
    }

    /// Ends when a stop is [announced](Supervisor::request_stop) or asked for, by anyone, of the run that the first poll
    /// sees: what an endless future of yours ends by, such as a server's graceful shutdown. Asks for nothing itself. On a
    /// stopped supervisor it ends at once, on one that was never started with its first run.
    ///
    /// # Examples
    ///
    /// ```
    /// use atasker::{background_future, Config, Supervisor};
    ///
    /// let s = Supervisor::new("server", Config::new())?;
    /// let inside = s.clone();
    /// let server = background_future(async move {
    ///     inside.stop_requested().await;
    ///     "no more requests"
    /// });
    /// let server = server.supervisor(&s).start();
    /// assert!(s.stop().complete);
    /// assert_eq!(server.wait()?, "no more requests");
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub async fn stop_requested(&self) {
        StopRequested::new(&self.core).await;
    }

    /// Has its async bodies run on a runtime of yours, instead of one that it makes. It is never shut down by the supervisor;
    /// if it goes down before, the tasks on it end as `Cancelled`, and workers on it stop.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) once async bodies have run: the runtime stays until the supervisor stops.
    pub fn set_runtime(&self, runtime: tokio::runtime::Handle) -> Result<()> {
        if self.core.lanes.main().lend(runtime) {
            return Ok(());
        }
        let cure = "must be set before the first async body starts, or after a stop";
        Err(ConfigError::new("runtime", "a handle".into(), cure).into())
    }

    /// What it is doing.
    ///
    /// In a fork of the process it was made in: `Stopped`, and zero of everything.
    pub fn info(&self) -> SupervisorInfo {
        let forked = self.core.pool.is_forked();
        let mut sample = self.core.pool.sample();
        let lanes = if forked { Vec::new() } else { self.core.lanes.infos() };
        for lane in &lanes {
            sample.active += lane.active;
            sample.queued += lane.queued;
            sample.delayed += lane.delayed;
        }
        if !forked {
            info::add_counts(&mut sample.totals, self.core.lanes.counts());
        }
        SupervisorInfo {
            name: self.core.name.clone(),
            state: if forked { SupervisorState::Stopped } else { self.core.state() },
            config: self.config(),
            active: sample.active,
            queued: sample.queued,
            delayed: sample.delayed,
            threads: sample.threads,
            totals: sample.totals,
            lanes,
            jobs: if forked { JobTotals::default() } else { self.core.jobs.totals() },
            workers: if forked { Vec::new() } else { self.core.registry.infos() },
        }
    }

    /// Calls `hook` for everything that waits longer for a place than [`Config::warn_after`] or
    /// [`Config::error_after`], while it still waits. Replaces an earlier hook. It runs on a pool thread, beside all places.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    /// use atasker::{background_task, Config, Supervisor};
    ///
    /// let config = Config::new().pool_size(1).reserve_normal(0).reserve_high(0).warn_after(Duration::from_millis(5));
    /// let s = Supervisor::new("busy", config)?;
    /// let (slow, seen) = mpsc::channel();
    /// s.on_slow_start(move |start| slow.send(start.name.clone()).unwrap());
    ///
    /// let (go, gone) = mpsc::channel::<()>();
    /// let blocker = background_task(move || drop(gone.recv())).supervisor(&s).start();
    /// let waiting = background_task(|| ()).name("report").supervisor(&s).start();
    /// assert!(seen.iter().any(|name| name == "report"));
    /// drop(go);
    /// blocker.wait()?;
    /// waiting.wait()?;
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub fn on_slow_start(&self, hook: impl Fn(&SlowStart) + Send + Sync + 'static) {
        let replaced = self.core.slow_start_hook.lock().replace(Arc::new(hook));
        crate::panics::drop_contained(replaced);
    }
}

impl Clone for Supervisor {
    /// Another handle of the same supervisor, which owns it together with the others.
    fn clone(&self) -> Self {
        match &self.owner {
            Some(owner) => Self { core: Arc::clone(&self.core), owner: Some(Arc::clone(owner)) },
            None => self.core.handle(),
        }
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor").field("name", &self.core.name).field("state", &self.core.state()).finish()
    }
}
