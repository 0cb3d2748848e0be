//! Durations as the attributes take them: `1`, `0.1`, `250ms`, `"1m 30s"`, or any expression of type `Duration`.
//!
//! Decimal digits are taken as they stand, so `0.1` is a hundred million nanoseconds and not what a float makes of it.

use std::fmt;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Expr, Lit};

use crate::errors::Errors;
use crate::paths::Duration;
use crate::values::{bare, negated};

/// Nanoseconds in each unit, by every name it has.
const UNITS: &[(&[&str], u128)] = &[
    (&["ns", "nsec", "nanos"], 1),
    (&["us", "\u{b5}s", "\u{3bc}s", "usec", "micros"], 1_000),
    (&["ms", "msec", "millis"], 1_000_000),
    (&["s", "sec", "secs", "second", "seconds"], NANOS),
    (&["m", "min", "mins", "minute", "minutes"], 60 * NANOS),
    (&["h", "hr", "hrs", "hour", "hours"], 3_600 * NANOS),
    (&["d", "day", "days"], 86_400 * NANOS),
];

const NANOS: u128 = 1_000_000_000;

/// Whether a duration of nothing makes sense where one is given.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Zero {
    Allowed,
    Refused,
}

/// The expression for the duration that `expr` stands for; `key` is what it was given to.
pub(crate) fn value(key: &str, expr: &Expr, zero: Zero, errors: &mut Errors) -> Option<TokenStream> {
    let nanos = match bare(expr) {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => number_and_unit(number.base10_digits(), number.suffix()),
            Lit::Float(number) => number_and_unit(number.base10_digits(), number.suffix()),
            Lit::Str(text) => text_in_units(&text.value()),
            _ => Err(Fault::NotADuration),
        },
        other if negated(other) => Err(Fault::Negative),
        other => return Some(other.to_token_stream()),
    };
    let split = nanos.and_then(|nanos| {
        if nanos == 0 && zero == Zero::Refused {
            return Err(Fault::Zero);
        }
        let secs = u64::try_from(nanos / NANOS).map_err(|_| Fault::TooLong)?;
        Ok((secs, u32::try_from(nanos % NANOS).unwrap_or_default()))
    });
    match split {
        Ok((secs, nanos)) => Some(quote!(#Duration::new(#secs, #nanos))),
        Err(fault) => {
            errors.at(expr, Located { key, fault });
            None
        }
    }
}

/// Whether `word` is a unit of time.
pub(crate) fn is_unit(word: &str) -> bool {
    unit(word).is_some()
}

fn unit(word: &str) -> Option<u128> {
    UNITS.iter().find(|(names, _)| names.contains(&word)).map(|(_, nanos)| *nanos)
}

/// Why something written for a duration is none.
#[derive(Debug, PartialEq)]
enum Fault {
    NotADuration,
    Malformed(String),
    Negative,
    Zero,
    NoUnit(String),
    UnknownUnit(String),
    TooFine,
    TooLong,
}

/// A number with the unit behind it; without one it is seconds.
fn number_and_unit(digits: &str, suffix: &str) -> Result<u128, Fault> {
    let nanos = if suffix.is_empty() { NANOS } else { known_unit(suffix)? };
    times(digits, nanos)
}

/// `"1m 30s"`: numbers with units, one after the other.
fn text_in_units(text: &str) -> Result<u128, Fault> {
    let mut rest = text.trim();
    if rest.starts_with('-') {
        return Err(Fault::Negative);
    }
    if rest.is_empty() {
        return Err(Fault::Malformed(text.to_owned()));
    }
    let mut sum = 0_u128;
    while !rest.is_empty() {
        let (digits, behind) = split_while(rest, |letter| letter.is_ascii_digit() || matches!(letter, '.' | '_'));
        if !digits.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(Fault::Malformed(text.to_owned()));
        }
        let (word, behind) = split_while(behind.trim_start(), char::is_alphabetic);
        if word.is_empty() {
            return Err(Fault::NoUnit(digits.to_owned()));
        }
        let nanos = times(&digits.replace('_', ""), known_unit(word)?)?;
        sum = sum.checked_add(nanos).ok_or(Fault::TooLong)?;
        rest = behind.trim_start();
    }
    Ok(sum)
}

fn split_while(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|letter| !belongs(letter)).unwrap_or(text.len()))
}

fn known_unit(word: &str) -> Result<u128, Fault> {
    unit(word).ok_or_else(|| Fault::UnknownUnit(word.to_owned()))
}

/// `digits`, such as `1.5` or `2e3`, times `nanos`, without rounding.
fn times(digits: &str, nanos: u128) -> Result<u128, Fault> {
    let malformed = || Fault::Malformed(digits.to_owned());
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let all = format!("{whole}{fraction}");
    if all.is_empty() || !all.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(malformed());
    }
    let number: u128 = all.parse().map_err(|_| Fault::TooLong)?;
    let exponent: i64 = exponent.parse().map_err(|_| malformed())?;
    let shift = exponent - i64::try_from(fraction.len()).map_err(|_| malformed())?;
    let power = u32::try_from(shift.unsigned_abs()).ok().and_then(|power| 10_u128.checked_pow(power));
    let scaled = number.checked_mul(nanos);
    match (number, scaled, power) {
        (0, ..) => Ok(0),
        (_, Some(scaled), Some(power)) if shift >= 0 => scaled.checked_mul(power).ok_or(Fault::TooLong),
        (_, Some(scaled), Some(power)) if scaled % power == 0 => Ok(scaled / power),
        _ if shift < 0 => Err(Fault::TooFine),
        _ => Err(Fault::TooLong),
    }
}

/// A fault with the key it was found at: the error's words.
struct Located<'a> {
    key: &'a str,
    fault: Fault,
}

impl fmt::Display for Located<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key;
        match &self.fault {
            Fault::NotADuration => write!(f, "`{key}` takes a duration: write `{key} = 1s`"),
            Fault::Malformed(text) => {
                write!(f, "`{text}` is not a duration: write numbers with units, such as `\"1m 30s\"`")
            }
            Fault::Negative => write!(f, "`{key}` cannot be negative: write the time to wait, such as `{key} = 1s`"),
            Fault::Zero if key == "jitter" => write!(f, "`{key}` cannot be zero: leave it out for runs on time"),
            Fault::Zero if matches!(key, "warn_after" | "error_after") => {
                write!(f, "`{key}` cannot be zero: leave it out, and nothing is reported")
            }
            Fault::Zero => write!(f, "`{key}` cannot be zero: leave it out for a worker that runs without a pause"),
            Fault::NoUnit(digits) => {
                write!(f, "a duration in quotes needs its unit: write `\"{digits}s\"`, or `{digits}` without quotes")
            }
            Fault::UnknownUnit(word) => {
                write!(f, "unknown unit `{word}`: use `ns`, `us`, `ms`, `s`, `m`, `h` or `d`")
            }
            Fault::TooFine => write!(f, "a duration has whole nanoseconds: write fewer decimals"),
            Fault::TooLong => write!(f, "`{key}` is longer than a `Duration` can be: write a shorter one"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, number_and_unit, text_in_units};

    #[test]
    fn a_bare_number_is_seconds() {
        assert_eq!(number_and_unit("1", ""), Ok(1_000_000_000));
        assert_eq!(number_and_unit("0.1", ""), Ok(100_000_000));
        assert_eq!(number_and_unit("1.", ""), Ok(1_000_000_000));
        assert_eq!(number_and_unit("2e3", ""), Ok(2_000_000_000_000));
        assert_eq!(number_and_unit("25e-1", ""), Ok(2_500_000_000));
        assert_eq!(number_and_unit("0.0", ""), Ok(0));
    }

    #[test]
    fn a_suffix_is_the_unit() {
        assert_eq!(number_and_unit("250", "ms"), Ok(250_000_000));
        assert_eq!(number_and_unit("1.5", "s"), Ok(1_500_000_000));
        assert_eq!(number_and_unit("10", "us"), Ok(10_000));
        assert_eq!(number_and_unit("10", "µs"), Ok(10_000));
        assert_eq!(number_and_unit("5", "ns"), Ok(5));
        assert_eq!(number_and_unit("5", "min"), number_and_unit("5", "m"));
        assert_eq!(number_and_unit("2", "h"), Ok(7_200_000_000_000));
        assert_eq!(number_and_unit("1", "d"), number_and_unit("24", "h"));
    }

    #[test]
    fn text_adds_its_parts_up() {
        assert_eq!(text_in_units("1m 30s"), Ok(90_000_000_000));
        assert_eq!(text_in_units("1h30m"), number_and_unit("90", "m"));
        assert_eq!(text_in_units(" 250 ms "), Ok(250_000_000));
        assert_eq!(text_in_units("1_000ms"), Ok(1_000_000_000));
    }

    #[test]
    fn decimals_are_exact_or_refused() {
        assert_eq!(number_and_unit("0.000000001", ""), Ok(1));
        assert_eq!(number_and_unit("0.0000000010", ""), Ok(1));
        assert_eq!(number_and_unit("0.1", "ns"), Err(Fault::TooFine));
        assert_eq!(number_and_unit("1e-99", ""), Err(Fault::TooFine));
    }

    #[test]
    fn what_is_no_duration_says_why() {
        assert_eq!(number_and_unit("1", "u64"), Err(Fault::UnknownUnit("u64".into())));
        assert_eq!(text_in_units("30"), Err(Fault::NoUnit("30".into())));
        assert_eq!(text_in_units("1m 30"), Err(Fault::NoUnit("30".into())));
        assert_eq!(text_in_units("1x"), Err(Fault::UnknownUnit("x".into())));
        assert_eq!(text_in_units("-1s"), Err(Fault::Negative));
        assert_eq!(text_in_units(""), Err(Fault::Malformed(String::new())));
        assert_eq!(text_in_units("soon"), Err(Fault::Malformed("soon".into())));
        assert_eq!(text_in_units("1.2.3s"), Err(Fault::Malformed("1.2.3".into())));
        assert_eq!(number_and_unit("99999999999999999999999999999999999999999", ""), Err(Fault::TooLong));
        assert_eq!(number_and_unit("1e40", ""), Err(Fault::TooLong));
    }
}
