//! The fields of an expression, one by one: what each takes, and what is wrong with one.
//!
//! `croner` refuses what it can't read, but it leaves an empty item out, and takes the name of a month for its number in
//! any field. Both are refused here, and so is a step that never comes round.

use std::ops::Range;

use super::fault::Fault;
use super::parser;
use crate::nearest::nearest;

/// One field: what it is called and what it takes.
pub(super) struct Field {
    pub(super) name: &'static str,
    least: u32,
    most: u32,
    /// Names for the numbers from `first_name` on.
    names: &'static [&'static str],
    first_name: u32,
    /// What it takes, for errors that say so.
    takes: &'static str,
    /// The unit of an interval that takes the place of a step that is too long.
    unit: Option<&'static str>,
}

const DAYS: &[&str] = &["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

const MONTHS: &[&str] = &["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// All six; an expression of five begins with the second of them.
pub(super) const FIELDS: &[Field] = &[
    Field {
        name: "second",
        least: 0,
        most: 59,
        names: &[],
        first_name: 0,
        takes: "0 to 59, `*`, `0-30`, `*/15`, or a list such as `0,30`",
        unit: Some("s"),
    },
    Field {
        name: "minute",
        least: 0,
        most: 59,
        names: &[],
        first_name: 0,
        takes: "0 to 59, `*`, `0-30`, `*/15`, or a list such as `0,30`",
        unit: Some("m"),
    },
    Field {
        name: "hour",
        least: 0,
        most: 23,
        names: &[],
        first_name: 0,
        takes: "0 to 23, `*`, `9-17`, `*/6`, or a list such as `6,18`",
        unit: Some("h"),
    },
    Field {
        name: "day of month",
        least: 1,
        most: 31,
        names: &[],
        first_name: 0,
        takes: "1 to 31, `*`, `1-7`, `*/2`, a list such as `1,15`, `L` for the last day, `15W` for the working day nearest to the 15th, `LW` for the last working day",
        unit: None,
    },
    Field {
        name: "month",
        least: 1,
        most: 12,
        names: MONTHS,
        first_name: 1,
        takes: "1 to 12, `Jan` to `Dec`, `*`, `Mar-Oct`, `*/3`, or a list such as `Jan,Jul`",
        unit: None,
    },
    Field {
        name: "day of week",
        least: 0,
        most: 7,
        names: DAYS,
        first_name: 0,
        takes: "`Sun` to `Sat`, 0 to 7, `*`, `Mon-Fri`, a list such as `Sat,Sun`, `Mon#2` for the second Monday, `FriL` for the last Friday",
        unit: None,
    },
];

/// A field where it stands in a text.
pub(super) struct Placed<'a> {
    pub(super) field: &'static Field,
    pub(super) text: &'a str,
    pub(super) at: Range<usize>,
    /// Which of how many fields it is.
    pub(super) place: (usize, usize),
}

impl Placed<'_> {
    /// What is wrong with it although the parser may take it, or is told better than by the parser.
    pub(super) fn objection(&self) -> Option<Fault> {
        let objection =
            self.items().find_map(|item| Some(self.fault(item.clone(), &self.field.objection(&self.text[item])?)));
        let last = |word: &str| self.items().any(|item| self.text[item].eq_ignore_ascii_case(word));
        objection.or_else(|| {
            let both = last("L") && last("LW");
            both.then(|| self.fault(self.at.clone(), "`L` and `LW` do not go together: leave one of them out"))
        })
    }

    /// The item that the parser refuses.
    pub(super) fn refused(&self) -> Option<Fault> {
        let index = FIELDS.iter().position(|field| field.name == self.field.name)?;
        let refused = |item: &Range<usize>| {
            let mut alone = ["0", "0", "0", "*", "*", "*"];
            alone[index] = &self.text[item.clone()];
            parser().parse(&alone.join(" ")).is_err()
        };
        self.items().find(refused).map(|item| self.fault(item, &format!("write {}", self.field.takes)))
    }

    /// Where each item of the list is.
    fn items(&self) -> impl Iterator<Item = Range<usize>> {
        // The plus binds the field, not its first item.
        let bound = self.field.is_day_of_week() && self.text[self.at.clone()].starts_with('+');
        let mut start = self.at.start + usize::from(bound);
        self.text[start..self.at.end].split(',').map(move |item| {
            let at = start..start + item.len();
            start = at.end + 1;
            at
        })
    }

    /// Where ranges from Sunday to Sunday are, with their steps, in the field of weekdays.
    pub(super) fn ranges_of_one_day(&self) -> impl Iterator<Item = Range<usize>> {
        let of_one = |item: &Range<usize>| {
            let text = &self.text[item.clone()];
            let range = text.split('/').next().unwrap_or(text);
            let Some((from, to)) = range.split_once('-') else { return false };
            let is_sunday = |word: &str| matches!(self.field.number(word), Some(0 | 7));
            is_sunday(from) && is_sunday(to) && (from, to) != ("0", "7")
        };
        self.items().filter(move |item| self.field.is_day_of_week() && of_one(item))
    }

    fn fault(&self, at: Range<usize>, cure: &str) -> Fault {
        let item = &self.text[at.clone()];
        let what = if item.is_empty() { "nothing where a value should be".to_owned() } else { format!("`{item}`") };
        let (place, many) = self.place;
        Fault::new(at, format!("has {what} in field {place} of {many}, the {}: {cure}", self.field.name))
    }
}

impl Field {
    fn is_day_of_week(&self) -> bool {
        self.most == 7
    }

    fn is_day_of_month(&self) -> bool {
        self.most == 31
    }

    /// What is wrong with an item, where that is something that can be told well.
    fn objection(&self, item: &str) -> Option<String> {
        if item.is_empty() {
            return Some("leave out the comma".to_owned());
        }
        if !item.is_ascii() {
            return Some(format!("write {}", self.takes));
        }
        self.wrong_name(item).or_else(|| self.wrong_step(item)).or_else(|| self.wrong_range(item)).or_else(|| {
            let too_large = numbers(item).into_iter().find(|number| !(self.least..=self.most).contains(number));
            // Behind `#` and `/` stand other numbers; those are left to the parser.
            too_large.filter(|_| !item.contains(['#', '/'])).map(|_| format!("write {}", self.takes))
        })
    }

    fn wrong_name(&self, item: &str) -> Option<String> {
        let plain = item.strip_suffix(['L', 'l']).filter(|_| self.is_day_of_week()).unwrap_or(item);
        if self.is_day_of_week() && plain.is_empty() {
            return Some("`L` stands behind a day: write `FriL` for the last Friday".to_owned());
        }
        for word in plain.split(|letter: char| !letter.is_ascii_alphabetic()).filter(|word| !word.is_empty()) {
            let known = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(word));
            if known(self.names) || self.is_day_of_month() && known(&["L", "W", "LW"]) {
                continue;
            }
            let begun = |name: &&&str| word.get(..3).is_some_and(|begin| begin.eq_ignore_ascii_case(name));
            let meant = self.names.iter().find(begun).copied().or_else(|| nearest(word, self.names));
            return Some(match meant {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("write {}", self.takes),
            });
        }
        None
    }

    fn wrong_step(&self, item: &str) -> Option<String> {
        let (range, step) = item.split_once('/')?;
        let steps: u32 = step.parse().ok()?;
        let values = self.most - self.least + u32::from(!self.is_day_of_week());
        if steps == 0 {
            return Some("a step is 1 or more".to_owned());
        }
        if steps > values {
            let unit = self.unit.filter(|_| range == "*");
            let instead = unit.map(|unit| format!(", or `interval = {steps}{unit}`")).unwrap_or_default();
            return Some(format!("it starts anew after {}, so a step is at most {values}{instead}", self.most));
        }
        if range.is_empty() {
            return Some(format!("write `*/{step}`"));
        }
        let from = self.number(range).filter(|from| (self.least..=self.most).contains(from));
        from.map(|_| format!("write `{range}-{}/{step}`", self.most))
    }

    fn wrong_range(&self, item: &str) -> Option<String> {
        let (range, rest) = item.split_at(item.find(['/', '#']).unwrap_or(item.len()));
        let (from, to) = range.split_once('-')?;
        let (low, high) = (self.number(from)?, self.number(to)?);
        if low <= high || !(self.least..=self.most).contains(&low) || !(self.least..=self.most).contains(&high) {
            return None;
        }
        if self.is_day_of_week() && high == 0 {
            // Sunday is the last day of a range as well as the first, but as a number only 7 is the last.
            return (!to.eq_ignore_ascii_case("Sun")).then(|| format!("write `{from}-Sun{rest}`"));
        }
        if !rest.is_empty() {
            return Some("a range goes upwards: write two of them".to_owned());
        }
        let (first, last) = match self.names {
            _ if self.is_day_of_week() => ("Mon".to_owned(), "Sun".to_owned()),
            [first, .., last] => ((*first).to_owned(), (*last).to_owned()),
            _ => (self.least.to_string(), self.most.to_string()),
        };
        let part = |from: &str, to: &str| match self.number(from) == self.number(to) {
            true => from.to_owned(),
            false => format!("{from}-{to}"),
        };
        Some(format!("a range goes upwards: write `{},{}`", part(from, &last), part(&first, to)))
    }

    /// The number that `word` stands for.
    fn number(&self, word: &str) -> Option<u32> {
        let by_name = (self.first_name..).zip(self.names).find(|(_, name)| name.eq_ignore_ascii_case(word));
        by_name.map(|(number, _)| number).or_else(|| word.parse().ok())
    }
}

/// The numbers in `item`; one that is too long to be one is taken for the largest.
fn numbers(item: &str) -> Vec<u32> {
    let words = item.split(|letter: char| !letter.is_ascii_digit()).filter(|word| !word.is_empty());
    words.map(|word| word.parse().unwrap_or(u32::MAX)).collect()
}
