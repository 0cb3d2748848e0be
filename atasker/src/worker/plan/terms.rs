//! What a worker is started with, and what its plan is told.

use std::time::{Duration, Instant, SystemTime};

use super::super::details::Details;
use super::super::grid::MissedTick;
use crate::priority::Priority;
use crate::time::{Deadline, When};

/// What makes a worker run.
#[derive(Clone, Copy, Debug)]
pub(in crate::worker) enum Kind {
    Loop,
    Interval {
        every: Duration,
        missed: MissedTick,
    },
    Delay {
        gap: Duration,
    },
    /// By a schedule that its body keeps, and that is asked outside the plan's lock.
    Scheduled {
        is_cron: bool,
    },
    Event,
    Queue,
}

impl Kind {
    /// Whether the clock makes it run.
    pub(in crate::worker) fn is_timed(self) -> bool {
        matches!(self, Self::Interval { .. } | Self::Delay { .. } | Self::Scheduled { .. })
    }

    /// Whether it runs only because somebody else asks it to: then a stop drains it.
    pub(in crate::worker) fn is_asked(self) -> bool {
        matches!(self, Self::Event | Self::Queue)
    }
}

/// What a worker is started with.
#[derive(Clone, Debug)]
pub(in crate::worker) struct Terms {
    pub(in crate::worker) kind: Kind,
    pub(in crate::worker) priority: Priority,
    /// How long the first run waits.
    pub(in crate::worker) initial: Duration,
    /// What few workers have.
    pub(in crate::worker) details: Option<Box<Details>>,
}

/// What the clocks show.
#[derive(Clone, Copy, Debug)]
pub(in crate::worker) struct Now {
    pub(in crate::worker) at: Instant,
    /// Read only for a plan that [reads it](Plan::reads_wall).
    pub(in crate::worker) wall: Option<SystemTime>,
}

impl Now {
    pub(in crate::worker) fn wall(self) -> SystemTime {
        self.wall.expect("read for every plan that says so")
    }

    /// When that is, on the clock that never jumps, as it looks now.
    pub(in crate::worker) fn deadline(self, when: When) -> Deadline {
        match when {
            When::At(at) => Deadline::At(at),
            When::Wall(wall) => match wall.duration_since(self.wall()) {
                Ok(ahead) => Deadline::after(self.at, ahead),
                Err(behind) => Deadline::At(self.at.checked_sub(behind.duration()).unwrap_or(self.at)),
            },
        }
    }

    pub(super) fn has_come(self, when: When) -> bool {
        match when {
            When::At(at) => at <= self.at,
            When::Wall(wall) => wall <= self.wall(),
        }
    }
}

/// What a schedule says.
#[derive(Clone, Copy, Debug)]
pub(in crate::worker) struct Answer {
    /// `None`: there is no next run.
    pub(in crate::worker) next: Option<When>,
    /// Runs that were due meanwhile, and are skipped.
    pub(in crate::worker) missed: u64,
}
