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

    /// The next moment of the grid from `origin` in steps of `grain`; itself where `grain` is zero.
    pub(crate) fn rounded_up(self, origin: Instant, grain: Duration) -> Self {
        let Self::At(at) = self else { return self };
        let Some(over) = at.saturating_duration_since(origin).as_nanos().checked_rem(grain.as_nanos()) else {
            return self;
        };
        let over = u64::try_from(over).map_or(Duration::ZERO, Duration::from_nanos);
        if over.is_zero() { self } else { Self::after(at, grain.saturating_sub(over)) }
    }

    pub(crate) fn is_due(self, now: Instant) -> bool {
        matches!(self, Self::At(at) if at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_goes_up_to_the_grid_and_no_further() {
        let origin = Instant::now();
        let grain = Duration::from_micros(100);
        let at = |nanos| Deadline::after(origin, Duration::from_nanos(nanos));
        for (nanos, rounded) in [(0, 0), (1, 100_000), (99_999, 100_000), (100_000, 100_000), (250_001, 300_000)] {
            assert_eq!(at(nanos).rounded_up(origin, grain), at(rounded));
            assert_eq!(at(nanos).rounded_up(origin, Duration::ZERO), at(nanos));
        }
        assert_eq!(Deadline::Never.rounded_up(origin, grain), Deadline::Never);
    }
}
