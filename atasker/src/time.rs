//! Moments: on the clock that never jumps, on the one on the wall, and those that may never come.

use std::time::{Duration, Instant, SystemTime};

/// A moment that something is planned for: what a [`Schedule`](crate::Schedule) gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum When {
    /// On the clock that never jumps, and that no one can set.
    At(Instant),
    /// On the wall clock, in whatever zone it is shown: when the wall clock is set, it comes sooner or later by that.
    Wall(SystemTime),
}

impl From<Instant> for When {
    fn from(at: Instant) -> Self {
        Self::At(at)
    }
}

impl From<SystemTime> for When {
    fn from(at: SystemTime) -> Self {
        Self::Wall(at)
    }
}

/// From this on, what is planned so long ahead may come a little late, so that many are woken together.
const TOLERANT_FROM: Duration = Duration::from_millis(100);
/// However long ahead, nothing is made later than this.
const MAX_TOLERANCE: u32 = 1_000_000;

/// How late something may come that is planned so long ahead, where nobody has said: a thousandth.
pub(crate) fn tolerance(ahead: Duration) -> Duration {
    let ahead = u64::try_from(ahead.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(tolerance_in_nanos(ahead).into())
}

/// The same in nanoseconds.
pub(crate) fn tolerance_in_nanos(ahead: u64) -> u32 {
    if u128::from(ahead) < TOLERANT_FROM.as_nanos() {
        return 0;
    }
    u32::try_from(ahead / 1000).map_or(MAX_TOLERANCE, |tolerance| tolerance.min(MAX_TOLERANCE))
}

/// When something is due. `Never` is what a wait without an end, and a duration past the clock's range, comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deadline {
    At(Instant),
    Never,
}

impl Deadline {
    /// `delay` after `start`; never, where the clock can't count that far.
    pub(crate) fn after(start: Instant, delay: Duration) -> Self {
        start.checked_add(delay).map_or(Self::Never, Self::At)
    }

    /// `delay` from now.
    pub(crate) fn within(delay: Duration) -> Self {
        Self::after(Instant::now(), delay)
    }

    pub(crate) fn instant(self) -> Option<Instant> {
        match self {
            Self::At(at) => Some(at),
            Self::Never => None,
        }
    }

    pub(crate) fn is_due(self, now: Instant) -> bool {
        matches!(self, Self::At(at) if at <= now)
    }
}
