//! The handles of workers, one type for each way of making them run.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::core::{Again, Core};
use super::mailbox::{AnyMailbox, Mailbox, NotTaken, Pushed};
use super::putting::Putting;
use crate::error::{PutError, Result};
use crate::fork;
use crate::pool::{self, Pending};
use crate::supervisor::WorkerInfo;
use crate::time::Deadline;
use crate::wait::Stay;

/// What all handles can do, however their worker is made to run.
macro_rules! common_verbs {
    ($handle:ident $(<$item:ident>)?) => {
        impl $(<$item: Send + 'static>)? $handle $(<$item>)? {
            /// Its name. Default: the fn's or type's own name.
            pub fn name(&self) -> &str {
                self.core.name()
            }

            /// Whether it was started and has not ended. True while it is stopping, and while it is paused.
            pub fn is_running(&self) -> bool {
                self.core.is_running()
            }

            /// What it is doing.
            pub fn info(&self) -> WorkerInfo {
                self.core.info()
            }

            /// Starts it with the body that it was built with, and the state that has: after [`build`](crate::WorkerBuilder::build),
            /// or again after a stop. What was changed since, an interval, say, is as it was built. A worker that an attribute
            /// declares is started by its own name, with its state.
            ///
            /// # Errors
            ///
            /// [`Error::AlreadyRunning`](crate::Error::AlreadyRunning), also while it is stopping;
            /// [`Error::Config`](crate::Error::Config) for one that an attribute declares; and those of the builder's
            /// `start`. It can be called again.
            pub fn start(&self) -> Result<()> {
                self.core.start_again_by(self.again.as_ref())
            }

            /// Stops it, if it runs, waits for its end, and [starts](Self::start) it.
            ///
            /// # Errors
            ///
            /// As [`start`](Self::start); [`Error::Deadlock`](crate::Error::Deadlock) in its own body, and
            /// [`Error::WouldBlock`](crate::Error::WouldBlock) in an async body.
            pub fn restart(&self) -> Result<()> {
                self.core.restart_by(self.again.as_ref())
            }

            /// Stops it: waits for the run under way, and for a queue worker to work off what is queued at the ask.
            ///
            /// In its own body or hook, and inside any async body, it requests the stop and returns immediately: use
            /// [`stop_async`](Self::stop_async) there. On a pool thread of its own supervisor it runs what is left of the worker itself. Does nothing where it is stopped.
            pub fn stop(&self) {
                self.core.stop();
            }

            /// Asks it to stop, and does not wait.
            pub fn request_stop(&self) {
                self.core.request_stop(false);
            }

            /// [`stop`](Self::stop) for async code: asks at the first poll, and ends when the worker does. In its own
            /// body it only asks. Dropping the future does not call the stop off.
            pub async fn stop_async(&self) {
                stop_async(&self.core).await;
            }

            /// Lets no run start until [`resume`](Self::resume). A run under way goes on to its end; items queue up,
            /// one trigger is kept, and ticks that pass are not missed ticks. A stop ends the pause.
            pub fn pause(&self) {
                self.core.pause();
            }

            /// Ends a pause.
            pub fn resume(&self) {
                self.core.resume();
            }

            /// A guard that stops the worker when it is dropped.
            #[must_use = "the guard stops the worker when it is dropped, so at once if it is not kept"]
            pub fn stop_on_drop(&self) -> StopOnDrop<Self> {
                StopOnDrop { handle: self.clone() }
            }
        }

        impl $(<$item: Send + 'static>)? Handle for $handle $(<$item>)? {
            fn core(&self) -> &Arc<Core> {
                &self.core
            }

            fn start_built(&self) -> Result<()> {
                self.start()
            }

            fn built(mut self, again: Again) -> Self {
                self.again = Some(again.of(&self.core));
                self
            }
        }

        impl $(<$item>)? fmt::Debug for $handle $(<$item>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($handle)).field("worker", &self.core.info()).finish()
            }
        }
    };
}

/// A handle of some worker.
pub trait Handle: Clone {
    #[doc(hidden)]
    fn core(&self) -> &Arc<Core>;

    /// The same with what starts it again.
    #[doc(hidden)]
    fn built(self, again: Again) -> Self;

    #[doc(hidden)]
    fn start_built(&self) -> Result<()>;
}

/// A worker that runs again and again. Each run is admitted at its priority, so others get their turn in between.
///
/// Dropping a handle detaches: the supervisor owns the worker.
#[derive(Clone)]
pub struct LoopWorker {
    core: Arc<Core>,
    again: Option<Arc<Again>>,
}

/// A worker that runs on a fixed grid of time, or a fixed time after the end of its last run.
///
/// Dropping a handle detaches: the supervisor owns the worker.
#[derive(Clone)]
pub struct IntervalWorker {
    core: Arc<Core>,
    again: Option<Arc<Again>>,
}

/// A worker that runs by a cron line, or by a [`Schedule`](crate::Schedule).
///
/// Dropping a handle detaches: the supervisor owns the worker.
#[derive(Clone)]
pub struct ScheduledWorker {
    core: Arc<Core>,
    again: Option<Arc<Again>>,
}

/// A worker that runs when it is triggered.
///
/// Dropping a handle detaches: the supervisor owns the worker.
#[derive(Clone)]
pub struct EventWorker {
    core: Arc<Core>,
    again: Option<Arc<Again>>,
}

/// A worker that runs once for each item that is put into its queue, in order.
///
/// Dropping a handle detaches: the supervisor owns the worker.
pub struct QueueWorker<T> {
    core: Arc<Core>,
    again: Option<Arc<Again>>,
    mailbox: Arc<Mailbox<T>>,
    /// The count of forks at its making. Here, since the core's line is written by each run.
    born: u32,
}

common_verbs!(LoopWorker);
common_verbs!(IntervalWorker);
common_verbs!(ScheduledWorker);
common_verbs!(EventWorker);
common_verbs!(QueueWorker<T>);

impl LoopWorker {
    pub(super) fn new(name: Cow<'static, str>) -> Self {
        Self { core: Core::new(name, None), again: None }
    }
}

impl IntervalWorker {
    pub(super) fn new(name: Cow<'static, str>) -> Self {
        Self { core: Core::new(name, None), again: None }
    }

    /// Runs it once off the grid, as soon as it gets a place. `true`: a run will start after this call, unless a stop
    /// comes first; any number of calls during a run come to exactly one more. `false`: it is stopping or stopped.
    pub fn trigger(&self) -> bool {
        self.core.trigger()
    }

    /// Changes its interval (or delay) from now on: the next tick comes one new interval from now, and the grid goes on
    /// from there. Takes effect at once, from inside its body too. After a restart the declared interval is back.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) for zero; [`Error::NotRunning`](crate::Error::NotRunning) where it is
    /// stopping or stopped.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    /// use atasker::background_worker;
    ///
    /// let (tick, ticks) = mpsc::channel();
    /// let worker = background_worker(move || drop(tick.send(()))).interval(Duration::from_secs(3600)).start()?;
    /// ticks.recv().unwrap();
    /// worker.set_interval(Duration::from_millis(1))?;
    /// ticks.recv().unwrap();
    /// worker.stop();
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub fn set_interval(&self, interval: Duration) -> Result<()> {
        self.core.set_interval(interval)
    }
}

impl ScheduledWorker {
    pub(super) fn new(name: Cow<'static, str>) -> Self {
        Self { core: Core::new(name, None), again: None }
    }

    /// Runs it once beside its schedule, as soon as it gets a place. `true`: a run will start after this call, unless a
    /// stop comes first; any number of calls during a run come to exactly one more. `false`: it is stopping or stopped.
    pub fn trigger(&self) -> bool {
        self.core.trigger()
    }
}

impl EventWorker {
    pub(super) fn new(name: Cow<'static, str>) -> Self {
        Self { core: Core::new(name, None), again: None }
    }

    /// Makes it run. `true`: a run will start after this call, unless a stop comes first; any number of calls during a
    /// run come to exactly one more. `false`: it is stopping or stopped.
    pub fn trigger(&self) -> bool {
        self.core.trigger()
    }
}

// Not derived: the item need not be `Clone`.
impl<T> Clone for QueueWorker<T> {
    fn clone(&self) -> Self {
        let (core, again, mailbox) = (Arc::clone(&self.core), self.again.clone(), Arc::clone(&self.mailbox));
        Self { core, again, mailbox, born: self.born }
    }
}

impl<T: Send + 'static> QueueWorker<T> {
    pub(super) fn new(name: Cow<'static, str>) -> Self {
        let mailbox = Mailbox::new();
        let any: Arc<dyn AnyMailbox> = Arc::<Mailbox<T>>::clone(&mailbox);
        let core = Core::new(name, Some(any));
        Self { born: core.born(), core, again: None, mailbox }
    }

    pub(super) fn mailbox(&self) -> &Arc<Mailbox<T>> {
        &self.mailbox
    }

    /// Puts an item at the end of its queue; waits for room where the queue is bounded and full.
    ///
    /// In the consumer's own body it does not wait, since nobody else would make room. On a pool thread of its own
    /// supervisor it runs the consumer itself meanwhile, if that waits for a place.
    ///
    /// # Errors
    ///
    /// The item always comes back: [`PutError::NotRunning`] before the start, from the ask for a stop on, and when a
    /// stop comes while this waits (but a stop of the whole supervisor takes what its own bodies put, until everything is at
    /// rest); [`PutError::Full`] in the consumer's own body and inside async bodies, which never wait here: use
    /// [`put_async`](Self::put_async).
    pub fn put(&self, item: T) -> Result<(), PutError<T>> {
        self.put_until(item, Deadline::Never)
    }

    /// Puts an item at the end of its queue, if there is room.
    ///
    /// # Errors
    ///
    /// The item always comes back: [`PutError::NotRunning`], [`PutError::Full`].
    ///
    /// # Examples
    ///
    /// ```
    /// use atasker::{background_worker, PutError};
    ///
    /// let worker = background_worker(|n: u64| println!("{n}")).queue_bounded(1).start()?;
    /// worker.pause();
    /// worker.try_put(1)?;
    /// assert_eq!(worker.try_put(2), Err(PutError::Full(2)));
    /// worker.stop();
    /// assert_eq!(worker.try_put(3), Err(PutError::NotRunning(3)));
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub fn try_put(&self, item: T) -> Result<(), PutError<T>> {
        if self.born != fork::count() {
            return Err(PutError::NotRunning(item));
        }
        self.push(item, false)
    }

    #[inline]
    fn push(&self, item: T, of_body: bool) -> Result<(), PutError<T>> {
        match self.mailbox.push(item, of_body) {
            Ok(Pushed::Behind) => Ok(()),
            Ok(Pushed::First) => {
                self.core.item_came();
                Ok(())
            }
            // What accepted work starts is accepted.
            Err((NotTaken::Draining, item)) if !of_body && self.core.drains_for_this_body() => self.push(item, true),
            Err((NotTaken::Closed | NotTaken::Draining, item)) => Err(PutError::NotRunning(item)),
            Err((NotTaken::Full, item)) => Err(PutError::Full(item)),
        }
    }

    /// [`put`](Self::put) that waits for room at most for `timeout`.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put); [`PutError::Full`] also when the time has passed.
    pub fn put_timeout(&self, item: T, timeout: Duration) -> Result<(), PutError<T>> {
        self.put_until(item, Deadline::within(timeout))
    }

    fn put_until(&self, item: T, deadline: Deadline) -> Result<(), PutError<T>> {
        match self.try_put(item) {
            Err(PutError::Full(item)) => self.put_once_there_is_room(item, deadline),
            done => done,
        }
    }

    #[cold]
    fn put_once_there_is_room(&self, item: T, deadline: Deadline) -> Result<(), PutError<T>> {
        if self.core.is_own_body() || pool::is_async() {
            return Err(PutError::Full(item));
        }
        let mut waiting = Some(item);
        self.mailbox.watch();
        self.mailbox.begin_wait();
        let put = self.core.wait_for(deadline, &self.mailbox.room, || {
            match self.try_put(waiting.take().expect("put back below, where it was not taken")) {
                Err(PutError::Full(item)) => {
                    waiting = Some(item);
                    None
                }
                done => Some(done),
            }
        });
        self.mailbox.end_wait();
        // It may have been woken for room that it no longer wants, or once more after it had found some: passed on
        // (`supervisor::model::two_putters_and_one_room`).
        if self.mailbox.has_room() {
            self.mailbox.room.wake_one();
        }
        match (put, waiting) {
            (Some(done), _) => done,
            (None, Some(item)) => Err(PutError::Full(item)),
            (None, None) => unreachable!("an item is either put, given back, or still waiting"),
        }
    }

    /// [`put`](Self::put) for async code: the future waits where the queue is full. In the consumer's own body it does not,
    /// since nobody else would make room.
    ///
    /// Dropped before its end, it has not put the item, which is dropped with it; and nobody waits any more.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    ///
    /// # Examples
    ///
    /// ```
    /// use atasker::{background_future, background_worker};
    ///
    /// let worker = background_worker(|n: u64| println!("{n}")).queue_bounded(1).start()?;
    /// let putter = worker.clone();
    /// let put = background_future(async move {
    ///     for n in 0..10 {
    ///         putter.put_async(n).await?;
    ///     }
    ///     Ok::<(), atasker::PutError<u64>>(())
    /// });
    /// put.start().wait()??;
    /// worker.stop();
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub async fn put_async(&self, item: T) -> Result<(), PutError<T>> {
        match self.try_put(item) {
            Err(PutError::Full(item)) => Putting::new(self, item).await,
            done => done,
        }
    }

    /// Items that wait.
    pub fn len(&self) -> usize {
        self.mailbox.len()
    }

    /// Whether no item waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Stops a worker when it is dropped, as [`stop`](LoopWorker::stop) does; made by `stop_on_drop`. Use it as the handle.
///
/// # Examples
///
/// ```
/// use atasker::background_worker;
///
/// let worker = background_worker(|| ()).event().start()?;
/// {
///     let _guard = worker.stop_on_drop();
///     assert!(worker.is_running());
/// }
/// assert!(!worker.is_running());
/// # Ok::<(), atasker::Error>(())
/// ```
#[derive(Debug)]
pub struct StopOnDrop<H: Handle> {
    handle: H,
}

impl<H: Handle> Deref for StopOnDrop<H> {
    type Target = H;

    fn deref(&self) -> &H {
        &self.handle
    }
}

impl<H: Handle> Drop for StopOnDrop<H> {
    fn drop(&mut self) {
        self.handle.core().stop();
    }
}

async fn stop_async(core: &Arc<Core>) {
    let life = core.life();
    core.request_stop(false);
    if core.is_own_body() {
        return;
    }
    let (mut stay, mut pending) = (Stay::new(core.changed()), Pending::default());
    std::future::poll_fn(|cx| {
        if core.has_ended(life) {
            return Poll::Ready(());
        }
        // Looked at again once the waker is in the list: an end in between wakes nobody.
        stay.register(cx.waker());
        if core.has_ended(life) {
            return Poll::Ready(());
        }
        pending.tell(cx.waker(), || core.awaited());
        Poll::Pending
    })
    .await;
}
