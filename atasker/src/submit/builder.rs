//! Tasks without an attribute: closures and fns of others.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{NotTaken, Plan, detach, submit, submit_or_drop};
use crate::error::Rejected;
use crate::pool::{Job, OwnName};
use crate::priority::Priority;
use crate::supervisor::{Core, Supervisor, meant};
use crate::task::Task;

/// Makes a task of any closure or fn without arguments: what `#[background_task]` does, by hand.
///
/// # Examples
///
/// ```
/// use atasker::{background_task, Priority};
///
/// fn report() -> String {
///     "all quiet".to_owned()
/// }
///
/// let task = background_task(report).priority(Priority::Low).start();
/// assert_eq!(task.wait()?, "all quiet");
/// # Ok::<(), atasker::Error>(())
/// ```
#[inline]
pub fn background_task<F, T>(body: F) -> TaskBuilder<'static, F>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    TaskBuilder { body, priority: Priority::default(), name: None, delay: None, supervisor: None }
}

/// A task about to be started; made by [`background_task`].
#[must_use = "a task does nothing until it is started: call start() or detach()"]
pub struct TaskBuilder<'s, F> {
    body: F,
    priority: Priority,
    name: Option<Cow<'static, str>>,
    delay: Option<Duration>,
    /// Borrowed: a clone for each task would be a count that all who spawn write to.
    supervisor: Option<&'s Supervisor>,
}

impl<'s, F> TaskBuilder<'s, F> {
    /// How urgent it is. Default: [`Priority::Normal`].
    #[inline]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// What it is called in reports. Default: the fn's path, a closure's type name.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How long it waits before it is queued; it holds no place meanwhile. Default: not at all.
    #[inline]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    /// Whose pool it runs on. Default: the global supervisor's.
    #[inline]
    pub fn supervisor<'t>(self, supervisor: &'t Supervisor) -> TaskBuilder<'t, F>
    where
        's: 't,
    {
        TaskBuilder { supervisor: Some(supervisor), ..self }
    }

    /// Starts it. Never fails and never loses: refused, the handle says `Rejected`, and a warning is logged.
    #[inline]
    pub fn start<T>(self) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let mut entered = None;
        let (core, plan, body) = self.plan(&mut entered);
        submit_or_drop::<OwnName<F>, _, _>(core, plan, body)
    }

    /// Starts it, or gives the body back.
    ///
    /// # Errors
    ///
    /// [`Rejected`] when the supervisor is stopping or stopped, or there is no thread and the system gives none.
    ///
    /// # Examples
    ///
    /// ```
    /// use atasker::{background_task, Config, Supervisor};
    ///
    /// let s = Supervisor::new("closed", Config::new())?;
    /// s.stop();
    /// let rejected = background_task(|| 2 + 2).supervisor(&s).try_start().unwrap_err();
    /// let body = rejected.into_inner();
    /// assert_eq!(body(), 4);
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub fn try_start<T>(self) -> Result<Task<T>, Rejected<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let mut entered = None;
        let (core, plan, body) = self.plan(&mut entered);
        let (priority, (cell, taken)) = (plan.priority, submit::<OwnName<F>, _, _>(core, plan, body));
        if let Err(NotTaken(why)) = taken
            && let Some(body) = cell.take_body()
        {
            core.tell_refused(Job::name(&*cell), &why);
            return Err(Rejected::new(body, *why));
        }
        // Also where a stop was faster than the refusal and has cancelled it, which its handle says.
        Ok(Task::new(cell, &core.pool, priority))
    }

    /// Starts it without a handle: the cheapest way in. A refusal is logged and counted.
    #[inline]
    pub fn detach<T>(self)
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let mut entered = None;
        let (core, plan, body) = self.plan(&mut entered);
        detach::<OwnName<F>, _, _>(core, plan, body);
    }

    #[inline]
    fn plan<'e>(self, entered: &'e mut Option<Supervisor>) -> (&'e Arc<Core>, Plan, F)
    where
        's: 'e,
        F: 'static,
    {
        let Self { body, priority, name, delay, supervisor } = self;
        let supervisor = meant(supervisor, entered);
        (&supervisor.core, Plan { name, priority, delay }, body)
    }
}

impl<F> fmt::Debug for TaskBuilder<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskBuilder")
            .field("priority", &self.priority)
            .field("name", &self.name)
            .field("delay", &self.delay)
            .finish_non_exhaustive()
    }
}
