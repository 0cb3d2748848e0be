//! Many tasks of one result type, run together.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::fmt;
use std::future::Future;

use super::builder::background_task;
use crate::error::{Error, TaskError, write_failures};
use crate::pool;
use crate::priority::Priority;
use crate::supervisor::Supervisor;
use crate::task::Task;

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
    /// [`CollectionError`] when any gave no result; it keeps every success and every failure by name. Inside an async body
    /// none is started, and each failure is [`TaskError::WouldBlock`]: use [`execute_async`](Self::execute_async).
    pub fn execute(self) -> Result<Vec<T>, CollectionError<T>> {
        if pool::is_async() {
            return Err(self.refuse());
        }
        let mut ended = Ended::default();
        for (name, task) in self.start() {
            ended.add(name, task.wait());
        }
        ended.into_result()
    }

    /// Starts all tasks now, and gives a future of their results, for our async bodies and any other executor.
    ///
    /// Dropping the future lets go of the tasks that it still waits for: they run on.
    ///
    /// # Errors
    ///
    /// As [`execute`](Self::execute), but that it never would block.
    ///
    /// # Examples
    ///
    /// ```
    /// use atasker::{background_future, Priority, TaskCollection};
    ///
    /// let sums = TaskCollection::new().add(Priority::Low, "few", || 1 + 2).add(Priority::Low, "more", || 3 + 4);
    /// let sum = background_future(async { sums.execute_async().await.map(|sums| sums.iter().sum::<i32>()) }).start();
    /// assert_eq!(sum.wait()??, 10);
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub fn execute_async(self) -> impl Future<Output = Result<Vec<T>, CollectionError<T>>> + Send + 'static {
        let started = self.start();
        async move {
            let mut ended = Ended::default();
            for (name, task) in started {
                ended.add(name, task.await);
            }
            ended.into_result()
        }
    }

    /// None was started.
    fn refuse(mut self) -> CollectionError<T> {
        self.sort();
        let failures = self.tasks.into_iter().map(|task| (task.name.into_owned(), TaskError::WouldBlock)).collect();
        CollectionError { successes: Vec::new(), failures }
    }

    fn sort(&mut self) {
        // Stable: within a priority the order of adding stays.
        self.tasks.sort_by_key(|task| Reverse(task.priority));
    }

    fn start(mut self) -> Vec<(String, Task<T>)> {
        self.sort();
        let supervisor = self.supervisor;
        let start = |Planned { priority, name, body }| {
            let task = background_task(body).priority(priority).name(Cow::clone(&name));
            let task = match &supervisor {
                Some(supervisor) => task.supervisor(supervisor),
                None => task,
            };
            (name.into_owned(), task.start())
        };
        self.tasks.into_iter().map(start).collect()
    }
}

/// How its tasks have ended so far.
struct Ended<T> {
    successes: Vec<(String, T)>,
    failures: Vec<(String, TaskError)>,
}

impl<T> Default for Ended<T> {
    fn default() -> Self {
        Self { successes: Vec::new(), failures: Vec::new() }
    }
}

impl<T> Ended<T> {
    fn add(&mut self, name: String, ended: Result<T, TaskError>) {
        match ended {
            Ok(result) => self.successes.push((name, result)),
            Err(error) => self.failures.push((name, error)),
        }
    }

    fn into_result(self) -> Result<Vec<T>, CollectionError<T>> {
        let Self { successes, failures } = self;
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
        write_failures(f, &self.failures, self.failures.len() + self.successes.len())
    }
}

impl<T> std::error::Error for CollectionError<T> {}

impl<T> From<CollectionError<T>> for Error {
    fn from(error: CollectionError<T>) -> Self {
        Error::Collection { of: error.failures.len() + error.successes.len(), failures: error.failures }
    }
}
