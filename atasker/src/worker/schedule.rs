//! A worker's own schedule: what is asked for the next run after each.

use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use super::plan::Answer;
use crate::cron::Resolved;
use crate::panics::{Panic, contain};
use crate::time::When;

/// When a worker runs, where neither an interval nor a cron line says it: what is asked for the next run after each.
///
/// Closures are schedules too.
///
/// # Examples
///
/// Each pause twice as long as the one before:
///
/// ```
/// use std::sync::mpsc;
/// use std::time::Duration;
/// use atasker::{background_worker, ScheduleContext, When};
///
/// let mut pause = Duration::from_micros(1);
/// let doubling = move |cx: &ScheduleContext| {
///     pause *= 2;
///     Some(When::At(cx.now() + pause))
/// };
/// let (tell, told) = mpsc::channel();
/// let worker = background_worker(move || tell.send(()).unwrap()).schedule(doubling).start()?;
/// assert!(told.iter().take(5).count() == 5);
/// worker.stop();
/// # Ok::<(), atasker::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a schedule",
    note = "write `impl Schedule for` a type of yours, or a closure such as `|cx: &ScheduleContext| Some(When::At(..))`"
)]
pub trait Schedule: Send + 'static {
    /// When the next run is due; `None`: never, and the worker stops.
    ///
    /// Asked at the start (on the caller's thread, before the worker is there), after each run, and again for the same run
    /// when a pause ends or the wall clock was put back. What is past is due at once. It may take its time: nothing of the
    /// library waits for it but its worker. A panic is counted and told as one of a hook, and ends the worker.
    fn next(&mut self, cx: &ScheduleContext) -> Option<When>;

    /// How many runs were due since [`last`](ScheduleContext::last), and are not made up for: what the worker counts as
    /// missed. Asked before each `next` but the first. Default: none.
    fn skipped(&mut self, cx: &ScheduleContext) -> u64 {
        _ = cx;
        0
    }
}

impl<F: FnMut(&ScheduleContext) -> Option<When> + Send + 'static> Schedule for F {
    fn next(&mut self, cx: &ScheduleContext) -> Option<When> {
        self(cx)
    }
}

/// What a [`Schedule`] may ask.
#[derive(Clone, Copy, Debug)]
pub struct ScheduleContext {
    now: Instant,
    wall: SystemTime,
    last: Option<When>,
}

impl ScheduleContext {
    /// The time on the clock that never jumps. At the start, with the worker's `initial` added.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The time on the wall clock. At the start, with the worker's `initial` added.
    pub fn wall(&self) -> SystemTime {
        self.wall
    }

    /// What `next` gave the last time, if that was run: at the start, and before it, `None`.
    pub fn last(&self) -> Option<When> {
        self.last
    }
}

/// A cron line is a schedule whose zone is known. Of the user's, it becomes one by `WorkerBuilder::cron`.
impl Schedule for Resolved {
    fn next(&mut self, cx: &ScheduleContext) -> Option<When> {
        self.next_of(cx.wall(), on_wall(cx.last())).map(When::Wall)
    }

    fn skipped(&mut self, cx: &ScheduleContext) -> u64 {
        on_wall(cx.last()).map_or(0, |last| self.count_between(last, cx.wall()))
    }
}

fn on_wall(when: Option<When>) -> Option<SystemTime> {
    match when? {
        When::Wall(wall) => Some(wall),
        When::At(_) => None,
    }
}

/// A schedule, and what it said last.
pub(super) struct Pacer(Box<Pace>);

struct Pace {
    schedule: Box<dyn Schedule>,
    /// What it said last.
    said: Option<When>,
    /// The last of that which has been run.
    ran: Option<When>,
}

impl Pacer {
    pub(super) fn new(schedule: impl Schedule) -> Self {
        Self(Box::new(Pace { schedule: Box::new(schedule), said: None, ran: None }))
    }

    /// Its worker starts.
    pub(super) fn begin(&mut self, now: Instant, wall: SystemTime, initial: Duration) -> Result<Answer, Panic> {
        (self.0.said, self.0.ran) = (None, None);
        let (now, wall) = (now.checked_add(initial).unwrap_or(now), wall.checked_add(initial).unwrap_or(wall));
        self.ask(now, wall)
    }

    /// What it said last has been run.
    pub(super) fn ran(&mut self) {
        self.0.ran = self.0.said;
    }

    /// What it says now. Calls the user's code.
    pub(super) fn ask(&mut self, now: Instant, wall: SystemTime) -> Result<Answer, Panic> {
        let Pace { schedule, said, ran } = &mut *self.0;
        let cx = ScheduleContext { now, wall, last: *ran };
        let answer = contain(|| {
            let missed = if ran.is_some() { schedule.skipped(&cx) } else { 0 };
            Answer { next: schedule.next(&cx), missed }
        });
        *said = answer.as_ref().ok().and_then(|answer| answer.next);
        answer
    }
}

impl fmt::Debug for Pacer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pacer").field("said", &self.0.said).field("ran", &self.0.ran).finish_non_exhaustive()
    }
}
