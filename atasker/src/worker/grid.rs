//! The ticks of an interval: which comes next, and what becomes of those that passed.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::time::Deadline;

/// What an interval worker does about ticks that passed while it could not run. The words are tokio's.
///
/// ```text
/// every 1 s    tick 0    1         2         3         4         5
/// Skip         [ runs 1.5 s ]      [ ... ]   [ ... ]   [ ... ]       tick 1 is missed; starts stay on the grid
/// Burst        [ runs 1.5 s ][ ][ ][ ... ]   [ ... ]   [ ... ]       every tick has its run, late ones at once
/// Delay        [ runs 1.5 s ][ ... ]   [ ... ]   [ ... ]             a late tick runs at once, the grid moves
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MissedTick {
    /// They are skipped and counted; starts stay on the grid. The default.
    #[default]
    Skip,
    /// Each has its run, as soon as possible.
    Burst,
    /// The first has its run as soon as possible, and the grid goes on from there.
    Delay,
}

/// The tick after `last`, and how many are missed by that.
pub(super) fn next(last: Instant, every: Duration, missed: MissedTick, now: Instant) -> (Deadline, u64) {
    let next = Deadline::after(last, every);
    let Deadline::At(late) = next else { return (next, 0) };
    if late > now {
        return (next, 0);
    }
    let passed = ticks_passed(late, every, now);
    match missed {
        MissedTick::Skip => (after_ticks(late, every, passed), passed),
        MissedTick::Burst => (next, 0),
        MissedTick::Delay => (Deadline::At(now), passed - 1),
    }
}

/// The first tick that has not passed at `now`, of a grid on which the passed `tick` lies.
pub(super) fn first_from(tick: Instant, every: Duration, now: Instant) -> Deadline {
    let passed = now.saturating_duration_since(tick).as_nanos().div_ceil(every.as_nanos().max(1));
    after_ticks(tick, every, u64::try_from(passed).unwrap_or(u64::MAX))
}

/// How many ticks of a grid have come between `first` and `now`, the first included.
fn ticks_passed(first: Instant, every: Duration, now: Instant) -> u64 {
    let passed = now.saturating_duration_since(first).as_nanos() / every.as_nanos().max(1);
    u64::try_from(passed).unwrap_or(u64::MAX).saturating_add(1)
}

/// The tick that many periods after `first`.
fn after_ticks(first: Instant, every: Duration, ticks: u64) -> Deadline {
    Deadline::after(first, nanos(every.as_nanos().saturating_mul(u128::from(ticks))))
}

fn nanos(nanos: u128) -> Duration {
    u64::try_from(nanos / 1_000_000_000).map_or(Duration::MAX, |secs| {
        Duration::new(secs, u32::try_from(nanos % 1_000_000_000).expect("below a billion"))
    })
}

/// On the wall clock: the round multiple of `every`, counted from 1970 in UTC, that comes after both the last tick and
/// now, and how many were missed by that.
///
/// Where the wall clock was put back by less than a period since the last tick, that does not come again.
pub(super) fn next_on_wall(
    last: Option<SystemTime>,
    every: Duration,
    missed: MissedTick,
    now: SystemTime,
) -> (Option<SystemTime>, u64) {
    let [now, last] = [Some(now), last].map(|at| at.map(|at| at.duration_since(UNIX_EPOCH).unwrap_or_default()));
    let (now, every) = (now.unwrap_or_default().as_nanos(), every.as_nanos().max(1));
    let last = last.map(|last| last.as_nanos()).filter(|last| *last < now.saturating_add(every));
    let reached = now.max(last.unwrap_or(0)) / every;
    let passed = last.map_or(0, |last| reached - last / every);
    let (next, missed) = match (missed, last) {
        (MissedTick::Burst, Some(last)) => (last / every + 1, 0),
        _ => (reached + 1, passed),
    };
    let next = UNIX_EPOCH.checked_add(nanos(next.saturating_mul(every)));
    (next, u64::try_from(missed).unwrap_or(u64::MAX))
}

/// The first round multiple of `every` that does not come before `from`.
pub(super) fn multiple_from(from: SystemTime, every: Duration) -> Option<SystemTime> {
    let (from, every) = (from.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos(), every.as_nanos().max(1));
    UNIX_EPOCH.checked_add(nanos(from.div_ceil(every).saturating_mul(every)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn wall(secs: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(secs)
    }

    #[test]
    fn a_grid_on_the_wall_has_round_multiples() {
        for (now, first) in [(0, 0), (1, 60), (60, 60), (61, 120)] {
            assert_eq!(multiple_from(wall(now), MINUTE), Some(wall(first)));
        }
        for (last, now, next, missed) in [
            (None, 61, 120, 0),
            (Some(60), 61, 120, 0),
            // A run that took three minutes.
            (Some(60), 250, 300, 3),
            // Put back by a second: what has run does not come again.
            (Some(120), 119, 180, 0),
            // Put back by an hour: the grid is where the clock is.
            (Some(7200), 3601, 3660, 0),
        ] {
            let found = next_on_wall(last.map(wall), MINUTE, MissedTick::Skip, wall(now));
            assert_eq!(found, (Some(wall(next)), missed), "{last:?} at {now}");
        }
        assert_eq!(next_on_wall(Some(wall(60)), MINUTE, MissedTick::Burst, wall(250)), (Some(wall(120)), 0));
        assert_eq!(multiple_from(wall(1), Duration::MAX), None);
    }
}
