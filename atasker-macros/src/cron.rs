//! Cron lines and time zones as the attributes take them: checked by the code that reads them when the program runs.

use std::ops::Range;

use atasker_text::{cron, nearest, zone};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{BinOp, Expr, Lit, LitStr};

use crate::errors::Errors;
use crate::keys::Entry;
use crate::paths::Tz;
use crate::values::{bare, example, given, negated};

/// The zones that have a word of their own.
const WORDS: &[&str] = &["Local", "Utc"];

/// `"0 9 * * Mon-Fri"`, or any expression that gives one, which is checked when the worker is started.
pub(crate) fn line(entry: &Entry, errors: &mut Errors) -> Option<TokenStream> {
    let expr = given(entry, errors)?;
    match bare(expr) {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => expression(text, errors),
            _ => {
                let key = &entry.key;
                errors.at(expr, format!("`{key}` takes a cron line: write `{}`", example(&key.to_string())));
                None
            }
        },
        other => Some(other.to_token_stream()),
    }
}

/// The text of a cron line, if it is one.
pub(crate) fn expression(literal: &LitStr, errors: &mut Errors) -> Option<TokenStream> {
    let text = literal.value();
    match cron::parse(&text) {
        Ok(_) => Some(literal.to_token_stream()),
        Err(fault) => {
            let message = format!("`cron` {fault}");
            match inside(literal, fault.at()) {
                Some(span) => errors.at_span(span, message),
                None => errors.at(literal, message + &drawn(&text, fault.at())),
            }
            None
        }
    }
}

/// `"Europe/Prague"`, `Local`, `Utc`, or any expression that converts into a `Tz`.
pub(crate) fn zone(entry: &Entry, errors: &mut Errors) -> Option<TokenStream> {
    let expr = given(entry, errors)?;
    let key = &entry.key;
    let message = match bare(expr) {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => {
                let name = text.value();
                let word = WORDS.iter().any(|word| word.eq_ignore_ascii_case(&name));
                match zone::find(&name) {
                    Err(unknown) if !word => format!("`{name}` {unknown}"),
                    _ => return Some(text.to_token_stream()),
                }
            }
            _ => format!(
                "`{key}` takes a time zone: write `{key} = \"Europe/Prague\"`, `{key} = Local` or `{key} = Utc`"
            ),
        },
        Expr::Path(path) => match path.path.get_ident() {
            Some(word) if WORDS.contains(&word.to_string().as_str()) => return Some(quote!(#Tz::#word)),
            Some(word) => match word_meant(&word.to_string()) {
                Some(near) => format!("unknown time zone `{word}`: did you mean `{near}`?"),
                None => return Some(expr.to_token_stream()),
            },
            None => return Some(expr.to_token_stream()),
        },
        // `Europe/Prague`, which is a division.
        Expr::Binary(division) if matches!(division.op, BinOp::Div(_)) => {
            let name = expr.to_token_stream().to_string().replace(' ', "");
            format!("the name of a time zone stands in quotes: write `{key} = \"{name}\"`")
        }
        other if negated(other) => {
            format!("`{key}` takes a time zone, not an offset: write `{key} = \"Europe/Prague\"`")
        }
        _ => return Some(expr.to_token_stream()),
    };
    errors.at(expr, message);
    None
}

/// The word that was mistyped, unless it is a constant of the user's.
fn word_meant(typed: &str) -> Option<&'static str> {
    let constant = !typed.chars().any(char::is_lowercase);
    let near = nearest(typed, WORDS)?;
    (!constant || near.eq_ignore_ascii_case(typed)).then_some(near)
}

/// The span of a part of a literal's text, where the compiler tells it (a stable one doesn't) and the text stands there as
/// it is, without escapes.
fn inside(literal: &LitStr, part: Range<usize>) -> Option<Span> {
    let token = literal.token();
    let source = token.to_string();
    let start = source.find('"')? + 1;
    let verbatim = source.get(start..).is_some_and(|rest| rest.starts_with(&literal.value()));
    if part.is_empty() || !verbatim {
        return None;
    }
    token.subspan(start + part.start..start + part.end)
}

/// The text once more with its part underlined, for a message that can't point at it.
fn drawn(text: &str, part: Range<usize>) -> String {
    let (before, marked) = (&text[..part.start], &text[part.clone()]);
    if text.trim() == marked || text.contains(char::is_control) {
        return String::new();
    }
    let (indent, length) = (before.chars().count(), marked.chars().count().max(1));
    format!("\n\n    {text}\n    {}{}", " ".repeat(indent), "^".repeat(length))
}

#[cfg(test)]
mod tests {
    use quote::quote;
    use syn::parse_quote;

    use super::{drawn, expression, zone};
    use crate::errors::Errors;
    use crate::keys::{Entry, Value};

    fn check(text: &str) -> Result<String, String> {
        let literal = syn::LitStr::new(text, proc_macro2::Span::call_site());
        let mut errors = Errors::default();
        match expression(&literal, &mut errors) {
            Some(tokens) => Ok(tokens.to_string()),
            None => Err(errors.into_tokens().to_string()),
        }
    }

    fn check_zone(value: syn::Expr) -> Result<String, String> {
        let entry = Entry { key: parse_quote!(tz), value: Value::Given(Box::new(value)) };
        let mut errors = Errors::default();
        match zone(&entry, &mut errors) {
            Some(tokens) => Ok(tokens.to_string().replace(' ', "")),
            None => Err(errors.into_tokens().to_string()),
        }
    }

    #[test]
    fn a_right_expression_is_handed_on_as_it_is() {
        for text in ["0 9 * * Mon-Fri", "*/5 * * * * *", "@daily", " 0 0 L * * "] {
            assert_eq!(check(text), Ok(format!("{text:?}")));
        }
    }

    #[test]
    fn a_wrong_expression_is_one_error_that_names_the_cure() {
        for (text, cure) in [
            ("61 * * * *", "`cron` has `61` in field 1 of 5, the minute: write 0 to 59"),
            ("0 9 * * Mno", "did you mean `Mon`?"),
            ("0 9 * *", "has 4 fields: write five fields"),
            ("0 0 30 2 *", "never comes, day `30` in month `2`"),
            ("@reboot", "`autostart`"),
        ] {
            let errors = check(text).expect_err(text);
            assert!(errors.contains(cure), "{errors}");
            assert_eq!(errors.matches("compile_error").count(), 1, "{errors}");
        }
    }

    #[test]
    fn the_wrong_part_is_underlined_where_it_is_not_all() {
        assert_eq!(drawn("0 61 * * *", 2..4), "\n\n    0 61 * * *\n      ^^");
        assert_eq!(drawn("0,,1 * * * *", 2..2), "\n\n    0,,1 * * * *\n      ^");
        assert_eq!(drawn("@now", 0..4), "");
    }

    #[test]
    fn zones_are_words_names_or_expressions() {
        assert_eq!(check_zone(parse_quote!(Local)), Ok("::atasker::Tz::Local".into()));
        assert_eq!(check_zone(parse_quote!(Utc)), Ok("::atasker::Tz::Utc".into()));
        for same in [
            quote!("Europe/Prague"),
            quote!("local"),
            quote!("UTC"),
            quote!(OFFICE),
            quote!(LOCALE),
            quote!(config.zone()),
        ] {
            let expected = same.to_string().replace(' ', "");
            assert_eq!(check_zone(syn::parse2(same).expect("it is an expression")), Ok(expected));
        }
    }

    #[test]
    fn a_wrong_zone_names_the_cure() {
        for (value, cure) in [
            (quote!("Europe/Pargue"), "did you mean `Europe/Prague`?"),
            (quote!("+02:00"), "is an offset"),
            (quote!(Europe / Prague), "write `tz = \\\"Europe/Prague\\\"`"),
            (quote!(local), "did you mean `Local`?"),
            (quote!(UTC), "did you mean `Utc`?"),
            (quote!(2), "`tz` takes a time zone: write"),
            (quote!(-2), "not an offset"),
        ] {
            let errors = check_zone(syn::parse2(value).expect("it is an expression")).expect_err(cure);
            assert!(errors.contains(cure), "{errors}");
        }
    }
}
