//! Workers: a body that runs again and again, a bell that makes it run, and a state.

mod async_body;
mod bell;
mod body;
mod builder;
mod context;
mod core;
mod details;
mod fixed;
mod grid;
mod handle;
mod items;
mod mailbox;
#[cfg(all(test, any(atasker_loom, atasker_shuttle)))]
mod model;
mod outcome;
mod plan;
mod putting;
mod schedule;

pub use async_body::{AsyncQueueBody, AsyncWorker};
pub use body::{IntoQueueBody, IntoWorker, QueueBody, Worker};
pub use builder::{WorkerBuilder, background_worker, kind};
pub use context::WorkerContext;
pub use details::{Align, Jitter};
pub use fixed::Static;
pub use grid::MissedTick;
pub use handle::{EventWorker, Handle, IntervalWorker, LoopWorker, QueueWorker, ScheduledWorker, StopOnDrop};
pub use outcome::{Outcome, WorkerError};
pub use schedule::{Schedule, ScheduleContext};
