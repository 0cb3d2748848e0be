//! Times of the calendar: a cron line in a time zone, and when it comes next.
//!
//! `atasker-text` knows the language, `zone` what a zone is called, `calendar` which dates and times of day match on a clock
//! that never changes, `walk` what becomes of them on a clock that does. Nothing here waits, or knows what it is asked for.

mod calendar;
mod walk;
mod zone;

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

use atasker_text::cron::{self, Expression};
use jiff::tz::TimeZone;
use once_cell::sync::OnceCell;

use crate::error::ConfigError;
pub(crate) use walk::Resolved;
pub use zone::Tz;

/// A cron line in a time zone: when something is to run, by the calendar.
///
/// Five fields, minute, hour, day of month, month and day of week; or six, with the second first. The smallest step is one
/// second.
///
/// | field | values | beside `*`, `1-5`, `*/2`, `1-10/3` and lists of them |
/// |---|---|---|
/// | second, minute | 0 to 59 | |
/// | hour | 0 to 23 | |
/// | day of month | 1 to 31 | `L` the last day, `15W` the working day nearest to the 15th, `LW` the last working day, `?` the same as `*` |
/// | month | 1 to 12, `Jan` to `Dec` | |
/// | day of week | 0 to 7, `Sun` to `Sat`; 0 and 7 are Sunday | `Mon#2` the second Monday of a month, `FriL` the last Friday, `?` the same as `*` |
///
/// Where neither the day of month nor the day of week is `*`, a day matches that has one of them; with a `+` before the day of
/// week (`0 0 13 * +Fri`), a day that has both. Names are taken in upper and lower case.
///
/// `@hourly`, `@daily` (or `@midnight`), `@weekly` (Sundays), `@monthly` and `@yearly` (or `@annually`) stand for the first
/// minute of each.
///
/// # When clocks change
///
/// Where hour and minute are plain numbers or lists of them (`30 2 * * *`, `0 9,17 * * Mon-Fri`, `@daily`), the expression
/// names **times of day**, and each comes once a day: when the clock on the wall first reaches or passes it. A time that is
/// skipped, as clocks go forward, comes right after the gap (several become one); of one that is shown twice, as they go back,
/// only the first counts.
///
/// All others (`*/15 * * * *`, `0 * * * *`, `0 9-17 * * *`) are **rhythms** of the time that really passes: they come whenever
/// the clock on the wall shows a time that matches, so not at all in a gap, and in both hours of one that is shown twice.
///
/// ```text
/// Europe/Prague, 2026-03-29        01:45  01:59│03:00  03:15        2026-10-25    02:30+02  02:59+02│02:00+01  02:30+01
/// 30 2 * * *                                   │ run                              run               │
/// */15 * * * *                     run         │ run    run                       run               │ run       run
/// ```
///
/// # Examples
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use atasker::Cron;
///
/// let mornings = Cron::parse("0 9 * * Mon-Fri")?.tz("Europe/Prague");
/// let friday = UNIX_EPOCH + Duration::from_secs(1_774_594_800);           // 2026-03-27 07:00 UTC
/// let first = mornings.next_after(friday)?.unwrap();
/// assert_eq!(first, friday + Duration::from_secs(3600));                  // 09:00 in Prague, UTC+1
/// let second = mornings.next_after(first)?.unwrap();
/// assert_eq!(second, first + Duration::from_secs(3 * 86_400 - 3600));     // Monday 09:00, UTC+2 by then
///
/// let error = Cron::parse("0 9 * * Mno").unwrap_err();
/// assert!(error.to_string().contains("did you mean `Mon`?"));
/// # Ok::<(), atasker::Error>(())
/// ```
#[derive(Clone)]
pub struct Cron {
    /// As it was written.
    text: Arc<str>,
    /// What it means.
    expression: Expression,
    tz: Tz,
    /// The rules of `tz`, looked up when they are first needed.
    zone: OnceCell<TimeZone>,
}

impl Cron {
    /// The times that `text` stands for, in [`Tz::Utc`].
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] of the field `cron` that says what is wrong, in which of the fields, and what to write; also where no
    /// date ever matches, such as `0 0 30 2 *`.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let expression =
            cron::parse(text).map_err(|fault| ConfigError::new("cron", format!("{text:?}"), fault.to_string()))?;
        Ok(Self { text: text.into(), expression, tz: Tz::Utc, zone: OnceCell::new() })
    }

    /// The same times on the clocks of `zone`. Default: [`Tz::Utc`].
    ///
    /// The zone itself is kept, and not an offset: what it means is looked up anew for each date. Whether there is a zone of
    /// that name is seen when the first time is asked for, or the worker is started.
    #[must_use]
    pub fn tz(mut self, zone: impl Into<Tz>) -> Self {
        self.tz = zone.into();
        self.zone = OnceCell::new();
        self
    }

    /// The first time after `after`, and never `after` itself. `None` when the calendar ends, which is in the year 9999.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] of the field `tz` where no zone has that name; it offers the nearest one.
    pub fn next_after(&self, after: SystemTime) -> Result<Option<SystemTime>, ConfigError> {
        Ok(walk::next_after(&self.expression, self.zone()?, after))
    }

    /// With its zone looked up: what can be asked for times without fail.
    pub(crate) fn resolve(&self) -> Result<Resolved, ConfigError> {
        Ok(Resolved::new(self.expression, self.zone()?.clone()))
    }

    fn zone(&self) -> Result<&TimeZone, ConfigError> {
        self.zone.get_or_try_init(|| self.tz.rules())
    }
}

/// What can be told to run by: a cron line, whose zone is UTC, or a [`Cron`].
pub trait IntoCron: sealed::Sealed {
    #[doc(hidden)]
    fn into_cron(self) -> Result<Cron, ConfigError>;
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::Cron {}
    impl Sealed for &str {}
    impl Sealed for String {}
}

impl IntoCron for Cron {
    fn into_cron(self) -> Result<Cron, ConfigError> {
        Ok(self)
    }
}

impl IntoCron for &str {
    fn into_cron(self) -> Result<Cron, ConfigError> {
        Cron::parse(self)
    }
}

impl IntoCron for String {
    fn into_cron(self) -> Result<Cron, ConfigError> {
        Cron::parse(&self)
    }
}

impl FromStr for Cron {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        Self::parse(text)
    }
}

/// The expression as it was written, without its zone.
impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cron").field("text", &self.text).field("tz", &self.tz).finish_non_exhaustive()
    }
}
