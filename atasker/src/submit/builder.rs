//! Tasks without an attribute: closures and fns of others.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::options::TaskOptions;
use super::{Plan, submit, submit_or_drop};
use crate::error::Rejected;
use crate::priority::Priority;
use crate::supervisor::{Core, Supervisor, task_supervisor};
use crate::task::{Task, name_of};

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
pub fn background_task<F, T>(body: F) -> TaskBuilder<F>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    TaskBuilder { body, options: TaskOptions::new() }
}

/// A task about to be started; made by [`background_task`].
#[must_use = "a task does nothing until it is started: call start() or detach()"]
pub struct TaskBuilder<F> {
    body: F,
    options: TaskOptions,
}

impl<F> TaskBuilder<F> {
    /// How urgent it is. Default: [`Priority::Normal`].
    pub fn priority(mut self, priority: Priority) -> Self {
        self.options = self.options.priority(priority);
        self
    }

    /// What it is called in reports. Default: the fn's path, a closure's type name.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.options = self.options.name(name);
        self
    }

    /// How long it waits before it is queued; it holds no place meanwhile. Default: not at all.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.options = self.options.delay(delay);
        self
    }

    /// Whose pool it runs on. Default: the global supervisor's.
    pub fn supervisor(mut self, supervisor: &Supervisor) -> Self {
        self.options = self.options.supervisor(supervisor);
        self
    }

    /// Starts it. Never fails and never loses: refused, the handle says `Rejected`, and a warning is logged.
    pub fn start<T>(self) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (supervisor, plan, body) = self.plan(false);
        Task::new(submit_or_drop(&supervisor, plan, body))
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
        let (supervisor, plan, body) = self.plan(false);
        let (cell, taken) = submit(&supervisor, plan, body);
        taken.map(|()| Task::new(cell)).map_err(Rejected::new)
    }

    /// Starts it without a handle: the cheapest way in. A refusal is logged and counted.
    pub fn detach<T>(self)
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (supervisor, plan, body) = self.plan(true);
        drop(submit_or_drop(&supervisor, plan, body));
    }

    fn plan(self, detached: bool) -> (Arc<Core>, Plan, F) {
        let TaskOptions { priority, name, delay, supervisor } = self.options;
        let plan = Plan { name: name_of::<F>(name), priority: priority.unwrap_or_default(), delay, detached };
        let supervisor = supervisor.as_ref().unwrap_or_else(|| task_supervisor());
        (Arc::clone(&supervisor.core), plan, self.body)
    }
}

impl<F> fmt::Debug for TaskBuilder<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskBuilder").field("options", &self.options).finish_non_exhaustive()
    }
}
