//! Waiting for many tasks at once.

use std::time::Duration;

use super::Task;
use crate::error::{TaskError, WaitError};
use crate::time::Deadline;

/// Waits for all tasks; their results in input order, or the first error in that order.
///
/// # Errors
///
/// The first error in input order, after all have ended. [`wait_all`] gives every result.
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
    wait_all(tasks).into_iter().collect()
}

/// Waits for all tasks; the result or error of each in input order.
pub fn wait_all<T>(tasks: impl IntoIterator<Item = Task<T>>) -> Vec<Result<T, TaskError>> {
    // Collected first: an iterator that starts the tasks shall start all of them before the first wait.
    let tasks: Vec<_> = tasks.into_iter().collect();
    tasks.into_iter().map(Task::wait).collect()
}

/// Waits for all tasks at most for `timeout`, one deadline for all; the unfinished come back.
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
    let tasks: Vec<_> = tasks.into_iter().collect();
    let deadline = Deadline::within(timeout);
    tasks.into_iter().map(|task| task.wait_until(deadline)).collect()
}
