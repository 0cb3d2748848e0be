//! A moment that may never come.

use std::time::{Duration, Instant};

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
