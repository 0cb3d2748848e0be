//! The values of the keys of a schedule.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Expr, Lit};

use super::{bare, given, negated};
use crate::duration::{self, Zero};
use crate::errors::Errors;
use crate::keys::{Entry, Value};
use crate::paths::Jitter;

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
