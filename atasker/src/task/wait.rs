//! Waiting for many tasks at once, on a thread and as a future.

use std::time::Duration;

use super::Task;
use crate::error::{TaskError, WaitError};
use crate::log;
use crate::pool;
use crate::time::Deadline;

/// Waits for all tasks; their results in input order, or the first error in that order.
///
/// # Errors
///
/// The first error in input order, after all have ended. Of the others, a panic is told as that of a task whose result nobody
/// collects, by its name: a `tracing` event, or a line on stderr. [`wait_all`] gives every result and every error.
///
/// [`TaskError::WouldBlock`] inside an async body, before anything is taken out of `tasks`: an iterator that starts them has
/// started none, and one that is lent (`&mut iterator`) still has them all. There, use [`wait_completed_async`].
///
/// # Examples
///
/// ```
/// use atasker::{background_task, wait_completed};
///
/// let squares = wait_completed((1..=3).map(|n: u32| background_task(move || n * n).start()))?;
/// assert_eq!(squares, [1, 4, 9]);
/// # Ok::<(), atasker::Error>(())
/// ```
pub fn wait_completed<T>(tasks: impl IntoIterator<Item = Task<T>>) -> Result<Vec<T>, TaskError> {
    if pool::is_async() {
        return Err(TaskError::WouldBlock);
    }
    let mut completed = Completed::default();
    for mut task in started(tasks) {
        let ended = wait_here(&mut task);
        completed.add(&task, ended);
    }
    completed.into_result()
}

/// [`wait_completed`] for async code, in our bodies and on any other executor.
///
/// The tasks run side by side. Dropping the future lets go of those that it still waits for, as dropping their handles does:
/// they run on.
///
/// # Errors
///
/// As [`wait_completed`], but that it never would block.
///
/// # Examples
///
/// ```
/// use atasker::{background_future, background_task, wait_completed_async};
///
/// let sum = background_future(async {
///     let squares = wait_completed_async((1..=3).map(|n: u32| background_task(move || n * n).start())).await?;
///     Ok::<u32, atasker::TaskError>(squares.iter().sum())
/// });
/// assert_eq!(sum.start().wait()??, 14);
/// # Ok::<(), atasker::Error>(())
/// ```
pub async fn wait_completed_async<T>(tasks: impl IntoIterator<Item = Task<T>>) -> Result<Vec<T>, TaskError> {
    let mut completed = Completed::default();
    for mut task in started(tasks) {
        let ended = (&mut task).await;
        completed.add(&task, ended);
    }
    completed.into_result()
}

/// Waits for all tasks; the result or error of each in input order.
///
/// # Errors
///
/// Each entry tells how its task ended. Inside an async body, which never waits here, those that have ended are given, and
/// the others are [`TaskError::WouldBlock`]: they run on, and nobody has their handles any more. There, use
/// [`wait_all_async`]; or [`wait_completed_timeout`], which gives their handles back.
///
/// # Examples
///
/// ```
/// use atasker::{background_task, wait_all, TaskError};
///
/// let tasks = ["7", "seven"].map(|text| background_task(move || text.parse::<u8>().unwrap()).start());
/// let results = wait_all(tasks);
/// assert!(matches!(results[..], [Ok(7), Err(TaskError::Panicked(_))]));
/// ```
pub fn wait_all<T>(tasks: impl IntoIterator<Item = Task<T>>) -> Vec<Result<T, TaskError>> {
    started(tasks).into_iter().map(Task::wait).collect()
}

/// [`wait_all`] for async code, in our bodies and on any other executor: waits for all.
///
/// The tasks run side by side. Dropping the future lets go of those that it still waits for, as dropping their handles does:
/// they run on.
///
/// # Errors
///
/// Each entry tells how its task ended.
///
/// # Examples
///
/// ```
/// use atasker::{background_future, background_task, wait_all_async};
///
/// let ended = background_future(async {
///     wait_all_async([1, 0].map(|by: u32| background_task(move || 1 / by).start())).await
/// });
/// assert!(matches!(ended.start().wait()?[..], [Ok(1), Err(_)]));
/// # Ok::<(), atasker::Error>(())
/// ```
pub async fn wait_all_async<T>(tasks: impl IntoIterator<Item = Task<T>>) -> Vec<Result<T, TaskError>> {
    let tasks = started(tasks);
    let mut results = Vec::with_capacity(tasks.len());
    for task in tasks {
        results.push(task.await);
    }
    results
}

/// Waits for all tasks at most for `timeout`, one deadline for all; the unfinished come back.
///
/// Inside an async body it does not wait: what has ended is given, the others come back at once.
///
/// # Errors
///
/// Each entry, in input order, is the task's result, or [`WaitError::Failed`], or [`WaitError::NotReady`] with the task.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use atasker::{background_task, wait_completed_timeout, WaitError};
///
/// let (go, gone) = std::sync::mpsc::channel::<()>();
/// let slow = background_task(move || drop(gone.recv())).start();
/// let mut results = wait_completed_timeout([background_task(|| ()).start(), slow], Duration::from_millis(200));
/// let Some(Err(WaitError::NotReady(slow))) = results.pop() else { unreachable!() };
/// drop(go);
/// slow.wait()?;
/// # Ok::<(), atasker::Error>(())
/// ```
pub fn wait_completed_timeout<T>(
    tasks: impl IntoIterator<Item = Task<T>>,
    timeout: Duration,
) -> Vec<Result<T, WaitError<T>>> {
    let tasks = started(tasks);
    if pool::is_async() {
        // A refusal would take the handles of what runs on.
        return tasks.into_iter().map(Task::try_result).collect();
    }
    let deadline = Deadline::within(timeout);
    tasks.into_iter().map(|task| task.wait_until(deadline)).collect()
}

/// Collected first: an iterator that starts the tasks shall start all of them before the first wait.
fn started<T>(tasks: impl IntoIterator<Item = Task<T>>) -> Vec<Task<T>> {
    tasks.into_iter().collect()
}

/// [`Task::wait`], after which the handle still tells which task it is.
fn wait_here<T>(task: &mut Task<T>) -> Result<T, TaskError> {
    task.block(Deadline::Never, true).expect("a wait without a deadline ends with a result")
}

/// What several tasks come to together.
struct Completed<T> {
    results: Vec<T>,
    first_error: Option<TaskError>,
}

impl<T> Default for Completed<T> {
    fn default() -> Self {
        Self { results: Vec::new(), first_error: None }
    }
}

impl<T> Completed<T> {
    /// One error is given, so a panic behind it is told: nobody else will collect it.
    fn add(&mut self, task: &Task<T>, ended: Result<T, TaskError>) {
        match ended {
            Ok(result) => self.results.push(result),
            Err(TaskError::Panicked(panic)) if self.first_error.is_some() => {
                log::uncollected_panic(task.name(), task.id(), &panic);
            }
            Err(error) => _ = self.first_error.get_or_insert(error),
        }
    }

    fn into_result(self) -> Result<Vec<T>, TaskError> {
        self.first_error.map_or(Ok(self.results), Err)
    }
}
