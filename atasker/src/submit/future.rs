//! Tasks whose bodies are futures: the builder, and the way to their lane.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::Plan;
use crate::error::{Error, Rejected};
use crate::lane::{Lane, Refused};
use crate::log;
use crate::panics::drop_contained;
use crate::pool::{Named, OwnName};
use crate::priority::Priority;
use crate::supervisor::{Core, Supervisor, meant};
use crate::task::{Detail, FutureCell, Task};
use crate::time::Deadline;

/// Makes a task of any future: what `#[background_task] async fn` does, by hand.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use atasker::{background_future, Priority};
///
/// let task = background_future(async {
///     tokio::time::sleep(Duration::from_millis(1)).await;
///     "all quiet"
/// })
/// .priority(Priority::High)
/// .name("report")
/// .start();
/// assert_eq!(task.wait()?, "all quiet");
/// # Ok::<(), atasker::Error>(())
/// ```
pub fn background_future<F>(body: F) -> FutureBuilder<'static, F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    FutureBuilder { body, priority: Priority::default(), name: None, delay: None, supervisor: None, lane: None }
}

/// An async task about to be started; made by [`background_future`].
#[must_use = "a task does nothing until it is started: call start() or detach()"]
pub struct FutureBuilder<'s, F> {
    body: F,
    priority: Priority,
    name: Option<Cow<'static, str>>,
    delay: Option<Duration>,
    supervisor: Option<&'s Supervisor>,
    lane: Option<Cow<'static, str>>,
}

impl<'s, F> FutureBuilder<'s, F> {
    /// How urgent it is. Default: [`Priority::Normal`].
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// What it is called in reports. Default: the future's type name.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How long it waits before it is queued; it holds no place meanwhile. Default: not at all.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    /// Whose runtime it runs on. Default: the global supervisor's.
    pub fn supervisor<'t>(self, supervisor: &'t Supervisor) -> FutureBuilder<'t, F>
    where
        's: 't,
    {
        FutureBuilder { supervisor: Some(supervisor), ..self }
    }

    /// Which lane of its supervisor it runs on. Default: the main one.
    pub fn lane(mut self, lane: impl Into<Cow<'static, str>>) -> Self {
        self.lane = Some(lane.into());
        self
    }
}

impl<F> FutureBuilder<'_, F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    /// Starts it. Never fails and never loses: refused, the handle says `Rejected`, and a warning is logged that tells why: a
    /// `tracing` event, or for a lane that there is not also a line on stderr, if no subscriber was ever set.
    pub fn start(self) -> Task<F::Output> {
        let Self { body, priority, name, delay, supervisor, lane } = self;
        let mut entered = None;
        let supervisor = meant(supervisor, &mut entered);
        fly_or_drop::<OwnName<F>, _, _>(&supervisor.core, Plan { name, priority, delay }, lane.as_deref(), body)
    }

    /// Starts it, or gives the future back.
    ///
    /// # Errors
    ///
    /// [`Rejected`] when the supervisor or the lane is stopping or stopped, when there is no lane of that name, or the system
    /// gives no thread.
    ///
    /// # Examples
    ///
    /// ```
    /// use atasker::{background_future, Config, Supervisor};
    ///
    /// let s = Supervisor::new("laneless", Config::new())?;
    /// let rejected = background_future(async { 4 }).supervisor(&s).lane("io").try_start().unwrap_err();
    /// assert_eq!(background_future(rejected.into_inner()).supervisor(&s).start().wait()?, 4);
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub fn try_start(self) -> Result<Task<F::Output>, Rejected<F>> {
        let Self { body, priority, name, delay, supervisor, lane } = self;
        let mut entered = None;
        let supervisor = meant(supervisor, &mut entered);
        let plan = Plan { name, priority, delay };
        let (task, taken) = fly::<OwnName<F>, _, _>(&supervisor.core, plan, lane.as_deref(), body);
        match taken {
            Ok(()) => Ok(task),
            Err((body, why)) => {
                supervisor.core.tell_refused(task.name(), &why);
                Err(Rejected::new(body, why))
            }
        }
    }

    /// Starts it without a handle. A refusal is logged and counted.
    pub fn detach(self) {
        self.start().detach();
    }
}

impl<F> fmt::Debug for FutureBuilder<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FutureBuilder")
            .field("priority", &self.priority)
            .field("name", &self.name)
            .field("delay", &self.delay)
            .field("lane", &self.lane)
            .finish_non_exhaustive()
    }
}

/// [`fly`] for those who don't want a refused body back.
pub(super) fn fly_or_drop<N, F, T>(core: &Arc<Core>, plan: Plan, lane: Option<&str>, body: F) -> Task<T>
where
    N: Named,
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let (task, taken) = fly::<N, _, _>(core, plan, lane, body);
    if let Err((body, why)) = taken {
        match why {
            // A mistake of the program's, which nobody may see in a log.
            Error::UnknownLane { .. } => log::no_such_lane(task.name(), &why),
            _ => log::rejected(task.name(), &why.to_string()),
        }
        drop_contained(body);
    }
    task
}

/// Makes an async task and hands it to its lane, or to the clock; starts the supervisor where it was never started.
///
/// Refused, its handle says `Rejected`, and the body comes back beside it.
fn fly<N, F, T>(core: &Arc<Core>, plan: Plan, lane: Option<&str>, body: F) -> (Task<T>, Result<(), (F, Error)>)
where
    N: Named,
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let Some(lane) = lane else { return fly_on::<N, _, _>(core, plan, core.lanes.main(), body) };
    match core.lanes.find(Some(lane)) {
        Ok(lane) => fly_on::<N, _, _>(core, plan, &lane, body),
        Err(unknown) => {
            let cell = cell::<N, _, _>(core, plan, core.lanes.main(), body);
            let taken = reject(&cell.1, unknown);
            (Task::new(cell.1, &core.pool, cell.0), taken)
        }
    }
}

/// The same for a lane that is at hand.
#[inline(always)]
pub(super) fn fly_on<N, F, T>(
    core: &Arc<Core>,
    plan: Plan,
    lane: &Arc<Lane>,
    body: F,
) -> (Task<T>, Result<(), (F, Error)>)
where
    N: Named,
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let delay = plan.delay.filter(|delay| !delay.is_zero());
    let (priority, cell) = cell::<N, _, _>(core, plan, lane, body);
    let why = loop {
        let taken = match delay {
            None => cell.queue(),
            Some(delay) => cell.delay(&core.clock, Deadline::after(core.clock.now(), delay)),
        };
        match taken {
            Ok(()) => break None,
            Err(Refused::NotStarted) => match core.ensure_running() {
                Ok(()) => {}
                Err(why) => break Some(why),
            },
            Err(why) => break Some(why.into()),
        }
    };
    let taken = why.map_or(Ok(()), |why| reject(&cell, why));
    (Task::new(cell, &core.pool, priority), taken)
}

#[inline(always)]
fn cell<N, F, T>(core: &Arc<Core>, plan: Plan, lane: &Arc<Lane>, body: F) -> (Priority, Arc<FutureCell<N, F, T>>)
where
    N: Named,
{
    let Plan { name, priority, delay } = plan;
    let delayed = delay.is_some_and(|delay| !delay.is_zero());
    let detail = Detail::of(name, core.task_times(), None);
    (priority, FutureCell::new(lane, priority, detail, delayed, body))
}

/// The body of a task that is not taken comes back.
fn reject<N, F, T>(cell: &FutureCell<N, F, T>, why: Error) -> Result<(), (F, Error)>
where
    N: Named,
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    // Not there: a stop was faster and has cancelled it, which its handle says.
    let body = if cell.reject() { cell.take_body() } else { None };
    body.map_or(Ok(()), |body| Err((body, why)))
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotStarted | Refused::Draining(_) | Refused::Stopped => Error::Stopped,
            Refused::NoThread(error) => Error::Thread(Arc::new(error)),
            Refused::Forked => Error::Forked,
        }
    }
}
