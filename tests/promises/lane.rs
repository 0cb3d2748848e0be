//! Async bodies: they run on a lane, and all else is as for bodies that block.

mod attributes;
mod carriers;
mod exact;
mod gate;
mod guests;
mod lanes;
mod puts;
mod runtimes;
mod slow;
mod stops;
mod tasks;
mod verbs;
mod workers;

use std::future::Future;

use atasker::{Priority, Supervisor, Task, background_future};
use tokio::sync::oneshot;

use crate::support::Latch;

/// Starts a future there.
pub(crate) fn fly<T: Send + 'static>(s: &Supervisor, body: impl Future<Output = T> + Send + 'static) -> Task<T> {
    background_future(body).supervisor(s).start()
}

/// An async task that has started, and stays in flight until it is told to end.
pub(crate) fn held(
    s: &Supervisor,
    lane: Option<&'static str>,
    priority: Priority,
) -> (oneshot::Sender<()>, Task<bool>) {
    let (end, ended) = oneshot::channel();
    let started = Latch::new(1);
    let latch = started.clone();
    let body = async move {
        latch.count_down();
        ended.await.is_ok()
    };
    let mut task = background_future(body).priority(priority).supervisor(s).name("held");
    if let Some(lane) = lane {
        task = task.lane(lane);
    }
    let task = task.start();
    started.wait();
    (end, task)
}
