//! How one call of a task differs from its declaration.

use std::borrow::Cow;
use std::time::Duration;

use crate::priority::Priority;
use crate::supervisor::Supervisor;

/// How one call of a task differs from its declaration: what `f::with(..)` takes. What is not set stays as declared.
///
/// A [`Priority`] or a delay ([`Duration`]) converts into it.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use atasker::{background_task, Priority, TaskOptions};
///
/// #[background_task(priority = Low)]
/// fn add(a: i32, b: i32) -> i32 {
///     a + b
/// }
///
/// assert_eq!(add::with(Priority::High)(1, 2).wait()?, 3);
/// let later = TaskOptions::new().name("later").delay(Duration::from_millis(1));
/// let task = add::with(later)(3, 4);
/// assert_eq!((task.name(), task.priority()), ("later", Priority::Low));
/// assert_eq!(task.wait()?, 7);
/// # Ok::<(), atasker::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "options do nothing until a task is started with them"]
pub struct TaskOptions {
    pub(super) priority: Option<Priority>,
    pub(super) name: Option<Cow<'static, str>>,
    pub(super) delay: Option<Duration>,
    pub(super) supervisor: Option<Supervisor>,
    pub(super) lane: Option<Cow<'static, str>>,
}

impl TaskOptions {
    /// Nothing set.
    pub fn new() -> Self {
        Self::default()
    }

    /// How urgent it is.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = Some(priority);
        self
    }

    /// What it is called in reports.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How long it waits before it is queued; it holds no place meanwhile.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    /// Which lane of its supervisor an async body runs on. A blocking body does not look at this.
    pub fn lane(mut self, lane: impl Into<Cow<'static, str>>) -> Self {
        self.lane = Some(lane.into());
        self
    }

    /// Whose pool it runs on, instead of the declared one's.
    pub fn supervisor(mut self, supervisor: &Supervisor) -> Self {
        self.supervisor = Some(supervisor.clone());
        self
    }
}

impl From<Priority> for TaskOptions {
    fn from(priority: Priority) -> Self {
        Self::new().priority(priority)
    }
}

impl From<Duration> for TaskOptions {
    fn from(delay: Duration) -> Self {
        Self::new().delay(delay)
    }
}

impl From<&Supervisor> for TaskOptions {
    fn from(supervisor: &Supervisor) -> Self {
        Self::new().supervisor(supervisor)
    }
}
