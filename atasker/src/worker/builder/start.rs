//! How each kind of worker is started.

use std::borrow::Cow;
use std::time::Duration;

use super::super::body::{BoxedBody, IntoQueueBody, IntoWorker, Queue, Steps};
use super::super::core::{Setup, Work};
use super::super::handle::{EventWorker, Handle, IntervalWorker, LoopWorker, QueueWorker, ScheduledWorker};
use super::super::plan::{Kind, Terms};
use super::super::schedule::Pacer;
use super::{Options, WorkerBuilder, kind};
use crate::error::{ConfigError, Result};
use crate::names::own_name;
use crate::supervisor::{Supervisor, meant, starts_with_supervisor};

/// A builder that has all it needs to start the worker behind a handle `H`. `M` is always inferred.
pub trait StartOn<H, M> {
    /// On that supervisor, or the one it names itself.
    #[doc(hidden)]
    fn start_on(self, handle: &H, on: Option<&Supervisor>) -> Result<()>;
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
                self.start_on(&handle, None).map(|()| handle)
            }
        }

        impl<B: IntoWorker<M>, M> StartOn<$handle, (kind::$kind, M)> for WorkerBuilder<B, kind::$kind> {
            fn start_on(self, handle: &$handle, on: Option<&Supervisor>) -> Result<()> {
                let $value = self.kind;
                let (kind, initial) = $plan;
                let BoxedBody(step) = self.body.into_body();
                let work = Work { step, pacer: None };
                start(handle, on, self.options, kind, initial, None, work)
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
        self.start_on(&handle, None).map(|()| handle)
    }
}

impl<B: IntoWorker<M>, M> StartOn<ScheduledWorker, (kind::Cron, M)> for WorkerBuilder<B, kind::Cron> {
    fn start_on(self, handle: &ScheduledWorker, on: Option<&Supervisor>) -> Result<()> {
        let kind::Cron { line, initial } = self.kind;
        let schedule = line?.resolve()?;
        let BoxedBody(step) = self.body.into_body();
        let work = Work { step, pacer: Some(Pacer::new(schedule)) };
        start(handle, on, self.options, Kind::Scheduled { is_cron: true }, initial, None, work)
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
        self.start_on(&handle, None).map(|()| handle)
    }
}

impl<B: IntoWorker<M>, M> StartOn<ScheduledWorker, (kind::Scheduled, M)> for WorkerBuilder<B, kind::Scheduled> {
    fn start_on(self, handle: &ScheduledWorker, on: Option<&Supervisor>) -> Result<()> {
        let kind::Scheduled { pacer, initial } = self.kind;
        let BoxedBody(step) = self.body.into_body();
        let work = Work { step, pacer: Some(pacer) };
        start(handle, on, self.options, Kind::Scheduled { is_cron: false }, initial, None, work)
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
        self.start_on(&handle, None).map(|()| handle)
    }
}

impl<B: IntoQueueBody<M>, M> StartOn<QueueWorker<B::Item>, (kind::Queue, M)> for WorkerBuilder<B, kind::Queue> {
    fn start_on(self, handle: &QueueWorker<B::Item>, on: Option<&Supervisor>) -> Result<()> {
        let capacity = self.kind.capacity;
        let BoxedBody(step) = self.body.into_body(Queue(handle.mailbox().clone()));
        let work = Work { step, pacer: None };
        start(handle, on, self.options, Kind::Queue, Duration::ZERO, capacity, work)
    }
}

impl Options {
    fn name_for<B>(&self) -> Cow<'static, str> {
        self.name.clone().unwrap_or_else(|| Cow::Borrowed(own_name::<B>()))
    }
}

fn start<H: Handle>(
    handle: &H,
    on: Option<&Supervisor>,
    options: Options,
    kind: Kind,
    initial: Duration,
    capacity: Option<usize>,
    mut work: Work,
) -> Result<()> {
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
    handle.core().start(Setup {
        supervisor: supervisor.core.clone(),
        terms: Terms { kind, priority: options.priority, initial, details },
        capacity,
        autostart: options.autostart,
        with_supervisor: starts_with_supervisor(),
        lane,
        work,
    })
}
