//! Which times match on a clock that is never put forward or back.
//!
//! Such times are counted in seconds since 1970-01-01 00:00 of that clock, whatever its zone.

use atasker_text::cron::Expression;
use jiff::Timestamp;
use jiff::tz::Offset;

const DAY: i64 = 86_400;

/// The last year that there is.
const LAST_YEAR: i16 = 9999;

/// The first time that matches, from `from` on; `None` when the calendar ends.
pub(super) fn next(expression: &Expression, from: i64) -> Option<i64> {
    let day = from.div_euclid(DAY);
    let mut month = Month::of(day)?;
    let today = day_of(&month, day);
    let mut days = month.days(expression) & !0 << today;
    if days >> today & 1 == 1 {
        if let Some(time) = time_from(expression, second_of_day(from)) {
            return Some(day * DAY + time);
        }
        days &= !(1 << today);
    }
    while days == 0 {
        month = month.next()?;
        days = month.days(expression);
    }
    let day = month.first + i64::from(days.trailing_zeros()) - 1;
    Some(day * DAY + time_from(expression, 0)?)
}

/// How many times match from `from` to `to`, both included; not much more than `enough`, where there are more.
pub(super) fn count(expression: &Expression, from: i64, to: i64, enough: u64) -> u64 {
    if from > to {
        return 0;
    }
    let (first, last) = (from.div_euclid(DAY), to.div_euclid(DAY));
    let a_day = times_before(expression, DAY);
    let mut found = 0;
    let mut next = Month::of(first);
    while let Some(month) = next {
        let mut days = month.days(expression);
        if month.first <= first {
            let today = day_of(&month, first);
            days &= !0 << today;
            if days >> today & 1 == 1 {
                // Taken off before the whole day is added below.
                found += a_day - times_before(expression, second_of_day(from).into());
                days &= !(1 << today);
            }
        }
        let ends = last < month.first + i64::from(month.length);
        if ends {
            let today = day_of(&month, last);
            let within = times_before(expression, i64::from(second_of_day(to)) + 1);
            if first == last {
                let matches = month.days(expression) >> today & 1 == 1;
                let before = times_before(expression, second_of_day(from).into());
                return if matches { within - before } else { 0 };
            }
            if days >> today & 1 == 1 {
                found += within;
            }
            days &= (1 << today) - 1;
        }
        found += u64::from(days.count_ones()) * a_day;
        if ends || found >= enough {
            break;
        }
        next = month.next();
    }
    found
}

/// A month: all that an expression asks about it.
struct Month {
    year: i16,
    /// From 1.
    number: u32,
    /// Its first day, counted from 1970-01-01.
    first: i64,
    length: u32,
    /// The weekday of its first day, from 0, a Sunday.
    weekday: u32,
}

impl Month {
    /// The month that a day, counted from 1970-01-01, is in.
    fn of(day: i64) -> Option<Self> {
        let midnight = Timestamp::from_second(day.checked_mul(DAY)?).ok()?;
        let date = Offset::UTC.to_datetime(midnight).date();
        let number = u32::try_from(date.month()).expect("a month is from 1 to 12");
        Some(Self::new(date.year(), number, day - i64::from(date.day()) + 1))
    }

    fn new(year: i16, number: u32, first: i64) -> Self {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length = match number {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        // 1970-01-01 was a Thursday.
        let weekday = u32::try_from((first + 4).rem_euclid(7)).expect("a remainder by 7 is from 0 to 6");
        Self { year, number, first, length, weekday }
    }

    fn next(&self) -> Option<Self> {
        let (year, number) = if self.number == 12 { (self.year + 1, 1) } else { (self.year, self.number + 1) };
        (year <= LAST_YEAR).then(|| Self::new(year, number, self.first + i64::from(self.length)))
    }

    /// The days that match, bits 1 to 31.
    fn days(&self, expression: &Expression) -> u32 {
        expression.days(self.number, self.length, self.weekday)
    }
}

/// The day of the month, from 1, of a day that is in it.
fn day_of(month: &Month, day: i64) -> u32 {
    u32::try_from(day - month.first + 1).expect("the day is in the month")
}

fn second_of_day(time: i64) -> u32 {
    u32::try_from(time.rem_euclid(DAY)).expect("a day has 86,400 seconds")
}

/// The first time of day that matches, from second `from` of the day on.
fn time_from(expression: &Expression, from: u32) -> Option<i64> {
    let Expression { seconds, minutes, .. } = *expression;
    let hours = u64::from(expression.hours);
    let (hour, minute, second) = (from / 3600, from / 60 % 60, from % 60);
    let time = |hour: u32, minute: u32, second: u32| Some(i64::from(hour * 3600 + minute * 60 + second));
    if hours >> hour & 1 == 1 {
        if minutes >> minute & 1 == 1
            && let Some(second) = bit_from(seconds, second)
        {
            return time(hour, minute, second);
        }
        if let Some(minute) = bit_from(minutes, minute + 1) {
            return time(hour, minute, seconds.trailing_zeros());
        }
    }
    time(bit_from(hours, hour + 1)?, minutes.trailing_zeros(), seconds.trailing_zeros())
}

/// How many times of day match before second `before` of the day, which may be its last one's end.
fn times_before(expression: &Expression, before: i64) -> u64 {
    let Expression { seconds, minutes, .. } = *expression;
    let hours = u64::from(expression.hours);
    let below = |mask: u64, value: i64| u64::from((mask & ((1 << value) - 1)).count_ones());
    let has = |mask: u64, value: i64| mask >> value & 1;
    let (hour, minute, second) = (before / 3600, before / 60 % 60, before % 60);
    let a_minute = u64::from(seconds.count_ones());
    let an_hour = u64::from(minutes.count_ones()) * a_minute;
    let in_the_hour = below(minutes, minute) * a_minute + has(minutes, minute) * below(seconds, second);
    below(hours, hour) * an_hour + has(hours, hour) * in_the_hour
}

/// The lowest bit that is set, from bit `from` on, which is below 64.
fn bit_from(mask: u64, from: u32) -> Option<u32> {
    let rest = mask & !0 << from;
    (rest != 0).then(|| rest.trailing_zeros())
}
