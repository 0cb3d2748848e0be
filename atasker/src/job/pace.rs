//! When a light job is due: once, on a grid, or when the calendar says.

use std::num::NonZeroU64;
use std::time::{Duration, SystemTime};

use crate::clock::Moment;
use crate::cron::Resolved;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::time::{self, When};

/// How a job's moments follow each other.
pub(super) trait Pace: Send + Sync + 'static {
    /// There is one run only.
    const IS_ONCE: bool = false;

    /// Whether its moments are the wall clock's.
    fn is_on_wall(&self) -> bool;

    /// How much later it may come, in nanoseconds.
    fn tolerance(&self) -> u32;

    /// The moment after `due`, which has been run, and after `now`.
    fn next(&self, due: Moment, now: Moment) -> Moment;

    /// The wall clock was put back before `due`: when it is due instead.
    fn plan_anew(&self, due: Moment, now: Moment) -> Moment {
        _ = now;
        due
    }
}

/// Once.
pub(super) struct Once {
    on_wall: bool,
    tolerance: u32,
}

impl Once {
    /// At some moment that is so far ahead.
    pub(super) fn at(when: When, ahead: Duration) -> Self {
        Self {
            on_wall: matches!(when, When::Wall(_)),
            tolerance: time::tolerance_in_nanos(u64::try_from(ahead.as_nanos()).unwrap_or(u64::MAX)),
        }
    }
}

impl Pace for Once {
    const IS_ONCE: bool = true;

    fn is_on_wall(&self) -> bool {
        self.on_wall
    }

    fn tolerance(&self) -> u32 {
        self.tolerance
    }

    fn next(&self, _due: Moment, _now: Moment) -> Moment {
        Moment::NEVER
    }
}

/// On a grid, by the clock that never jumps. Ticks that pass during a run are missed, and the grid stays.
pub(super) struct Every(NonZeroU64);

impl Every {
    /// `None`: that is no period. One of six centuries or more never ends.
    pub(super) fn new(period: Duration) -> Option<Self> {
        NonZeroU64::new(u64::try_from(period.as_nanos()).unwrap_or(u64::MAX)).map(Self)
    }

    /// The first moment of a grid that begins now.
    pub(super) fn first(&self, now: Moment) -> Moment {
        self.next(now, now)
    }
}

impl Pace for Every {
    fn is_on_wall(&self) -> bool {
        false
    }

    fn tolerance(&self) -> u32 {
        time::tolerance_in_nanos(self.0.get())
    }

    fn next(&self, due: Moment, now: Moment) -> Moment {
        due.next_tick(self.0, now)
    }
}

/// By a cron line.
pub(super) struct Calendar {
    line: Box<Resolved>,
    /// The moment of the last run; 0: there was none.
    last: AtomicU64,
}

impl Calendar {
    pub(super) fn new(line: Resolved) -> Self {
        Self { line: Box::new(line), last: AtomicU64::new(0) }
    }

    pub(super) fn first(&self, now: SystemTime) -> Moment {
        self.after(None, now)
    }

    fn after(&self, last: Option<SystemTime>, now: SystemTime) -> Moment {
        self.line.next_of(now, last).map_or(Moment::NEVER, Moment::on_wall)
    }
}

impl Pace for Calendar {
    fn is_on_wall(&self) -> bool {
        true
    }

    fn tolerance(&self) -> u32 {
        0
    }

    fn next(&self, due: Moment, now: Moment) -> Moment {
        // Relaxed: read by the one who has the job next, which hands it over.
        self.last.store(due.to_bits(), Ordering::Relaxed);
        now.wall().map_or(Moment::NEVER, |now| self.after(due.wall(), now))
    }

    fn plan_anew(&self, _due: Moment, now: Moment) -> Moment {
        let last = match self.last.load(Ordering::Relaxed) {
            0 => None,
            last => Moment::from_bits(last).wall(),
        };
        now.wall().map_or(Moment::NEVER, |now| self.after(last, now))
    }
}
