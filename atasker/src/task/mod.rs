//! A task: one run of a function. Its cell, its state word, and the handle that the caller holds.
//!
//! Knows the pool, the lanes and the clock below it; not the supervisor.

mod berth;
mod cell;
mod future;
mod handover;
#[cfg(all(test, any(atasker_loom, atasker_shuttle)))]
mod model;
mod spare;
mod state;
mod wait;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

pub(crate) use cell::{Cell, Detail, Join, next_id};
pub(crate) use future::FutureCell;
pub(crate) use spare::trim as trim_spares;
pub use state::{CancelOutcome, TaskStatus};
pub use wait::{wait_all, wait_all_async, wait_completed, wait_completed_async, wait_completed_timeout};

use crate::error::{TaskError, WaitError};
use crate::fork;
use crate::pool::{self, Job, Pending, Pool, PoolNumber};
use crate::priority::Priority;
use crate::time::Deadline;
use crate::waits::{Awaited, Donor, Served};

/// The handle of one task: collects its result, watches it, cancels it.
///
/// A verb started the work; [`wait`](Task::wait) on a thread or `.await` in a future, on any executor, collects it.
/// Dropping the handle detaches: the task still runs, and a panic nobody collects is logged.
///
/// # Examples
///
/// ```
/// use atasker::{background_task, TaskError};
///
/// let sum = background_task(|| 2 + 3).start();
/// assert_eq!(sum.wait()?, 5);
///
/// let failed = background_task(|| -> u32 { panic!("no paper") }).start();
/// assert!(matches!(failed.wait(), Err(TaskError::Panicked(panic)) if panic.message() == "no paper"));
/// # Ok::<(), atasker::Error>(())
/// ```
///
/// A body that waits lends its place to what it waits for, and to what that waits for in turn. Inside a body of the same
/// supervisor, a wait for a task that is still queued runs it right there; and so it does with a task that an async body, a
/// queue worker or a body of another supervisor waits for, where the wait is for one of those. So a body may wait for tasks
/// even when the pool is full, or has one place. A task that stands in the queue of another supervisor or lane, all places of
/// which are held by bodies that wait, waits for what they wait for: two full supervisors may wait for each other.
///
/// A body that blocks on the handle as a future, by an executor of another library, is such a wait too: a poll that finds the
/// task queued hands it to a thread that runs it in the body's place. It runs no body inside that executor.
///
/// A future's result can be collected once; polled again after that, the handle answers
/// [`TaskError::Rejected`]. Bodies and results of up to three words lie in the task's own allocation, larger ones in a box
/// beside it; on their way there they are moved, so hand over large arrays in a `Box`.
pub struct Task<T> {
    /// The handle's end of the cell. `None` once it has been given back, at the handle's end.
    cell: Option<Arc<dyn Join<T>>>,
    pool: PoolNumber,
    /// The count of forks at the pool's making.
    born: u32,
    priority: Priority,
    /// What a poll has told of those that wait for it.
    pending: Pending,
    /// The result has been handed out.
    collected: bool,
}

/// What is known of a task at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskInfo {
    /// Unique in the process, not dense.
    pub id: u64,
    /// The fn's name, a closure's type name, or what was given.
    pub name: String,
    /// Its priority.
    pub priority: Priority,
    /// Where it is in its life.
    pub status: TaskStatus,
    /// When it was handed in. `None` without [`Config::task_times`](crate::Config::task_times).
    pub submitted_at: Option<Instant>,
    /// When its body started. `None` before, and without [`Config::task_times`](crate::Config::task_times).
    pub started_at: Option<Instant>,
    /// When it ended. `None` before, and without [`Config::task_times`](crate::Config::task_times).
    pub finished_at: Option<Instant>,
}

impl<T> Task<T> {
    pub(crate) fn new(cell: Arc<dyn Join<T>>, pool: &Arc<Pool>, priority: Priority) -> Self {
        Self {
            cell: Some(cell),
            pool: pool.number(),
            born: pool.born(),
            priority,
            pending: Pending::default(),
            collected: false,
        }
    }

    /// Whether this process is a fork of the one that the task's pool was made in: its threads are not here.
    fn is_forked(&self) -> bool {
        self.born != fork::count()
    }

    fn cell(&self) -> &Arc<dyn Join<T>> {
        self.cell.as_ref().expect("only the drop gives it back")
    }

    /// Waits for the result.
    ///
    /// # Errors
    ///
    /// [`TaskError::Panicked`], [`TaskError::Cancelled`], [`TaskError::Rejected`] as the task ended;
    /// [`TaskError::Deadlock`] from inside the task itself, or inside a task that it waits for on the same thread.
    /// (A longer cycle, over several threads, is not seen: it waits for ever.) [`TaskError::WouldBlock`] inside an async
    /// body, where the result is not there yet: use `.await`.
    #[inline]
    pub fn wait(mut self) -> Result<T, TaskError> {
        // Often it is there, and then handing it on from fn to fn costs more than taking it.
        if let Some(result) = self.cell().collect(None) {
            return result;
        }
        self.block(Deadline::Never, true).expect("a wait without a deadline ends with a result")
    }

    /// Waits for the result, at most for `timeout`. Never runs the task itself.
    ///
    /// # Errors
    ///
    /// [`WaitError::NotReady`] gives the task back; [`WaitError::Failed`] as [`wait`](Task::wait), so inside an async body
    /// too, which never waits here.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use atasker::{background_task, WaitError};
    ///
    /// let (go, gone) = std::sync::mpsc::channel::<()>();
    /// let task = background_task(move || gone.recv().is_err()).start();
    /// let Err(WaitError::NotReady(task)) = task.wait_timeout(Duration::from_millis(1)) else { unreachable!() };
    /// drop(go);
    /// assert!(task.wait()?);
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub fn wait_timeout(self, timeout: Duration) -> Result<T, WaitError<T>> {
        self.wait_until(Deadline::within(timeout))
    }

    /// The result, if it is there.
    ///
    /// # Errors
    ///
    /// [`WaitError::NotReady`] gives the task back; [`WaitError::Failed`] as the task ended.
    pub fn try_result(self) -> Result<T, WaitError<T>> {
        let result = self.cell().collect(None);
        self.or_not_ready(result)
    }

    fn wait_until(mut self, deadline: Deadline) -> Result<T, WaitError<T>> {
        let result = self.block(deadline, false);
        self.or_not_ready(result)
    }

    fn or_not_ready(self, result: Option<Result<T, TaskError>>) -> Result<T, WaitError<T>> {
        match result {
            Some(result) => result.map_err(WaitError::Failed),
            None => Err(WaitError::NotReady(self)),
        }
    }

    /// Sleeps until the result is there or the deadline has passed. With `runs`, runs the task here where it may.
    fn block(&mut self, deadline: Deadline, runs: bool) -> Option<Result<T, TaskError>> {
        // A look without a waker costs less, and often it is enough.
        let result = self.cell().collect(None).or_else(|| if runs { self.run_inside() } else { None });
        let result = result.or_else(|| {
            if pool::is_async() {
                return Some(Err(TaskError::WouldBlock));
            }
            let is_over = || self.cell().status().is_finished();
            let ready = |waker: &Waker| self.look(waker);
            // A pool thread's core is wanted by those that it waits for.
            if pool::home().is_some() {
                pool::wait_for(deadline, runs, || self.awaited(), ready)
            } else {
                crate::wait::watch_and_block_until(deadline, is_over, ready)
            }
        });
        self.collected = result.is_some();
        result
    }

    /// The result, if it is there; else leaves the waker.
    fn look(&self, waker: &Waker) -> Option<Result<T, TaskError>> {
        if let Some(result) = self.cell().collect(Some(waker)) {
            return Some(result);
        }
        if pool::is_running_here(Arc::as_ptr(self.cell()).cast::<()>().addr()) {
            return Some(Err(TaskError::Deadlock));
        }
        if self.is_forked() {
            // Its threads stayed in the parent process: nobody here would ever run it.
            return Some(Err(TaskError::Rejected));
        }
        None
    }

    /// What is waited for.
    fn awaited(&self) -> Arc<dyn Awaited> {
        Arc::clone(self.cell()).awaited(self.pool, self.priority)
    }

    /// Runs the task on this thread, if it is queued and the thread is one of its pool. Its result; `None`: it is to be
    /// waited for. The shortest way that a wait can take: it is in no table, and needs no waker.
    fn run_inside(&self) -> Option<Result<T, TaskError>> {
        if self.cell().status() != TaskStatus::Queued || !self.cell().runs_on_pool() {
            return None;
        }
        let job: Arc<dyn Job> = Arc::clone(self.cell()) as Arc<dyn Job>;
        // Run here, it is ended; or another thread was first, and wakes this one when it is.
        let served = pool::serve(&job, self.pool, self.priority, Donor::Thread);
        if served == Served::Here { self.cell().collect(None) } else { None }
    }
}

impl<T> Task<T> {
    /// Unique in the process, not dense.
    pub fn id(&self) -> u64 {
        self.cell().id()
    }

    /// The fn's name, a closure's type name, or what was given.
    pub fn name(&self) -> &str {
        self.cell().name()
    }

    /// Its priority.
    pub fn priority(&self) -> Priority {
        self.priority
    }

    /// Where it is in its life.
    pub fn status(&self) -> TaskStatus {
        self.cell().status()
    }

    /// Whether nothing more will happen to it: its result can be collected at once.
    pub fn is_finished(&self) -> bool {
        self.status().is_finished()
    }

    /// Everything that is known of it.
    pub fn info(&self) -> TaskInfo {
        let times = self.cell().head().times();
        TaskInfo {
            id: self.id(),
            name: self.name().to_owned(),
            priority: self.priority,
            status: self.cell().status(),
            submitted_at: times.submitted,
            started_at: times.started,
            finished_at: times.finished,
        }
    }

    /// Lets it run without its handle.
    pub(crate) fn detach(self) {
        drop(self);
    }

    /// Cancels it: before it started, it never will; while it runs, its body is asked to end and sees
    /// [`is_cancelled`](crate::is_cancelled). A body that ends by itself is `Completed` all the same. An async body that
    /// runs is dropped at its next await, and the task is `Cancelled`.
    pub fn cancel(&self) -> CancelOutcome {
        if self.is_forked() {
            return CancelOutcome::TooLate;
        }
        Arc::clone(self.cell()).cancel(self.pool.find().as_ref(), self.priority)
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.collected {
            return Poll::Ready(Err(TaskError::Rejected));
        }
        let this = &mut *self;
        let result = this.look(cx.waker());
        this.collected = result.is_some();
        if let Some(result) = result {
            this.pending.end();
            return Poll::Ready(result);
        }
        let (cell, pool, priority) = (&this.cell, this.pool, this.priority);
        let cell = || cell.clone().expect("only the drop gives it back");
        this.pending.tell(cx.waker(), || cell().awaited(pool, priority));
        Poll::Pending
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        // Before the cell: what is told of it owns it too, and the last owner drops what nobody has collected.
        self.pending.end();
        if let Some(cell) = self.cell.take() {
            cell.retire();
        }
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("id", &self.id())
            .field("name", &self.name())
            .field("priority", &self.priority)
            .field("status", &self.cell().status())
            .finish()
    }
}
