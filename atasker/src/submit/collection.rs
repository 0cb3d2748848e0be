//! Many tasks of one result type, run together.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::fmt;

use super::builder::background_task;
use crate::error::{Error, TaskError};
use crate::priority::Priority;
use crate::supervisor::Supervisor;

/// Tasks that are run in parallel on the pool and waited for together.
///
/// Results come in the order of priority, highest first, and within a priority in the order of adding.
///
/// # Examples
///
/// ```
/// use atasker::{Priority, TaskCollection};
///
/// let results = TaskCollection::new()
///     .add(Priority::Low, "report", || "report")
///     .add(Priority::High, "alarm", || "alarm")
///     .execute()?;
/// assert_eq!(results, ["alarm", "report"]);
/// # Ok::<(), atasker::Error>(())
/// ```
#[must_use = "a collection does nothing until it is executed"]
pub struct TaskCollection<T> {
    tasks: Vec<Planned<T>>,
    supervisor: Option<Supervisor>,
}

struct Planned<T> {
    priority: Priority,
    name: Cow<'static, str>,
    body: Box<dyn FnOnce() -> T + Send>,
}

impl<T: Send + 'static> TaskCollection<T> {
    /// An empty collection.
    pub fn new() -> Self {
        Self { tasks: Vec::new(), supervisor: None }
    }

    /// Adds a task.
    pub fn add(
        mut self,
        priority: Priority,
        name: impl Into<Cow<'static, str>>,
        body: impl FnOnce() -> T + Send + 'static,
    ) -> Self {
        self.tasks.push(Planned { priority, name: name.into(), body: Box::new(body) });
        self
    }

    /// Whose pool they run on. Default: the global supervisor's.
    pub fn supervisor(mut self, supervisor: &Supervisor) -> Self {
        self.supervisor = Some(supervisor.clone());
        self
    }

    /// Tasks added so far.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether no task was added.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Starts all tasks, waits for all, and gives their results by priority, then by order of adding.
    ///
    /// # Errors
    ///
    /// [`CollectionError`] when any gave no result; it keeps every success and every failure by name.
    pub fn execute(mut self) -> Result<Vec<T>, CollectionError<T>> {
        // Stable: within a priority the order of adding stays.
        self.tasks.sort_by_key(|task| Reverse(task.priority));
        let supervisor = self.supervisor;
        let started: Vec<_> = self
            .tasks
            .into_iter()
            .map(|Planned { priority, name, body }| {
                let task = background_task(body).priority(priority).name(name.clone());
                let task = match &supervisor {
                    Some(supervisor) => task.supervisor(supervisor),
                    None => task,
                };
                (name.into_owned(), task.start())
            })
            .collect();
        let mut successes = Vec::with_capacity(started.len());
        let mut failures = Vec::new();
        for (name, task) in started {
            match task.wait() {
                Ok(result) => successes.push((name, result)),
                Err(error) => failures.push((name, error)),
            }
        }
        if failures.is_empty() {
            Ok(successes.into_iter().map(|(_, result)| result).collect())
        } else {
            Err(CollectionError { successes, failures })
        }
    }
}

impl<T: Send + 'static> Default for TaskCollection<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for TaskCollection<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks = self.tasks.iter().map(|task| (&task.name, task.priority));
        f.debug_list().entries(tasks).finish()
    }
}

/// Some tasks of a [`TaskCollection`] gave no result; those that did are here too.
pub struct CollectionError<T> {
    /// The name and result of each task that gave one, by priority, then by order of adding.
    pub successes: Vec<(String, T)>,
    /// The name and error of each task that gave none, in the same order.
    pub failures: Vec<(String, TaskError)>,
}

impl<T> CollectionError<T> {
    /// The result of the task of that name, if it gave one.
    pub fn success(&self, name: &str) -> Option<&T> {
        self.successes.iter().find(|(of, _)| of == name).map(|(_, result)| result)
    }

    /// The error of the task of that name, if it gave no result.
    pub fn failure(&self, name: &str) -> Option<&TaskError> {
        self.failures.iter().find(|(of, _)| of == name).map(|(_, error)| error)
    }
}

impl<T> fmt::Debug for CollectionError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let successes: Vec<_> = self.successes.iter().map(|(name, _)| name).collect();
        f.debug_struct("CollectionError").field("successes", &successes).field("failures", &self.failures).finish()
    }
}

impl<T> fmt::Display for CollectionError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} tasks gave no result", self.failures.len(), self.failures.len() + self.successes.len())?;
        for (position, (name, error)) in self.failures.iter().enumerate() {
            write!(f, "{} {name}: {error}", if position == 0 { ":" } else { "," })?;
        }
        Ok(())
    }
}

impl<T> std::error::Error for CollectionError<T> {}

impl<T> From<CollectionError<T>> for Error {
    fn from(error: CollectionError<T>) -> Self {
        Error::Collection { failed: error.failures.len(), of: error.failures.len() + error.successes.len() }
    }
}
