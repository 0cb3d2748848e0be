//! What `#[background_task]` emits: the declaration at its place in the code, and one call.

use std::borrow::Cow;
use std::time::Duration;

use super::options::TaskOptions;
use super::{Plan, submit_or_drop};
use crate::priority::Priority;
use crate::supervisor::{Supervisor, task_supervisor};
use crate::task::Task;

/// A declared task, about to be started.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    name: &'static str,
    priority: Priority,
    delay: Option<Duration>,
    supervisor: Option<&'a Supervisor>,
}

impl<'a> Site<'a> {
    /// A task of that name, with the defaults.
    pub const fn new(name: &'static str) -> Self {
        Self { name, priority: Priority::Normal, delay: None, supervisor: None }
    }

    /// The key `priority`.
    pub const fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// The key `delay`.
    pub const fn delay(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    /// The key `supervisor`.
    pub const fn supervisor(mut self, supervisor: &'a Supervisor) -> Self {
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
        Task::new(submit_or_drop(&supervisor.core, self.plan(false), body))
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
            name: options.name.unwrap_or(Cow::Borrowed(self.name)),
            priority: options.priority.unwrap_or(self.priority),
            delay: options.delay.or(self.delay),
            detached: false,
        };
        Task::new(submit_or_drop(&supervisor.core, plan, body))
    }

    /// Starts it without a handle. A refusal is logged and counted.
    pub fn detach<F, T>(self, body: F)
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let supervisor = self.supervisor.unwrap_or_else(|| task_supervisor());
        drop(submit_or_drop(&supervisor.core, self.plan(true), body));
    }

    fn plan(self, detached: bool) -> Plan {
        Plan { name: Cow::Borrowed(self.name), priority: self.priority, delay: self.delay, detached }
    }
}
