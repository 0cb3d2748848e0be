//! What is wrong with an expression, where, and what to write instead.

use std::fmt;
use std::ops::Range;

use croner::errors::CronError;

use crate::nearest::nearest;

const SHAPE: &str = "write five fields (minute, hour, day of month, month, day of week), such as `0 9 * * Mon-Fri`, or six with the second first";

/// Why a text is no cron line. Shown, it is a sentence whose subject, the expression, is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    at: Range<usize>,
    message: String,
}

impl Fault {
    /// Which bytes of the text are wrong.
    pub fn at(&self) -> Range<usize> {
        self.at.clone()
    }

    pub(super) fn new(at: Range<usize>, message: String) -> Self {
        Self { at, message }
    }

    pub(super) fn empty() -> Self {
        Self { at: 0..0, message: format!("is empty: {SHAPE}") }
    }

    /// What is wrong with the number of words, or with what isn't a field at all.
    pub(super) fn of_count(text: &str, words: &[Range<usize>]) -> Option<Self> {
        let whole = words.first()?.start..words.last()?.end;
        let first = &text[words[0].clone()];
        if let Some((_, zone)) = first.split_once('=').filter(|(key, _)| key.to_ascii_uppercase().ends_with("TZ")) {
            let message = format!("has a time zone in it: write `tz = \"{zone}\"` beside it");
            return Some(Self { at: words[0].clone(), message });
        }
        let message = match words.len() {
            5 | 6 => return None,
            7 => format!("has 7 fields, and years are not known here: {SHAPE}"),
            1 => format!("has 1 field: {SHAPE}"),
            many => format!("has {many} fields: {SHAPE}"),
        };
        // What is too much is wrong; where something is missing, all of it is.
        let at = if words.len() > 6 { words[6].start..whole.end } else { whole };
        Some(Self { at, message })
    }

    pub(super) fn of_nickname(at: Range<usize>, typed: &str, known: &[(&str, &str)]) -> Self {
        let word = typed.split_whitespace().next().unwrap_or(typed).to_ascii_lowercase();
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let message = match (word.as_str(), nearest(typed, &names)) {
            ("@reboot", _) => {
                "is `@reboot`, which is no time: a worker starts with its supervisor by `autostart`".to_owned()
            }
            ("@every", _) => format!("is `{typed}`, which is no time of day: write `interval = 5m` instead"),
            (_, Some(name)) => format!("is `{typed}`, which is not known: did you mean `{name}`?"),
            (_, None) => format!("is `{typed}`, which is not known: write one of {}", names.join(", ")),
        };
        Self { at, message }
    }

    pub(super) fn never_comes(text: &str, day: &Range<usize>, month: &Range<usize>) -> Self {
        let (days, months) = (&text[day.clone()], &text[month.clone()]);
        let message = format!(
            "asks for a date that never comes, day `{days}` in month `{months}`: write a day that the month has"
        );
        Self { at: day.start..month.end, message }
    }

    /// What the parser refuses although each field is right by itself.
    pub(super) fn of_parser(text: &str, error: &CronError) -> Self {
        Self { at: 0..text.len(), message: format!("can't be read ({error}): {SHAPE}") }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}
