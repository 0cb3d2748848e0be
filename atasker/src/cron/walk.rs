//! What becomes of the calendar's times on a clock that is put forward and back.
//!
//! A zone's clock is a row of spans with one offset each. A rhythm matches what the clock shows. A time of day matches when
//! the clock first reaches or passes it, that is when the latest time that it has ever shown, its high-water mark, does: in
//! a gap the mark jumps over it, and while the clock shows times again the mark stays. One rule for both.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use atasker_text::cron::Expression;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::calendar;

/// The first and last second that a zone can be asked about; two days are left for the offset.
const FIRST: i64 = -377_704_000_000;
const LAST: i64 = 253_402_000_000;

/// No offset is longer, so no clock shows anything of a moment that is further away than twice that.
const LONGEST_OFFSET: i64 = 26 * 3600;

/// More occurrences than these are not counted.
const MANY: u64 = 100_000;

/// An expression with the rules of its zone: answers at once and never fails.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    expression: Expression,
    zone: TimeZone,
}

impl Resolved {
    pub(super) fn new(expression: Expression, zone: TimeZone) -> Self {
        Self { expression, zone }
    }

    /// The first time after `after`; `None` when the calendar ends.
    pub(crate) fn next_after(&self, after: SystemTime) -> Option<SystemTime> {
        next_after(&self.expression, &self.zone, after)
    }

    /// The first time after `wall`, which the clock shows now, when `last` was the last time that was run.
    ///
    /// Where the clock was put back since, what has been run does not come again: times of day within three hours, the
    /// bound that cron itself draws between a correction and a new date, and rhythms within a minute, so that a time server's
    /// corrections don't make one run two.
    pub(crate) fn next_of(&self, wall: SystemTime, last: Option<SystemTime>) -> Option<SystemTime> {
        let correction = if self.expression.fixed { Duration::from_secs(3 * 3600) } else { Duration::from_secs(60) };
        let is_correction = |last: &SystemTime| last.duration_since(wall).is_ok_and(|back| back < correction);
        self.next_after(last.filter(is_correction).unwrap_or(wall))
    }

    /// How many times come after `after`, up to `until`, which is included: at most 100,000, where there are more.
    pub(crate) fn count_between(&self, after: SystemTime, until: SystemTime) -> u64 {
        let (after, until) = (second(after).max(FIRST), second(until).min(LAST));
        if after >= until {
            return 0;
        }
        let found = if self.expression.fixed {
            times_of_day(&self.expression, &self.zone, after, until)
        } else {
            rhythm(&self.expression, &self.zone, after, until)
        };
        found.min(MANY)
    }
}

pub(super) fn next_after(expression: &Expression, zone: &TimeZone, after: SystemTime) -> Option<SystemTime> {
    let after = second(after).max(FIRST);
    if after >= LAST {
        return None;
    }
    let next = if expression.fixed {
        next_time_of_day(expression, zone, after)
    } else {
        next_of_rhythm(expression, zone, after)
    };
    next.filter(|next| *next <= LAST).and_then(moment)
}

fn next_of_rhythm(expression: &Expression, zone: &TimeZone, after: i64) -> Option<i64> {
    for span in spans(zone, after + 1) {
        let next = calendar::next(expression, span.start + span.offset)? - span.offset;
        if next <= span.last {
            return Some(next);
        }
    }
    None
}

fn next_time_of_day(expression: &Expression, zone: &TimeZone, after: i64) -> Option<i64> {
    let wanted = calendar::next(expression, high_water(zone, after) + 1)?;
    // The clock can't show it sooner, however far it is ahead.
    let start = (wanted - LONGEST_OFFSET).max(after + 1);
    for span in spans(zone, start) {
        if span.start + span.offset >= wanted {
            return Some(span.start);
        }
        if span.last + span.offset >= wanted {
            return Some(wanted - span.offset);
        }
    }
    None
}

fn rhythm(expression: &Expression, zone: &TimeZone, after: i64, until: i64) -> u64 {
    let mut found = 0;
    for span in spans(zone, after + 1) {
        let last = span.last.min(until);
        found += calendar::count(expression, span.start + span.offset, last + span.offset, MANY);
        if last == until || found >= MANY {
            break;
        }
    }
    found
}

fn times_of_day(expression: &Expression, zone: &TimeZone, after: i64, until: i64) -> u64 {
    let mut found = 0;
    let mut high = high_water(zone, after);
    for span in spans(zone, after + 1) {
        let last = span.last.min(until);
        // All that a gap passes over comes at its end, and is one.
        let shown_first = span.start + span.offset;
        found += calendar::count(expression, high + 1, shown_first, 1).min(1);
        high = high.max(shown_first);
        let shown_last = last + span.offset;
        found += calendar::count(expression, high + 1, shown_last, MANY);
        high = high.max(shown_last);
        if last == until || found >= MANY {
            break;
        }
    }
    found
}

/// The latest time that the zone's clock has shown by `at`.
fn high_water(zone: &TimeZone, at: i64) -> i64 {
    let mut high = i64::MIN;
    for span in spans(zone, at - 2 * LONGEST_OFFSET) {
        high = high.max(span.last.min(at) + span.offset);
        if span.last >= at {
            break;
        }
    }
    high
}

/// A stretch of time with one offset.
struct Span {
    start: i64,
    last: i64,
    /// What is added to universal time, to have what the clock shows.
    offset: i64,
}

/// The spans of a zone from `start` on, the first of them cut there.
fn spans(zone: &TimeZone, start: i64) -> impl Iterator<Item = Span> {
    let at = timestamp(start);
    let mut offset = i64::from(zone.to_offset(at).seconds());
    let mut start = at.as_second();
    let mut changes = zone.following(at);
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let change = changes.next();
        ended = change.is_none();
        let end = change.as_ref().map_or(i64::MAX / 2, |change| change.timestamp().as_second());
        let span = Span { start, last: end - 1, offset };
        if let Some(change) = change {
            (start, offset) = (end, i64::from(change.offset().seconds()));
        }
        Some(span)
    })
}

fn timestamp(second: i64) -> Timestamp {
    Timestamp::from_second(second.clamp(FIRST - 3 * LONGEST_OFFSET, LAST)).expect("it is within the calendar")
}

/// The second that `at` is in.
fn second(at: SystemTime) -> i64 {
    match at.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(error) => {
            let before = error.duration();
            let whole = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
            -whole.saturating_add(i64::from(before.subsec_nanos() > 0))
        }
    }
}

/// The start of a second, where the system's clock can show it.
pub(super) fn moment(second: i64) -> Option<SystemTime> {
    let away = Duration::from_secs(second.unsigned_abs());
    if second < 0 { UNIX_EPOCH.checked_sub(away) } else { UNIX_EPOCH.checked_add(away) }
}
