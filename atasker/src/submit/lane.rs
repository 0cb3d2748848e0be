//! The handle of a lane: starts futures on it, runs one from plain code, stops it alone.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::Plan;
use super::future::fly_on;
use crate::config::LaneConfig;
use crate::error::{Error, Result, TaskError};
use crate::lane::{self, Guest, Refused, Source};
use crate::owner::Owner;
use crate::panics::{contain, drop_contained};
use crate::pool::{self, OwnName};
use crate::priority::Priority;
use crate::report::StopReport;
use crate::stops::Urgency;
use crate::supervisor::{Core, LaneInfo, Supervisor, lane_info};
use crate::task::Task;
use crate::time::Deadline;

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
        if !self.lane.is_open() {
            self.core.await_askers(&self.lane);
        }
        self.core.lanes.reopen(&self.lane)?;
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
        let mut source = Source::Caller;
        let guest = loop {
            match Guest::enter(&self.lane, name, source) {
                Ok(guest) => break guest,
                Err(Refused::NotStarted) => self.core.ensure_running()?,
                // What accepted work starts is accepted.
                Err(Refused::Draining(scope)) if pool::is_within(self.lane.owner(), scope) => source = Source::Body,
                Err(why) => return Err(why.into()),
            }
        };
        let _inside = guest.handle().enter();
        let owner = self.lane.owner();
        let mut visitor = Visitor { owner, key: guest.key(), body: pin!(Some(body)) };
        let ended = pool::wait_polling(
            || guest.awaited(),
            |waker| {
                let mut cx = Context::from_waker(waker);
                loop {
                    if guest.leash().is_pulled() {
                        return Some(Err(TaskError::Cancelled));
                    }
                    if let Poll::Ready(output) = visitor.poll(&mut cx) {
                        return Some(Ok(output));
                    }
                    if guest.leash().stay(waker) {
                        return None;
                    }
                }
            },
        );
        // What it has left is gone before the guest leaves: a stop waits for that.
        drop(visitor);
        Ok(ended?)
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
        self.core.stop_lane_async(&self.lane).await
    }

    fn stop_by(&self, discard: bool, deadline: Deadline) -> StopReport {
        self.core.stop_lane(&self.lane, Urgency { discard, deadline })
    }
}

/// What [`Lane::block_on`] was given. It is polled and dropped as a body: a stop in it would else wait for this very thread,
/// which the lane counts with.
struct Visitor<'a, F> {
    owner: Owner,
    /// What it waits under.
    key: usize,
    /// `None` once it is gone.
    body: Pin<&'a mut Option<F>>,
}

impl<F: Future> Visitor<'_, F> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<F::Output> {
        let body = self.body.as_mut().as_pin_mut().expect("it is polled until it has ended");
        pool::enter_guest(self.owner, self.key, || body.poll(cx))
    }
}

impl<F> Drop for Visitor<'_, F> {
    fn drop(&mut self) {
        let body = &mut self.body;
        pool::enter_guest(self.owner, self.key, || {
            if std::thread::panicking() {
                // A second panic would end the process.
                if let Err(panic) = contain(|| body.set(None)) {
                    panic.leak();
                }
            } else {
                body.set(None);
            }
        });
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("lane", &self.info()).finish()
    }
}
