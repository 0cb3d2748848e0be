//! What `#[background_task]` emits: the declaration at its place in the code, and one call.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::time::Duration;

use super::options::TaskOptions;
use super::{Plan, detach, fly_or_drop, submit_or_drop};
use crate::pool::Named;
use crate::priority::Priority;
use crate::supervisor::{Supervisor, meant};
use crate::task::Task;

/// A declared task, about to be started. `N` stands for its name.
pub struct Site<'a, N> {
    priority: Priority,
    delay: Option<Duration>,
    supervisor: Option<&'a Supervisor>,
    lane: Option<&'static str>,
    named: PhantomData<N>,
}

impl Site<'_, ()> {
    /// A task with that name, and the defaults.
    #[inline]
    pub fn of<'a, N: Named>() -> Site<'a, N> {
        Site { priority: Priority::Normal, delay: None, supervisor: None, lane: None, named: PhantomData }
    }
}

impl<'a, N: Named> Site<'a, N> {
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

    /// The key `lane`.
    #[inline]
    pub fn lane(mut self, lane: &'static str) -> Self {
        self.lane = Some(lane);
        self
    }

    /// Starts an async body as declared.
    pub fn start_future<F, T>(self, body: F) -> Task<T>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let mut entered = None;
        let supervisor = meant(self.supervisor, &mut entered);
        let Self { priority, delay, lane, .. } = self;
        fly_or_drop::<N, _, _>(&supervisor.core, Plan { name: None, priority, delay }, lane, body)
    }

    /// Starts an async body with options that go before the declaration.
    pub fn start_future_with<F, T>(self, options: TaskOptions, body: F) -> Task<T>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let mut entered = None;
        let supervisor = meant(options.supervisor.as_ref().or(self.supervisor), &mut entered);
        let plan = Plan {
            name: options.name,
            priority: options.priority.unwrap_or(self.priority),
            delay: options.delay.or(self.delay),
        };
        fly_or_drop::<N, _, _>(&supervisor.core, plan, options.lane.as_deref().or(self.lane), body)
    }

    /// Starts an async body without a handle. A refusal is logged and counted.
    pub fn detach_future<F, T>(self, body: F)
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        self.start_future(body).detach();
    }

    /// Starts it as declared.
    #[inline]
    pub fn start<F, T>(self, body: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let mut entered = None;
        let supervisor = meant(self.supervisor, &mut entered);
        let Self { priority, delay, .. } = self;
        submit_or_drop::<N, _, _>(&supervisor.core, Plan { name: None, priority, delay }, body)
    }

    /// Starts it with options that go before the declaration.
    pub fn start_with<F, T>(self, options: TaskOptions, body: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let mut entered = None;
        let supervisor = meant(options.supervisor.as_ref().or(self.supervisor), &mut entered);
        let plan = Plan {
            name: options.name,
            priority: options.priority.unwrap_or(self.priority),
            delay: options.delay.or(self.delay),
        };
        submit_or_drop::<N, _, _>(&supervisor.core, plan, body)
    }

    /// Starts it without a handle. A refusal is logged and counted.
    #[inline]
    pub fn detach<F, T>(self, body: F)
    where
        F: FnOnce() -> T + Send + 'static,
        T: 'static,
    {
        let mut entered = None;
        let supervisor = meant(self.supervisor, &mut entered);
        let Self { priority, delay, .. } = self;
        detach::<N, _, _>(&supervisor.core, Plan { name: None, priority, delay }, body);
    }
}

impl<N: Named> fmt::Debug for Site<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").field("name", &N::name()).finish_non_exhaustive()
    }
}
