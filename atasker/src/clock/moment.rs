//! Moments as the queue of deadlines counts them.

use std::num::NonZeroU64;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::time::Deadline;

/// Nanoseconds since the clock was made, or on the wall clock since 292 years before 1970: half the size of an instant, and
/// compared in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

/// 1970 on the wall clock. A round number of seconds, so that round moments there are round here.
const EPOCH: u64 = 9_223_372_036_000_000_000;

impl Moment {
    /// Lies six centuries ahead, and stands for what lies beyond too.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    pub(super) fn of(deadline: Deadline, origin: Instant) -> Self {
        match deadline {
            Deadline::At(at) => Self::since(origin, at),
            Deadline::Never => Self::NEVER,
        }
    }

    pub(super) fn since(origin: Instant, at: Instant) -> Self {
        u64::try_from(at.saturating_duration_since(origin).as_nanos()).map_or(Self::NEVER, Self)
    }

    /// On the wall clock, which may show a time before 1970 where it was never set.
    pub(crate) fn on_wall(at: SystemTime) -> Self {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        match at.duration_since(UNIX_EPOCH) {
            Ok(since) => Self(EPOCH.saturating_add(nanos(since))),
            Err(before) => Self(EPOCH.saturating_sub(nanos(before.duration()))),
        }
    }

    /// As a number, for a word that threads share.
    pub(crate) fn to_bits(self) -> u64 {
        self.0
    }

    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The first tick after `now` of a grid that has one here and one each `nanos` nanoseconds.
    pub(crate) fn next_tick(self, nanos: NonZeroU64, now: Self) -> Self {
        let next = self.0.saturating_add(nanos.get());
        if next > now.0 {
            return Self(next);
        }
        let passed = now.0.saturating_sub(self.0) / nanos;
        Self(nanos.get().saturating_mul(passed.saturating_add(1)).saturating_add(self.0))
    }

    /// What it is on the wall clock.
    pub(crate) fn wall(self) -> Option<SystemTime> {
        let earliest = UNIX_EPOCH.checked_sub(Duration::from_nanos(EPOCH))?;
        (self != Self::NEVER).then_some(earliest)?.checked_add(Duration::from_nanos(self.0))
    }

    /// How long it is from `earlier` till this one.
    pub(crate) fn since_moment(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The next one on the grid of `grain` from the origin; itself where `grain` is zero.
    pub(super) fn rounded_up(self, grain: Duration) -> Self {
        self.rounded_up_to(u64::try_from(grain.as_nanos()).unwrap_or(u64::MAX))
    }

    /// The same in nanoseconds.
    pub(super) fn rounded_up_to(self, grain: u64) -> Self {
        if grain == 0 { self } else { self.0.checked_next_multiple_of(grain).map_or(Self::NEVER, Self) }
    }

    /// So much after it.
    pub(crate) fn later(self, by: Duration) -> Self {
        let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(by))
    }

    pub(super) fn deadline(self, origin: Instant) -> Deadline {
        if self == Self::NEVER { Deadline::Never } else { Deadline::after(origin, Duration::from_nanos(self.0)) }
    }

    /// Whether it has come at `now`. The one that stands for never has not.
    pub(super) fn is_due(self, now: Self) -> bool {
        self <= now && self != Self::NEVER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_goes_up_to_the_grid_and_no_further() {
        let grain = Duration::from_micros(100);
        for (nanos, rounded) in [(0, 0), (1, 100_000), (99_999, 100_000), (100_000, 100_000), (250_001, 300_000)] {
            assert_eq!(Moment(nanos).rounded_up(grain), Moment(rounded));
            assert_eq!(Moment(nanos).rounded_up(Duration::ZERO), Moment(nanos));
        }
        assert_eq!(Moment(u64::MAX - 1).rounded_up(grain), Moment::NEVER);
        assert_eq!(Moment::NEVER.rounded_up(grain), Moment::NEVER);
    }

    #[test]
    fn the_wall_clock_may_stand_before_1970() {
        let day = Duration::from_secs(86_400);
        let at = [UNIX_EPOCH - 365 * day, UNIX_EPOCH - day, UNIX_EPOCH, UNIX_EPOCH + 20_000 * day];
        let moments = at.map(Moment::on_wall);
        assert!(moments.is_sorted() && moments[1].since_moment(moments[0]) == 364 * day);
        assert_eq!(moments.map(|moment| moment.wall()), at.map(Some));
        // Beyond what can be counted, nothing comes early.
        assert_eq!(Moment::on_wall(UNIX_EPOCH + 200_000 * day), Moment::NEVER);
        assert_eq!(Moment::on_wall(UNIX_EPOCH - 200_000 * day), Moment(0));
    }

    #[test]
    fn ticks_stay_on_their_grid_and_come_after_now() {
        let every = NonZeroU64::new(10).expect("it is not zero");
        for (last, now, next) in [(0, 0, 10), (3, 5, 13), (3, 12, 13), (3, 13, 23), (3, 99, 103), (50, 3, 60)] {
            assert_eq!(Moment(last).next_tick(every, Moment(now)), Moment(next), "{last} {now}");
        }
        assert_eq!(Moment(1).next_tick(NonZeroU64::MAX, Moment(2)), Moment::NEVER);
        assert_eq!(Moment::NEVER.next_tick(every, Moment(2)), Moment::NEVER);
    }

    #[test]
    fn a_deadline_comes_back_as_it_was() {
        let origin = Instant::now();
        for delay in [0, 1, 1_000_000_007, 1 << 60].map(Duration::from_nanos) {
            let at = Deadline::after(origin, delay);
            assert_eq!(Moment::of(at, origin).deadline(origin), at);
        }
        assert_eq!(Moment::of(Deadline::Never, origin).deadline(origin), Deadline::Never);
        assert_eq!(Moment::of(Deadline::after(origin, Duration::from_secs(1 << 40)), origin), Moment::NEVER);
        assert!(!Moment::NEVER.is_due(Moment::NEVER));
    }
}
