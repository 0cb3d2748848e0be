//! What `#[background_task]` emits: the declaration at its place in the code, and one call.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::options::TaskOptions;
use super::{Plan, detach, submit_or_drop};
use crate::pool::{Named, StaticName};
use crate::priority::Priority;
use crate::supervisor::{Supervisor, task_supervisor};
use crate::task::{Name, Task};

/// A declared task, about to be started.
#[derive(Clone)]
pub struct Site<'a> {
    name: Name,
    priority: Priority,
    delay: Option<Duration>,
    supervisor: Option<&'a Supervisor>,
}

impl<'a> Site<'a> {
    /// A task of that name, with the defaults.
    pub fn new(name: &'static str) -> Self {
        Self::with_name(Name::Given(Cow::Borrowed(name)))
    }

    /// A task whose companion stands for its name, with the defaults.
    #[inline]
    pub fn of<N: Named>() -> Self {
        Self::with_name(Name::Static(StaticName::of::<N>()))
    }

    #[inline]
    fn with_name(name: Name) -> Self {
        Self { name, priority: Priority::Normal, delay: None, supervisor: None }
    }

    /// The key `priority`.
    #[inline]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// The key `delay`.
    #[inline]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    /// The key `supervisor`.
    #[inline]
    pub fn supervisor(mut self, supervisor: &'a Supervisor) -> Self {
        self.supervisor = Some(supervisor);
        self
    }

    /// Starts it as declared.
    pub fn start<F, T>(self, body: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let supervisor = self.supervisor.unwrap_or_else(|| task_supervisor());
        let Self { name, priority, delay, .. } = self;
        Task::new(submit_or_drop(&supervisor.core, Plan { name, priority, delay }, body))
    }

    /// Starts it with options that go before the declaration.
    pub fn start_with<F, T>(self, options: TaskOptions, body: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let declared = || self.supervisor.unwrap_or_else(|| task_supervisor());
        let supervisor = options.supervisor.as_ref().unwrap_or_else(declared);
        let plan = Plan {
            name: options.name.map_or(self.name, Name::Given),
            priority: options.priority.unwrap_or(self.priority),
            delay: options.delay.or(self.delay),
        };
        Task::new(submit_or_drop(&supervisor.core, plan, body))
    }

    /// Starts the task of that companion without a handle. A refusal is logged and counted.
    #[inline]
    pub fn detach<N, F, T>(self, body: F)
    where
        N: Named,
        F: FnOnce() -> T + Send + 'static,
        T: 'static,
    {
        let supervisor = self.supervisor.unwrap_or_else(|| task_supervisor());
        let Self { name, priority, delay, .. } = self;
        detach::<N, _, _>(&supervisor.core, Plan { name, priority, delay }, body);
    }
}

impl fmt::Debug for Site<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").field("name", &self.name.get()).finish_non_exhaustive()
    }
}
