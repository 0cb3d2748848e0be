//! The values of the keys of a schedule.

use atasker_text::nearest;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Expr, Lit};

use super::{bare, example, given, negated};
use crate::duration::{self, Zero};
use crate::errors::Errors;
use crate::keys::{Entry, Value};
use crate::paths::{Align, Jitter, MissedTick};

/// The words that a key takes, each a variant of a type of the library.
struct Words {
    /// What one of them is.
    noun: &'static str,
    words: &'static [(&'static str, &'static str)],
    /// All of them, for errors.
    list: &'static str,
    of: TokenStream,
}

/// `skip`, `burst`, `delay`, or any expression of type `MissedTick`.
pub(crate) fn missed(entry: &Entry, errors: &mut Errors) -> Option<TokenStream> {
    let words = &[("skip", "Skip"), ("burst", "Burst"), ("delay", "Delay")];
    let of = MissedTick.to_token_stream();
    word(entry, &Words { noun: "policy", words, list: "skip, burst or delay", of }, errors)
}

/// `wall`, `start`, or any expression of type `Align`.
pub(crate) fn align(entry: &Entry, errors: &mut Errors) -> Option<TokenStream> {
    let words = &[("wall", "Wall"), ("start", "Start")];
    let of = Align.to_token_stream();
    word(entry, &Words { noun: "alignment", words, list: "wall or start", of }, errors)
}

fn word(entry: &Entry, known: &Words, errors: &mut Errors) -> Option<TokenStream> {
    let expr = given(entry, errors)?;
    let Words { noun, words, list, of } = known;
    let key = entry.key.to_string();
    let word = match bare(expr) {
        Expr::Path(path) => path.path.get_ident(),
        Expr::Lit(_) => {
            errors.at(expr, format!("`{key}` takes {list}: write `{}`", example(&key)));
            return None;
        }
        _ => None,
    };
    let Some(word) = word else {
        return Some(expr.to_token_stream());
    };
    let typed = word.to_string();
    if let Some((_, variant)) = words.iter().find(|(known, _)| *known == typed) {
        let variant = syn::Ident::new(variant, word.span());
        return Some(quote!(#of::#variant));
    }
    let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    match nearest(&typed, &words) {
        Some(near) => errors.at(expr, format!("unknown {noun} `{typed}`: did you mean `{near}`?")),
        None if typed.chars().any(char::is_lowercase) => {
            errors.at(expr, format!("unknown {noun} `{typed}`: `{key}` takes {list}"));
        }
        None => return Some(expr.to_token_stream()),
    }
    None
}

/// `10%`, a duration, or any expression that becomes a `Jitter`.
pub(crate) fn jitter(entry: &Entry, errors: &mut Errors) -> Option<TokenStream> {
    let Value::Percent(percent) = &entry.value else {
        let expr = given(entry, errors)?;
        if let Expr::Lit(literal) = bare(expr)
            && let Lit::Str(text) = &literal.lit
            && let Some(number) = text.value().trim().strip_suffix('%')
        {
            errors.at(expr, format!("a percentage is written without quotes: write `jitter = {number}%`"));
            return None;
        }
        return duration::value("jitter", expr, Zero::Refused, errors);
    };
    let Ok(Lit::Int(number)) = syn::parse2(percent.number.to_token_stream()) else {
        errors.at(percent, "a percentage is a whole number: write `jitter = 10%`");
        return None;
    };
    match number.base10_parse::<u8>() {
        Ok(percent @ 1..=100) if number.suffix().is_empty() => Some(quote!(#Jitter::percent(#percent))),
        Ok(0) => {
            errors.at(percent, "`jitter` cannot be zero: leave it out for runs on time");
            None
        }
        _ => {
            errors.at(percent, "`jitter` is from 1% to 100% of the interval or delay: write `jitter = 10%`");
            None
        }
    }
}

/// How many runs there are: a whole number above zero, or any expression of type `u64`.
pub(crate) fn times(entry: &Entry, errors: &mut Errors) -> Option<TokenStream> {
    let expr = given(entry, errors)?;
    let message = match bare(expr) {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) if number.base10_digits() == "0" => {
                "a worker that runs zero times does nothing: write `times = 1`, or leave it out for no limit"
            }
            Lit::Int(number) if matches!(number.suffix(), "" | "u64") => return Some(expr.to_token_stream()),
            _ => "`times` takes a whole number of runs: write `times = 3`",
        },
        other if negated(other) => "`times` cannot be fewer than no runs: write `times = 3`",
        _ => return Some(expr.to_token_stream()),
    };
    errors.at(expr, message);
    None
}

/// A moment, which no literal is: any expression that becomes a `When`.
pub(crate) fn until(entry: &Entry, errors: &mut Errors) -> Option<TokenStream> {
    let expr = given(entry, errors)?;
    if matches!(bare(expr), Expr::Lit(_)) || negated(expr) {
        let cure = "write an expression, such as `until = Instant::now() + HOUR`, evaluated at each start";
        errors.at(expr, format!("`until` takes an `Instant` or a `SystemTime`: {cure}"));
        return None;
    }
    Some(expr.to_token_stream())
}
