//! Workers without an attribute: a body, what makes it run, and every key as a method.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::body::{BoxedBody, ErrorHook, IntoQueueBody, IntoWorker, Queue, Steps};
use super::core::{Setup, Work};
use super::details::{Align, Jitter, Wishes};
use super::grid::MissedTick;
use super::handle::{EventWorker, Handle, IntervalWorker, LoopWorker, QueueWorker, ScheduledWorker};
use super::outcome::WorkerError;
use super::plan::{Kind, Terms};
use super::schedule::{Pacer, Schedule};
use crate::cron::{IntoCron, Tz};
use crate::error::{ConfigError, Result};
use crate::names::own_name;
use crate::priority::Priority;
use crate::supervisor::{Supervisor, task_supervisor};
use crate::time::When;

/// Makes a worker of a closure, a fn, or a struct with [`Worker`](crate::Worker) (or
/// [`QueueBody`](crate::QueueBody)): what `#[background_worker]` does, by hand.
///
/// Without another word it runs again and again; [`interval`](WorkerBuilder::interval), [`delay`](WorkerBuilder::delay),
/// [`queue`](WorkerBuilder::queue) and [`event`](WorkerBuilder::event) choose otherwise. A closure's types are written out.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc;
/// use std::time::Duration;
/// use atasker::{background_worker, Priority, WorkerContext};
///
/// let (tell, told) = mpsc::channel();
/// let squares = background_worker(move |n: u64| tell.send(n * n).unwrap()).queue().name("squares").start()?;
/// squares.put(7)?;
/// assert_eq!(told.recv().unwrap(), 49);
/// squares.stop();
///
/// let ticker = background_worker(|cx: &WorkerContext| println!("tick {}", cx.run()))
///     .interval(Duration::from_millis(10))
///     .priority(Priority::High)
///     .start()?;
/// ticker.stop();
/// # Ok::<(), atasker::Error>(())
/// ```
pub fn background_worker<B>(body: B) -> WorkerBuilder<B> {
    WorkerBuilder { body, kind: kind::Loop { initial: Duration::ZERO }, options: Options::default() }
}

/// A worker about to be started; made by [`background_worker`]. `K` is what makes it run.
#[must_use = "a worker does nothing until it is started: call start()"]
pub struct WorkerBuilder<B, K = kind::Loop> {
    body: B,
    kind: K,
    options: Options,
}

#[derive(Default)]
struct Options {
    name: Option<Cow<'static, str>>,
    priority: Priority,
    supervisor: Option<Supervisor>,
    lane: Option<Cow<'static, str>>,
    autostart: bool,
    on_error: Option<ErrorHook>,
    wishes: Wishes,
}

/// What makes a worker run, as a builder knows it.
pub mod kind {
    use std::time::Duration;

    use super::{MissedTick, Pacer};
    use crate::error::ConfigError;

    /// Runs again and again.
    #[derive(Clone, Copy, Debug)]
    pub struct Loop {
        pub(super) initial: Duration,
    }

    /// Runs on a fixed grid.
    #[derive(Clone, Copy, Debug)]
    pub struct Interval {
        pub(super) every: Duration,
        pub(super) missed: MissedTick,
        pub(super) initial: Duration,
    }

    /// Runs a fixed time after the end of its last run.
    #[derive(Clone, Copy, Debug)]
    pub struct Delay {
        pub(super) gap: Duration,
        pub(super) initial: Duration,
    }

    /// Runs when a cron line says.
    #[derive(Clone, Debug)]
    pub struct Cron {
        pub(super) line: Result<crate::Cron, ConfigError>,
        pub(super) initial: Duration,
    }

    /// Runs when its schedule says.
    #[derive(Debug)]
    pub struct Scheduled {
        pub(super) pacer: Pacer,
        pub(super) initial: Duration,
    }

    /// Runs when triggered.
    #[derive(Clone, Copy, Debug)]
    pub struct Event;

    /// Runs for each item.
    #[derive(Clone, Copy, Debug)]
    pub struct Queue {
        pub(super) capacity: Option<usize>,
    }

    /// Kinds that run by themselves, so that their first run can be made to wait.
    pub trait Timed {
        #[doc(hidden)]
        fn set_initial(&mut self, initial: Duration);
    }

    impl Timed for Loop {
        fn set_initial(&mut self, initial: Duration) {
            self.initial = initial;
        }
    }

    impl Timed for Interval {
        fn set_initial(&mut self, initial: Duration) {
            self.initial = initial;
        }
    }

    impl Timed for Delay {
        fn set_initial(&mut self, initial: Duration) {
            self.initial = initial;
        }
    }

    impl Timed for Cron {
        fn set_initial(&mut self, initial: Duration) {
            self.initial = initial;
        }
    }

    impl Timed for Scheduled {
        fn set_initial(&mut self, initial: Duration) {
            self.initial = initial;
        }
    }

    /// Kinds that run at a planned time, so that it can be moved, or met exactly.
    pub trait Planned {}

    impl Planned for Interval {}
    impl Planned for Delay {}
    impl Planned for Cron {}
    impl Planned for Scheduled {}

    /// Kinds whose runs can be limited: all but queues, whose items all have their run.
    pub trait Limited {}

    impl Limited for Loop {}
    impl Limited for Interval {}
    impl Limited for Delay {}
    impl Limited for Cron {}
    impl Limited for Scheduled {}
    impl Limited for Event {}
}

impl<B> WorkerBuilder<B> {
    /// Runs on a fixed grid: the start and then every `every`, more than 0, without drift. A tick that comes while the
    /// last run goes on is treated as [`missed`](WorkerBuilder::missed) says.
    ///
    /// No tick comes early. From 100 ms on, one may come later by a thousandth of `every`, 1 ms at most, so that many
    /// workers are served by one wake-up; the grid is kept all the same.
    pub fn interval(self, every: Duration) -> WorkerBuilder<B, kind::Interval> {
        self.of_kind(|kind| kind::Interval { every, missed: MissedTick::Skip, initial: kind.initial })
    }

    /// Runs at the start, and then `gap`, more than 0, after the end of its last run; never less, and from 100 ms on up to
    /// a thousandth of `gap`, 1 ms at most, more.
    pub fn delay(self, gap: Duration) -> WorkerBuilder<B, kind::Delay> {
        self.of_kind(|kind| kind::Delay { gap, initial: kind.initial })
    }

    /// Runs at the times of a cron line: a text, or a [`Cron`](crate::Cron), which says what it knows. What passes while a
    /// run goes on is missed; if the wall clock is set forward over the time, or the machine sleeps through it, it runs
    /// once, as soon as it can.
    ///
    /// # Examples
    ///
    /// ```
    /// use atasker::background_worker;
    ///
    /// let report = background_worker(|| println!("good morning"))
    ///     .cron("0 9 * * Mon-Fri")
    ///     .tz("Europe/Prague")
    ///     .start()?;
    /// println!("next at {:?}", report.info().next_run());
    /// report.stop();
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub fn cron(self, line: impl IntoCron) -> WorkerBuilder<B, kind::Cron> {
        self.of_kind(|kind| kind::Cron { line: line.into_cron(), initial: kind.initial })
    }

    /// Runs when `schedule` says, which is asked for the next time at the start and after each run; a closure may be one.
    pub fn schedule(self, schedule: impl Schedule) -> WorkerBuilder<B, kind::Scheduled> {
        self.of_kind(|kind| kind::Scheduled { pacer: Pacer::new(schedule), initial: kind.initial })
    }

    /// Runs when it is triggered.
    pub fn event(self) -> WorkerBuilder<B, kind::Event> {
        self.of_kind(|_| kind::Event)
    }

    /// Runs once for each item that is put into its queue, which grows as it must.
    ///
    /// Above its producers' priority it is woken for nearly every item; at theirs it runs many in one go.
    pub fn queue(self) -> WorkerBuilder<B, kind::Queue> {
        self.of_kind(|_| kind::Queue { capacity: None })
    }

    /// Runs once for each item that is put into its queue, where `capacity` items, at least 1, may wait.
    pub fn queue_bounded(self, capacity: usize) -> WorkerBuilder<B, kind::Queue> {
        self.of_kind(|_| kind::Queue { capacity: Some(capacity) })
    }

    fn of_kind<K>(self, kind: impl FnOnce(kind::Loop) -> K) -> WorkerBuilder<B, K> {
        WorkerBuilder { body: self.body, kind: kind(self.kind), options: self.options }
    }
}

impl<B, K> WorkerBuilder<B, K> {
    /// How urgent each of its runs is. Default: [`Priority::Normal`].
    pub fn priority(mut self, priority: Priority) -> Self {
        self.options.priority = priority;
        self
    }

    /// What it is called in reports. Default: the fn's or type's own name.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.options.name = Some(name.into());
        self
    }

    /// Whose pool it runs on. Default: the global supervisor's.
    pub fn supervisor(mut self, supervisor: &Supervisor) -> Self {
        self.options.supervisor = Some(supervisor.clone());
        self
    }

    /// Which lane of its supervisor an async body runs on. Default: the main one. For a blocking body the start is refused.
    pub fn lane(mut self, lane: impl Into<Cow<'static, str>>) -> Self {
        self.options.lane = Some(lane.into());
        self
    }

    /// Whether it starts again, with the state it has, each time its supervisor is started after a stop. Default: no.
    pub fn autostart(mut self, autostart: bool) -> Self {
        self.options.autostart = autostart;
        self
    }

    /// Called after each run that ended with an `Err` or a panic, instead of the body's own hook. The worker lives on.
    pub fn on_error(mut self, hook: impl FnMut(&WorkerError) + Send + 'static) -> Self {
        self.options.on_error = Some(Box::new(hook));
        self
    }
}

impl<B, K: kind::Timed> WorkerBuilder<B, K> {
    /// How long the first run waits. Default: not at all.
    pub fn initial(mut self, initial: Duration) -> Self {
        self.kind.set_initial(initial);
        self
    }
}

impl<B, K: kind::Planned> WorkerBuilder<B, K> {
    /// Makes each run late by another random amount: up to a duration, or a percentage of the interval or delay. The grid
    /// stays, and no run is early. Default: none.
    pub fn jitter(mut self, jitter: impl Into<Jitter>) -> Self {
        self.options.wishes.jitter = Some(jitter.into());
        self
    }

    /// Whether its runs start to the microsecond: it is called a little early, and its thread is awake in its place for
    /// what is left of the time, some ten microseconds at most runs. For blocking bodies; not with a jitter or a tolerance.
    /// Default: no.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use std::time::{Duration, Instant};
    /// use atasker::{background_worker, WorkerContext};
    ///
    /// let (tell, told) = mpsc::channel();
    /// let control = background_worker(move |cx: &WorkerContext| tell.send(Instant::now() - cx.due()).unwrap())
    ///     .interval(Duration::from_millis(1))
    ///     .precise(true)
    ///     .start()?;
    /// println!("late by {:?}", told.iter().take(5).collect::<Vec<Duration>>());
    /// control.stop();
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub fn precise(mut self, precise: bool) -> Self {
        self.options.wishes.precise = precise;
        self
    }

    /// How late its runs may come, so that those of many workers come together and fewer wake-ups serve them all. The grid
    /// stays. Default: from an interval or delay of 100 ms on a thousandth of it, 1 ms at most; else none.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use atasker::background_worker;
    ///
    /// let housekeeping = background_worker(|| println!("tidy up"))
    ///     .interval(Duration::from_secs(60))
    ///     .tolerance(Duration::from_secs(5))
    ///     .start()?;
    /// housekeeping.stop();
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.options.wishes.tolerance = Some(tolerance);
        self
    }
}

impl<B, K: kind::Limited> WorkerBuilder<B, K> {
    /// After so many runs, at least 1, it stops by itself; triggered ones, and those that fail, count too.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    /// use atasker::{background_worker, WorkerContext};
    ///
    /// let (tell, told) = mpsc::channel();
    /// background_worker(move |cx: &WorkerContext| tell.send(cx.run()).unwrap())
    ///     .interval(Duration::from_millis(1))
    ///     .times(3)
    ///     .start()?;
    /// assert_eq!(told.iter().collect::<Vec<u64>>(), [1, 2, 3]);      // its end drops the body, and with it the sender
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub fn times(mut self, times: u64) -> Self {
        self.options.wishes.times = Some(times);
        self
    }

    /// From that moment on, an `Instant` or a `SystemTime`, no run starts, and it stops by itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use std::time::{Duration, Instant};
    /// use atasker::background_worker;
    ///
    /// let (tell, told) = mpsc::channel::<()>();
    /// background_worker(move || drop(tell.send(())))
    ///     .interval(Duration::from_millis(1))
    ///     .until(Instant::now() + Duration::from_millis(5))
    ///     .start()?;
    /// assert!(told.iter().count() <= 5);
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub fn until(mut self, until: impl Into<When>) -> Self {
        self.options.wishes.until = Some(until.into());
        self
    }
}

impl<B> WorkerBuilder<B, kind::Cron> {
    /// Whose clocks the cron line is read by: a zone by name, `Tz::Local` or `Tz::Utc`. Default: that of the line, which is
    /// UTC for one that was given as a text.
    pub fn tz(mut self, zone: impl Into<Tz>) -> Self {
        self.kind.line = self.kind.line.map(|line| line.tz(zone));
        self
    }
}

impl<B> WorkerBuilder<B, kind::Interval> {
    /// Where its grid stands: at its start, or at the round multiples of the interval on the wall clock. Default:
    /// [`Align::Start`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::{Duration, UNIX_EPOCH};
    /// use atasker::{background_worker, Align};
    ///
    /// let quarter = Duration::from_secs(15 * 60);
    /// let collect = background_worker(|| println!("a quarter")).interval(quarter).align(Align::Wall).start()?;
    /// let next = collect.info().next_run().unwrap();
    /// assert_eq!(next.duration_since(UNIX_EPOCH).unwrap().as_secs() % (15 * 60), 0);
    /// collect.stop();
    /// # Ok::<(), atasker::Error>(())
    /// ```
    pub fn align(mut self, align: Align) -> Self {
        self.options.wishes.align = align;
        self
    }

    /// What it does about ticks that passed while it could not run. Default: [`MissedTick::Skip`].
    pub fn missed(mut self, missed: MissedTick) -> Self {
        self.kind.missed = missed;
        self
    }
}

/// A builder that has all it needs to start the worker behind a handle `H`. `M` is always inferred.
pub trait StartOn<H, M> {
    #[doc(hidden)]
    fn start_on(self, handle: &H) -> Result<()>;
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
                self.start_on(&handle).map(|()| handle)
            }
        }

        impl<B: IntoWorker<M>, M> StartOn<$handle, (kind::$kind, M)> for WorkerBuilder<B, kind::$kind> {
            fn start_on(self, handle: &$handle) -> Result<()> {
                let $value = self.kind;
                let (kind, initial) = $plan;
                let BoxedBody(step) = self.body.into_body();
                let work = Work { step, pacer: None };
                start(handle, self.options, kind, initial, None, work)
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
        self.start_on(&handle).map(|()| handle)
    }
}

impl<B: IntoWorker<M>, M> StartOn<ScheduledWorker, (kind::Cron, M)> for WorkerBuilder<B, kind::Cron> {
    fn start_on(self, handle: &ScheduledWorker) -> Result<()> {
        let kind::Cron { line, initial } = self.kind;
        let schedule = line?.resolve()?;
        let BoxedBody(step) = self.body.into_body();
        let work = Work { step, pacer: Some(Pacer::new(schedule)) };
        start(handle, self.options, Kind::Scheduled { is_cron: true }, initial, None, work)
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
        self.start_on(&handle).map(|()| handle)
    }
}

impl<B: IntoWorker<M>, M> StartOn<ScheduledWorker, (kind::Scheduled, M)> for WorkerBuilder<B, kind::Scheduled> {
    fn start_on(self, handle: &ScheduledWorker) -> Result<()> {
        let kind::Scheduled { pacer, initial } = self.kind;
        let BoxedBody(step) = self.body.into_body();
        let work = Work { step, pacer: Some(pacer) };
        start(handle, self.options, Kind::Scheduled { is_cron: false }, initial, None, work)
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
        self.start_on(&handle).map(|()| handle)
    }
}

impl<B: IntoQueueBody<M>, M> StartOn<QueueWorker<B::Item>, (kind::Queue, M)> for WorkerBuilder<B, kind::Queue> {
    fn start_on(self, handle: &QueueWorker<B::Item>) -> Result<()> {
        let capacity = self.kind.capacity;
        let BoxedBody(step) = self.body.into_body(Queue(handle.mailbox().clone()));
        let work = Work { step, pacer: None };
        start(handle, self.options, Kind::Queue, Duration::ZERO, capacity, work)
    }
}

impl Options {
    fn name_for<B>(&self) -> Cow<'static, str> {
        self.name.clone().unwrap_or_else(|| Cow::Borrowed(own_name::<B>()))
    }
}

fn start<H: Handle>(
    handle: &H,
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
            Some(ConfigError::new("queue", "0".into(), "is at least 1: leave it out for a queue without bound"))
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
    let supervisor = options.supervisor.as_ref().unwrap_or_else(|| task_supervisor());
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
        lane,
        work,
    })
}

impl<B, K: fmt::Debug> fmt::Debug for WorkerBuilder<B, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerBuilder")
            .field("kind", &self.kind)
            .field("name", &self.options.name)
            .field("priority", &self.options.priority)
            .finish_non_exhaustive()
    }
}
