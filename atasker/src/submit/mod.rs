//! The ways in for tasks: from the attribute, from the builder, from a collection. All end in one function. And the ways in
//! for light jobs.

mod builder;
mod collection;
mod future;
mod job;
mod lane;
mod options;
mod site;

use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::time::Duration;

pub use builder::{TaskBuilder, background_task};
pub use collection::{CollectionError, TaskCollection};
pub use future::{FutureBuilder, background_future};
pub use lane::Lane;
pub use options::TaskOptions;
pub use site::Site;

use future::fly_or_drop;

use crate::clock;
use crate::error::Error;
use crate::log;
use crate::panics::drop_contained;
use crate::pool::{Closure, Entry, Job, Named, Refused, Source};
use crate::priority::Priority;
use crate::supervisor::Core;
use crate::task::{Cell, Detail, Task};
use crate::time::Deadline;

/// How a task is to be started.
struct Plan {
    /// Instead of the one that its type has.
    name: Option<Cow<'static, str>>,
    priority: Priority,
    delay: Option<Duration>,
}

/// Starts a task that nobody will have a handle of. Most travel as they are: without a cell, without an allocation.
#[inline]
fn detach<N, F, T>(core: &Arc<Core>, plan: Plan, body: F)
where
    N: Named,
    F: FnOnce() -> T + Send + 'static,
    T: 'static,
{
    let body = move || {
        let result = body();
        // Its Drop is no part of the task.
        if std::mem::needs_drop::<T>() {
            drop_contained(result);
        }
    };
    // A name of its own, or a time to wait for, is kept in a cell.
    if plan.name.is_none() && plan.delay.is_none_or(|delay| delay.is_zero()) {
        send(core, plan.priority, Closure::new::<N, _>(body));
    } else {
        submit_or_drop::<N, _, _>(core, plan, body).detach();
    }
}

#[inline(always)]
fn send(core: &Arc<Core>, priority: Priority, closure: Closure) {
    if let Err((why, entry)) = core.pool.submit(priority, Entry::Closure(closure), Source::Caller) {
        send_again(core, priority, why, entry);
    }
}

/// Starts the supervisor where it was never started; else the task is refused.
#[cold]
fn send_again(core: &Arc<Core>, priority: Priority, mut why: Refused, mut entry: Entry) {
    let why = loop {
        match why {
            Refused::NotStarted => {
                if let Err(why) = core.ensure_running() {
                    break why;
                }
            }
            Refused::Forked => break Error::Forked,
            Refused::Stopped => break Error::Stopped,
            Refused::NoThread => break no_thread(),
        }
        match core.pool.submit(priority, entry, Source::Caller) {
            Ok(()) => return,
            Err(again) => (why, entry) = again,
        }
    };
    core.pool.count(|totals| {
        totals.submitted += 1;
        totals.rejected += 1;
    });
    if let Entry::Closure(closure) = entry {
        log::rejected(closure.name().get(), &why.to_string());
        drop_contained(closure);
    }
}

/// [`submit`] for those who don't want a refused body back.
#[inline(always)]
fn submit_or_drop<N, F, T>(core: &Arc<Core>, plan: Plan, body: F) -> Task<T>
where
    N: Named,
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let (priority, (cell, taken)) = (plan.priority, submit::<N, _, _>(core, plan, body));
    if let Err(NotTaken(why)) = taken {
        log::rejected(cell.name(), &why.to_string());
        cell.drop_refused();
    }
    Task::new(cell, &core.pool, priority)
}

/// Makes a task and hands it to the pool, or to the clock; starts the supervisor where it was never started.
///
/// Refused, its handle will say `Rejected`, and its body is still in its cell.
///
/// All that knows the types of body and result is done in the caller's code: a small body is written from registers into
/// the cell. Handed on in memory it cost 8 of 85 ns.
#[inline(always)]
fn submit<N, F, T>(core: &Arc<Core>, plan: Plan, body: F) -> (Arc<Cell>, Result<(), NotTaken>)
where
    N: Named,
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let Plan { name, priority, delay } = plan;
    let delay = delay.filter(|delay| !delay.is_zero());
    let detail = Detail::of(name, core.task_times(), delay.map(|_| (&core.pool, priority)));
    let cell = Cell::new::<N, F, T>(detail, body);
    let taken = match delay {
        None => queue(core, priority, &cell),
        Some(delay) => wait_first(core, &cell, delay),
    };
    (cell, taken)
}

/// A task was refused, and why; its body is still in its cell.
struct NotTaken(Box<Error>);

fn queue(core: &Arc<Core>, priority: Priority, cell: &Arc<Cell>) -> Result<(), NotTaken> {
    loop {
        let why = match cell.queue(&core.pool, priority) {
            Ok(()) => return Ok(()),
            Err(Refused::NotStarted) => match core.ensure_running() {
                Ok(()) => continue,
                Err(why) => why,
            },
            Err(Refused::Stopped) => Error::Stopped,
            Err(Refused::Forked) => Error::Forked,
            Err(Refused::NoThread) => return refused(cell.reject_counted(&core.pool), no_thread()),
        };
        return refused(cell.reject(&core.pool), why);
    }
}

fn wait_first(core: &Arc<Core>, cell: &Arc<Cell>, delay: Duration) -> Result<(), NotTaken> {
    if let Err(why) = core.ensure_running() {
        return refused(cell.reject(&core.pool), why);
    }
    let due = Deadline::after(core.clock.now(), delay);
    match cell.delay(&core.clock, due) {
        Ok(()) => Ok(()),
        Err(clock::Refused::Stopped) => refused(cell.reject(&core.pool), Error::Stopped),
        Err(clock::Refused::NoThread(error)) => refused(cell.reject(&core.pool), Error::Thread(Arc::new(error))),
    }
}

/// Where a stop was faster, it has cancelled the task, which its handle says.
#[cold]
fn refused(rejected: bool, why: Error) -> Result<(), NotTaken> {
    if rejected { Err(NotTaken(Box::new(why))) } else { Ok(()) }
}

/// The pool has told what the system said.
fn no_thread() -> Error {
    Error::Thread(Arc::new(io::Error::other("there is none to run it")))
}
