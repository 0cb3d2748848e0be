#![doc = include_str!("../README.md")]

mod admission;
mod clock;
mod config;
mod cron;
mod error;
mod fork;
mod job;
mod lane;
mod log;
mod names;
mod outside;
mod owner;
mod panics;
mod pool;
mod priority;
mod program;
mod report;
mod slow;
mod stops;
mod submit;
mod supervisor;
mod sync;
mod task;
mod time;
mod wait;
mod waits;
mod worker;

// The attributes, and beside them the builder fns of the same names.
pub use atasker_macros::{background_task, background_worker};

// A program's `main`.
pub use atasker_macros::main;
pub use program::OnSignal;

// The supervisor.
pub use config::{Config, LaneConfig};
pub use pool::Totals;
pub use priority::{PerPriority, Priority};
pub use report::{Abandoned, StopReport};
pub use slow::{SlowStart, Slowness};
pub use supervisor::{
    EnterGuard, LaneInfo, Supervisor, SupervisorInfo, SupervisorState, WorkerInfo, WorkerKind, WorkerState,
    task_supervisor,
};

// Tasks.
pub use pool::is_cancelled;
pub use submit::{
    CollectionError, FutureBuilder, Lane, TaskBuilder, TaskCollection, TaskOptions, background_future, background_task,
};
pub use task::{
    CancelOutcome, Task, TaskInfo, TaskStatus, wait_all, wait_all_async, wait_completed, wait_completed_async,
    wait_completed_timeout,
};

// Workers.
pub use worker::{
    Align, AsyncQueueBody, AsyncWorker, EventWorker, IntervalWorker, Jitter, LoopWorker, MissedTick, Outcome,
    QueueBody, QueueWorker, Schedule, ScheduleContext, ScheduledWorker, StopOnDrop, Worker, WorkerBuilder,
    WorkerContext, WorkerError, background_worker, kind,
};

// Light jobs.
pub use job::{Job, JobTotals};

// Time.
pub use cron::{Cron, IntoCron, Tz};
#[cfg(feature = "test-util")]
pub use supervisor::TestClock;
pub use time::When;

// Errors.
pub use error::{ConfigError, Error, PutError, Rejected, Result, TaskError, WaitError};
pub use panics::Panic;

/// What the attributes' expansions call. Not for users: it may change in any release.
#[doc(hidden)]
pub mod __private {
    pub use crate::pool::Named;
    pub use crate::program::Program;
    pub use crate::submit::Site;
    pub use crate::supervisor::Autostart;
    pub use crate::worker::{Handle, IntoQueueBody, IntoWorker, Static};
    pub use inventory;

    /// An async block whose result is `T`: tells the compiler what `?` in it converts to.
    pub fn body_of<T, F: Future<Output = T>>(body: F) -> F {
        body
    }

    /// Whether both are handles of the same supervisor.
    pub fn same_supervisor(one: &crate::Supervisor, other: &crate::Supervisor) -> bool {
        one.is_same(other)
    }
}
