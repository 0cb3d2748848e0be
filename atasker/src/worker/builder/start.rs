//! How each kind of worker is started.

use std::borrow::Cow;
use std::time::Duration;

use super::super::body::{BoxedBody, IntoQueueBody, IntoWorker, Queue, Steps};
use super::super::core::{Again, Work};
use super::super::handle::{EventWorker, Handle, IntervalWorker, LoopWorker, QueueWorker, ScheduledWorker};
use super::super::plan::{Kind, Terms};
use super::super::schedule::Pacer;
use super::{Options, WorkerBuilder, kind};
use crate::error::{ConfigError, Result};
use crate::names::own_name;
use crate::panics::drop_contained;
use crate::supervisor::{Supervisor, meant};
use crate::sync::Mutex;

/// A builder that has all it needs to start the worker behind a handle `H`. `M` is always inferred.
pub trait StartOn<H, M> {
    /// What it is started with, on that supervisor or the one it names itself.
    #[doc(hidden)]
    fn prepare(self, handle: &H, on: Option<&Supervisor>) -> Result<Again>;
}

/// The `start` of each kind, and of a static's worker of that kind.
macro_rules! start {
    ($kind:ident, $handle:ident, |$value:ident| $plan:expr) => {
        impl<B> WorkerBuilder<B, kind::$kind> {
            /// Starts it, and starts the supervisor too, where that was never started.
            ///
            /// # Errors
            ///
            /// [`Error::Stopped`](crate::Error::Stopped) when the supervisor is stopping or stopped;
            /// [`Error::Config`](crate::Error::Config) for a duration of zero where it must be more;
            /// [`Error::Thread`](crate::Error::Thread) when the system gives no thread for the clock;
            /// [`Error::UnknownLane`](crate::Error::UnknownLane) names the lanes that there are.
            pub fn start<M>(self) -> Result<$handle>
            where
                B: IntoWorker<M>,
            {
                let handle = $handle::new(self.options.name_for::<B>());
                start(handle, self)
            }

            /// The handle of a worker that is not started: [`start`]($crate::$handle::start) it, now, or whenever it has stopped.
            ///
            /// # Errors
            ///
            /// As [`start`](Self::start) for what makes no sense, and for a lane that there is not.
            pub fn build<M>(self) -> Result<$handle>
            where
                B: IntoWorker<M>,
            {
                let handle = $handle::new(self.options.name_for::<B>());
                build(handle, self)
            }
        }

        impl<B: IntoWorker<M>, M> StartOn<$handle, (kind::$kind, M)> for WorkerBuilder<B, kind::$kind> {
            fn prepare(self, _: &$handle, on: Option<&Supervisor>) -> Result<Again> {
                let $value = self.kind;
                let (kind, initial) = $plan;
                let BoxedBody(step) = self.body.into_body();
                let work = Work { step, pacer: None };
                prepare(on, self.options, kind, initial, None, work)
            }
        }
    };
}

start!(Loop, LoopWorker, |of| (Kind::Loop, of.initial));
start!(Interval, IntervalWorker, |of| (Kind::Interval { every: of.every, missed: of.missed }, of.initial));
start!(Delay, IntervalWorker, |of| (Kind::Delay { gap: of.gap }, of.initial));
start!(Event, EventWorker, |_of| (Kind::Event, Duration::ZERO));

impl<B> WorkerBuilder<B, kind::Cron> {
    /// Starts it, and starts the supervisor too, where that was never started.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) for a cron line or a zone that is none, and says what to write;
    /// [`Error::Stopped`](crate::Error::Stopped) when the supervisor is stopping or stopped;
    /// [`Error::Thread`](crate::Error::Thread) when the system gives no thread for the clock;
    /// [`Error::UnknownLane`](crate::Error::UnknownLane) names the lanes that there are.
    pub fn start<M>(self) -> Result<ScheduledWorker>
    where
        B: IntoWorker<M>,
    {
        let handle = ScheduledWorker::new(self.options.name_for::<B>());
        start(handle, self)
    }

    /// The handle of a worker that is not started: [`start`](ScheduledWorker::start) it, now, or whenever it has stopped.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start) for what makes no sense, and for a lane that there is not.
    pub fn build<M>(self) -> Result<ScheduledWorker>
    where
        B: IntoWorker<M>,
    {
        let handle = ScheduledWorker::new(self.options.name_for::<B>());
        build(handle, self)
    }
}

impl<B: IntoWorker<M>, M> StartOn<ScheduledWorker, (kind::Cron, M)> for WorkerBuilder<B, kind::Cron> {
    fn prepare(self, _: &ScheduledWorker, on: Option<&Supervisor>) -> Result<Again> {
        let kind::Cron { line, initial } = self.kind;
        let schedule = line?.resolve()?;
        let BoxedBody(step) = self.body.into_body();
        let work = Work { step, pacer: Some(Pacer::new(schedule)) };
        prepare(on, self.options, Kind::Scheduled { is_cron: true }, initial, None, work)
    }
}

impl<B> WorkerBuilder<B, kind::Scheduled> {
    /// Starts it, and starts the supervisor too, where that was never started. The schedule is asked on this thread.
    ///
    /// # Errors
    ///
    /// [`Error::Stopped`](crate::Error::Stopped) when the supervisor is stopping or stopped;
    /// [`Error::Thread`](crate::Error::Thread) when the system gives no thread for the clock;
    /// [`Error::UnknownLane`](crate::Error::UnknownLane) names the lanes that there are.
    pub fn start<M>(self) -> Result<ScheduledWorker>
    where
        B: IntoWorker<M>,
    {
        let handle = ScheduledWorker::new(self.options.name_for::<B>());
        start(handle, self)
    }

    /// The handle of a worker that is not started: [`start`](ScheduledWorker::start) it, now, or whenever it has stopped.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start) for what makes no sense, and for a lane that there is not.
    pub fn build<M>(self) -> Result<ScheduledWorker>
    where
        B: IntoWorker<M>,
    {
        let handle = ScheduledWorker::new(self.options.name_for::<B>());
        build(handle, self)
    }
}

impl<B: IntoWorker<M>, M> StartOn<ScheduledWorker, (kind::Scheduled, M)> for WorkerBuilder<B, kind::Scheduled> {
    fn prepare(self, _: &ScheduledWorker, on: Option<&Supervisor>) -> Result<Again> {
        let kind::Scheduled { pacer, initial } = self.kind;
        let BoxedBody(step) = self.body.into_body();
        let work = Work { step, pacer: Some(pacer) };
        prepare(on, self.options, Kind::Scheduled { is_cron: false }, initial, None, work)
    }
}

impl<B> WorkerBuilder<B, kind::Queue> {
    /// Starts it, and starts the supervisor too, where that was never started.
    ///
    /// # Errors
    ///
    /// [`Error::Stopped`](crate::Error::Stopped) when the supervisor is stopping or stopped;
    /// [`Error::Config`](crate::Error::Config) for a capacity of 0.
    // `T` beside `M`, and not `B::Item`: so a body that can't be one is told by `IntoQueueBody`'s own message.
    pub fn start<M, T>(self) -> Result<QueueWorker<T>>
    where
        B: IntoQueueBody<M, Item = T>,
        T: Send + 'static,
    {
        let handle = QueueWorker::new(self.options.name_for::<B>());
        start(handle, self)
    }

    /// The handle of a worker that is not started: [`start`](QueueWorker::start) it, now, or whenever it has stopped.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start) for what makes no sense, and for a lane that there is not.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use atasker::background_worker;
    ///
    /// let seen = Arc::new(Mutex::new(Vec::new()));
    /// let (mut count, all) = (0, Arc::clone(&seen));
    /// let worker = background_worker(move |n: u64| {
    ///     count += 1;
    ///     all.lock().unwrap().push((count, n));
    /// });
    /// let worker = worker.queue().build()?;
    /// assert!(!worker.is_running());
    /// for n in [7, 8] {
    ///     worker.start()?;
    ///     worker.put(n)?;
    ///     worker.stop();
    /// }
    /// assert_eq!(*seen.lock().unwrap(), [(1, 7), (2, 8)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn build<M, T>(self) -> Result<QueueWorker<T>>
    where
        B: IntoQueueBody<M, Item = T>,
        T: Send + 'static,
    {
        let handle = QueueWorker::new(self.options.name_for::<B>());
        build(handle, self)
    }
}

impl<B: IntoQueueBody<M>, M> StartOn<QueueWorker<B::Item>, (kind::Queue, M)> for WorkerBuilder<B, kind::Queue> {
    fn prepare(self, handle: &QueueWorker<B::Item>, on: Option<&Supervisor>) -> Result<Again> {
        let capacity = self.kind.capacity;
        let BoxedBody(step) = self.body.into_body(Queue(handle.mailbox().clone()));
        let work = Work { step, pacer: None };
        prepare(on, self.options, Kind::Queue, Duration::ZERO, capacity, work)
    }
}

impl Options {
    fn name_for<B>(&self) -> Cow<'static, str> {
        self.name.clone().unwrap_or_else(|| Cow::Borrowed(own_name::<B>()))
    }
}

/// The handle, which is not started.
fn build<H: Handle, M>(handle: H, builder: impl StartOn<H, M>) -> Result<H> {
    let again = builder.prepare(&handle, None)?;
    Ok(handle.built(again))
}

/// The same, started.
fn start<H: Handle, M>(handle: H, builder: impl StartOn<H, M>) -> Result<H> {
    let handle = build(handle, builder)?;
    match handle.start_built() {
        Ok(()) => Ok(handle),
        Err(error) => {
            drop_contained(handle);
            Err(error)
        }
    }
}

fn prepare(
    on: Option<&Supervisor>,
    options: Options,
    kind: Kind,
    initial: Duration,
    capacity: Option<usize>,
    mut work: Work,
) -> Result<Again> {
    let is_async = matches!(work.step, Steps::Async(_));
    let refused = match kind {
        Kind::Interval { every, .. } if every.is_zero() => Some(ConfigError::zero_duration("interval", every)),
        Kind::Delay { gap } if gap.is_zero() => Some(ConfigError::zero_duration("delay", gap)),
        Kind::Queue if capacity == Some(0) => {
            Some(ConfigError::new("queue", "0".into(), "must be at least 1: leave it out for a queue without bound"))
        }
        _ => None,
    };
    let blocking_lane = options.lane.as_ref().filter(|_| !is_async);
    let refused = refused.or_else(|| {
        let cure = "is for async bodies: leave it out, or give a body that returns a future";
        blocking_lane.map(|lane| ConfigError::new("lane", lane.to_string(), cure))
    });
    if let Some(refused) = refused {
        return Err(refused.into());
    }
    let mut entered = None;
    let supervisor = meant(on.or(options.supervisor.as_ref()), &mut entered);
    let details = options.wishes.settle(kind, is_async)?;
    let lane = if is_async { Some(supervisor.core.lanes.find(options.lane.as_deref())?) } else { None };
    if let Some(hook) = options.on_error {
        work.step = work.step.hooked(hook);
    }
    Ok(Again {
        supervisor: supervisor.core.clone(),
        terms: Terms { kind, priority: options.priority, initial, details },
        capacity,
        autostart: options.autostart,
        lane,
        work: Mutex::new(Some(work)),
    })
}
