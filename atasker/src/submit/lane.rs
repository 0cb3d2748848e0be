//! The handle of a lane: starts futures on it, runs one from plain code, stops it alone.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::Plan;
use super::future::fly_on;
use crate::config::LaneConfig;
use crate::error::{Error, Result, TaskError};
use crate::lane::{self, Guest, Refused};
use crate::log;
use crate::panics::drop_contained;
use crate::pool::{self, OwnName};
use crate::priority::Priority;
use crate::report::StopReport;
use crate::supervisor::{Core, LaneInfo, Supervisor, lane_info, lane_report};
use crate::task::Task;
use crate::time::Deadline;
use crate::wait;

/// A lane of async bodies: a runtime with threads of its own and, where it was given any, limits of its own.
///
/// Made by [`Supervisor::lane`]; named by the key or method `lane`. Its threads are made when it is first used. Dropping the
/// handle does nothing: the supervisor has the lane.
///
/// # Examples
///
/// ```
/// use atasker::{background_future, Config, LaneConfig, Supervisor};
///
/// let s = Supervisor::new("gateway", Config::new())?;
/// let io = s.lane("io", LaneConfig::new().threads(1))?;
///
/// let task = io.start(async { 1 });                                        // as any task
/// let named = background_future(async { 2 }).supervisor(&s).lane("io").start();
/// let here = io.block_on(async { task.await.unwrap() + named.await.unwrap() })?;
/// assert_eq!(here, 3);
///
/// assert!(io.stop().complete);                                             // the others go on
/// assert!(io.block_on(async {}).is_err());
/// io.open()?;                                                              // and it may begin anew
/// assert_eq!(io.start(async { 4 }).wait()?, 4);
/// # Ok::<(), atasker::Error>(())
/// ```
#[derive(Clone)]
pub struct Lane {
    core: Arc<Core>,
    lane: Arc<lane::Lane>,
}

impl Supervisor {
    /// Makes a lane of that name; gives the one that is there, if it has the same configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for a configuration that makes no sense, for a name that is empty, has a NUL byte or is `async` (the
    /// main lane), and for the name of a lane that has another configuration.
    pub fn lane(&self, name: impl AsRef<str>, config: LaneConfig) -> Result<Lane> {
        let lane = self.core.lanes.make(name.as_ref(), config)?;
        Ok(Lane { core: Arc::clone(&self.core), lane })
    }

    /// The lane of that name.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownLane`] names those that there are.
    pub fn find_lane(&self, name: impl AsRef<str>) -> Result<Lane> {
        let lane = self.core.lanes.find(Some(name.as_ref()))?;
        Ok(Lane { core: Arc::clone(&self.core), lane })
    }
}

impl Lane {
    /// Its name.
    pub fn name(&self) -> &str {
        self.lane.name()
    }

    /// Its configuration.
    pub fn config(&self) -> LaneConfig {
        self.lane.config()
    }

    /// Replaces its configuration. Limits hold at once, and revoke nothing; threads from its next start on.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] names the field and its value; the old configuration then stays.
    pub fn set_config(&self, config: LaneConfig) -> Result<()> {
        config.check()?;
        self.lane.configure(config);
        Ok(())
    }

    /// What it is doing.
    pub fn info(&self) -> LaneInfo {
        lane_info(&self.lane)
    }

    /// Makes its threads now, and starts it anew after a stop of it alone. Does nothing where it runs.
    ///
    /// # Errors
    ///
    /// [`Error::Stopped`] while it is stopping, and when its supervisor is stopping or stopped; [`Error::Thread`] when the
    /// system gives no thread.
    pub fn open(&self) -> Result<()> {
        self.core.ensure_running()?;
        self.lane.reopen()?;
        self.lane.handle()?;
        Ok(())
    }

    /// Starts a future on it, as a task of priority `Normal`.
    pub fn start<F>(&self, body: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let plan = Plan { name: None, priority: Priority::Normal, delay: None };
        let (task, taken) = fly_on::<OwnName<F>, _, _>(&self.core, plan, &self.lane, body);
        if let Err(body) = taken {
            drop_contained(body);
        }
        task
    }

    /// Runs a future on this thread, with the lane's timers and sockets, and waits for it. It takes no place, and need be
    /// neither `Send` nor `'static`. A panic of it unwinds here.
    ///
    /// # Errors
    ///
    /// [`Error::WouldBlock`] inside an async body; [`Error::Stopped`] where the lane is stopping or stopped;
    /// [`TaskError::Cancelled`] when a stop has asked what runs to end; [`Error::Thread`] when the system gives no thread.
    pub fn block_on<F: Future>(&self, body: F) -> Result<F::Output> {
        self.run_here("block_on", body)
    }

    /// [`block_on`](Self::block_on) by another name.
    pub(crate) fn run_here<F: Future>(&self, name: &'static str, body: F) -> Result<F::Output> {
        if pool::is_async() {
            return Err(Error::WouldBlock);
        }
        let guest = loop {
            match Guest::enter(&self.lane, name) {
                Ok(guest) => break guest,
                Err(Refused::NotStarted) => self.core.ensure_running()?,
                Err(why) => return Err(why.into()),
            }
        };
        let _inside = guest.handle().enter();
        let mut body = pin!(body);
        let ended = wait::block_until(Deadline::Never, |waker| {
            let mut cx = std::task::Context::from_waker(waker);
            loop {
                if guest.leash().is_pulled() {
                    return Some(Err(TaskError::Cancelled));
                }
                let polled = pool::enter_async(self.lane.owner(), None, || body.as_mut().poll(&mut cx));
                if let Poll::Ready(output) = polled {
                    return Some(Ok(output));
                }
                if guest.leash().stay(waker) {
                    return None;
                }
            }
        });
        Ok(ended.expect("a wait without a deadline ends with a result")?)
    }

    /// Stops it alone: takes nothing more in, cancels its delayed tasks, runs what waits, lets its workers end, and shuts its
    /// threads down. Inside a body of the same supervisor it only asks, and returns at once with `complete: false`.
    pub fn stop(&self) -> StopReport {
        self.stop_by(false, Deadline::Never)
    }

    /// The same, at most for `timeout`. What waits then is cancelled; what runs is named, and asked to end at its next await.
    pub fn stop_timeout(&self, timeout: Duration) -> StopReport {
        self.stop_by(false, Deadline::within(timeout))
    }

    /// Stops it without working off: cancels what waits, asks what runs to end at its next await, and waits for that.
    pub fn stop_now(&self) -> StopReport {
        self.stop_by(true, Deadline::Never)
    }

    /// [`stop`](Self::stop) for async code: asks at the first poll. Dropping the future does not call the stop off.
    pub async fn stop_async(&self) -> StopReport {
        if self.lane.is_forked() || pool::is_inside(&self.core.pool) {
            return self.stop();
        }
        self.core.ask_lane_to_stop(&self.lane, false);
        self.lead_elsewhere(Deadline::Never);
        let mut ticket = None;
        std::future::poll_fn(|cx| {
            self.core.changed().register(&mut ticket, cx.waker());
            if self.lane.is_closed() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        StopReport { complete: true, ..lane_report(&self.lane) }
    }

    fn stop_by(&self, discard: bool, deadline: Deadline) -> StopReport {
        if self.lane.is_forked() {
            return StopReport::default();
        }
        self.core.ask_lane_to_stop(&self.lane, discard);
        if pool::is_inside(&self.core.pool) {
            // It would wait for itself.
            self.lead_elsewhere(deadline);
            return lane_report(&self.lane);
        }
        self.core.end_lane(&self.lane, deadline)
    }

    /// Leaves the steps that wait to a thread made for them.
    fn lead_elsewhere(&self, deadline: Deadline) {
        let (core, lane) = (Arc::clone(&self.core), Arc::clone(&self.lane));
        let name = format!("{}-stop", core.name);
        let made = std::thread::Builder::new().name(name).spawn(move || {
            core.end_lane(&lane, deadline);
            core.changed().wake_all();
        });
        if let Err(error) = made {
            // The stop of the supervisor shuts it down.
            log::no_thread(&self.core.name, &error);
        }
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("lane", &self.info()).finish()
    }
}
