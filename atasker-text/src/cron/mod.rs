//! Cron lines: five fields, or six with the second first, or a name such as `@daily`.
//!
//! `croner` knows the language, lists, ranges, steps, names, `L`, `W` and `#`, and which days an expression means. What is
//! done here: the expression becomes a few masks, which is all that a search for the next time needs, and what is wrong is
//! told by its place in the text and by what to write instead.

mod fault;
mod field;

use std::ops::Range;

use croner::parser::{CronParser, Seconds, Year};
use croner::{CronComponent, Weekday};

pub use fault::Fault;
use field::{FIELDS, Placed};

/// The nicknames, and what they stand for.
const NICKNAMES: &[(&str, &str)] = &[
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// Days in the shortest month; there are four lengths of months from here on.
const SHORTEST: u32 = 28;

/// What a cron line means: which seconds, minutes, hours, months and days match. Bit `n` of a mask stands for `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expression {
    /// Bits 0 to 59.
    pub seconds: u64,
    /// Bits 0 to 59.
    pub minutes: u64,
    /// Bits 0 to 23.
    pub hours: u32,
    /// Whether hour and minute are plain numbers or lists of them, so that the expression names times of day, and not a
    /// rhythm.
    pub fixed: bool,
    /// Bits 1 to 12.
    months: u16,
    /// Days that match, bits 1 to 31, by the month's length from 28 on, and by the weekday of its first day from Sunday on:
    /// all that `L`, `W` and `#` depend on.
    days: [[u32; 7]; 4],
}

impl Expression {
    /// The days that match in a month, bits 1 to 31.
    ///
    /// `month` is from 1 to 12, `length` from 28 to 31, `first` the weekday of its first day, from 0, a Sunday, to 6.
    pub fn days(&self, month: u32, length: u32, first: u32) -> u32 {
        if self.months >> month & 1 == 0 {
            return 0;
        }
        self.days[(length - SHORTEST) as usize][first as usize]
    }

    /// Whether any date matches. Each month begins with each weekday in some year, a leap year's February too.
    fn ever_comes(&self) -> bool {
        let lengths = |month: u32| match month {
            2 => 28..=29,
            4 | 6 | 9 | 11 => 30..=30,
            _ => 31..=31,
        };
        (1..=12).any(|month| lengths(month).any(|length| (0..7).any(|first| self.days(month, length, first) != 0)))
    }
}

/// What `text` means.
///
/// # Errors
///
/// The fault says where the text is wrong, and what to write.
pub fn parse(text: &str) -> Result<Expression, Fault> {
    let words = words(text);
    let Some(first) = words.first() else {
        return Err(Fault::empty());
    };
    if text[first.clone()].starts_with('@') {
        return nickname(text, &words);
    }
    if let Some(fault) = Fault::of_count(text, &words) {
        return Err(fault);
    }
    let with_seconds = words.len() == FIELDS.len();
    let known = if with_seconds { FIELDS } else { &FIELDS[1..] };
    let fields: Vec<Placed<'_>> = (1..)
        .zip(known.iter().zip(&words))
        .map(|(place, (field, at))| Placed { field, text, at: at.clone(), place: (place, words.len()) })
        .collect();
    if let Some(fault) = fields.iter().find_map(Placed::objection) {
        return Err(fault);
    }
    let pattern = match parser().parse(&without_sundays(text, fields.last())) {
        Ok(cron) => cron.pattern,
        Err(error) => {
            let refused = fields.iter().find_map(Placed::refused);
            return Err(refused.unwrap_or_else(|| Fault::of_parser(text, &error)));
        }
    };
    let [.., minute, hour, day, month, _] = &words[..] else {
        return Err(Fault::empty());
    };
    let plain = |at: &Range<usize>| text[at.clone()].bytes().all(|letter| letter.is_ascii_digit() || letter == b',');
    let mut days = [[0; 7]; 4];
    for (length, by_first) in (SHORTEST..).zip(&mut days) {
        for (first, mask) in (0..).zip(by_first) {
            for day in 1..=length {
                // A month of that length; `croner` takes the weekday as it is told.
                let (year, month) = [(2023, 2), (2024, 2), (2024, 4), (2024, 1)][(length - SHORTEST) as usize];
                let weekday = Weekday::from_days_from_sunday(first + day - 1);
                let matches = matches!(pattern.day_match(year, month, day, weekday), Ok(true));
                *mask |= u32::from(matches) << day;
            }
        }
    }
    let expression = Expression {
        seconds: mask(&pattern.seconds),
        minutes: mask(&pattern.minutes),
        hours: u32::try_from(mask(&pattern.hours)).expect("an hour is below 24"),
        months: u16::try_from(mask(&pattern.months)).expect("a month is below 13"),
        fixed: plain(minute) && plain(hour),
        days,
    };
    if !expression.ever_comes() {
        return Err(Fault::never_comes(text, day, month));
    }
    Ok(expression)
}

fn nickname(text: &str, words: &[Range<usize>]) -> Result<Expression, Fault> {
    let whole = words[0].start..words[words.len() - 1].end;
    let typed = &text[whole.clone()];
    match NICKNAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(typed)) {
        Some((_, meaning)) => parse(meaning),
        None => Err(Fault::of_nickname(whole, typed, NICKNAMES)),
    }
}

fn parser() -> CronParser {
    CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build()
}

/// The same with each range from Sunday to Sunday written as the one day that it is. The parser takes `Sun-Sun` for the whole
/// week, as `0-7`, which alone of them is: there the two numbers for Sunday are what they are by themselves.
fn without_sundays(text: &str, days: Option<&Placed<'_>>) -> String {
    let mut text = text.to_owned();
    let ranges: Vec<_> = days.map(|days| days.ranges_of_one_day().collect()).unwrap_or_default();
    for range in ranges.into_iter().rev() {
        text.replace_range(range, "0");
    }
    text
}

/// Where each word of `text` is.
fn words(text: &str) -> Vec<Range<usize>> {
    let start = |word: &str| word.as_ptr().addr() - text.as_ptr().addr();
    text.split_whitespace().map(|word| start(word)..start(word) + word.len()).collect()
}

fn mask(field: &CronComponent) -> u64 {
    field.values().into_iter().fold(0, |mask, value| mask | 1 << value)
}

#[cfg(test)]
mod tests;
