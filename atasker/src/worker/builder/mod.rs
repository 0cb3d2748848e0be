//! Workers without an attribute: a body, what makes it run, and every key as a method.

pub mod kind;
mod start;
mod timing;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::body::ErrorHook;
use super::details::Wishes;
use super::grid::MissedTick;
use super::outcome::WorkerError;
use super::schedule::{Pacer, Schedule};
use crate::cron::IntoCron;
use crate::priority::Priority;
use crate::supervisor::Supervisor;
pub(super) use start::StartOn;

/// Makes a worker of a closure, a fn, or a struct with [`Worker`](crate::Worker) (or
/// [`QueueBody`](crate::QueueBody)): what `#[background_worker]` does, by hand.
///
/// Without another word it runs again and again; [`interval`](WorkerBuilder::interval), [`delay`](WorkerBuilder::delay),
/// [`cron`](WorkerBuilder::cron), [`schedule`](WorkerBuilder::schedule), [`queue`](WorkerBuilder::queue) and
/// [`event`](WorkerBuilder::event) choose otherwise. A closure's types are written out.
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

impl<B, K: fmt::Debug> fmt::Debug for WorkerBuilder<B, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerBuilder")
            .field("kind", &self.kind)
            .field("name", &self.options.name)
            .field("priority", &self.options.priority)
            .finish_non_exhaustive()
    }
}
