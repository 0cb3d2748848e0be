//! The values of keys: what each key takes, and the expression it becomes.

mod timing;
mod words;

use atasker_text::nearest;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, Lit, LitBool, LitStr, UnOp};

use crate::duration::Zero;
use crate::errors::Errors;
use crate::item::edges;
use crate::keys::{Entry, Value};
use crate::paths::Priority;

pub(crate) use timing::{jitter, times, until};
pub(crate) use words::{align, missed, on_signal};

const PRIORITIES: &[&str] = &["Low", "Normal", "High", "Critical"];

/// How to write a key, for errors that say so.
pub(crate) fn example(key: &str) -> String {
    let value = match key {
        "interval" | "delay" | "initial" => "1s",
        "cron" => "\"0 9 * * Mon-Fri\"",
        "tz" => "\"Europe/Prague\"",
        "schedule" => "MySchedule::new()",
        "jitter" => "10%",
        "times" => "3",
        "until" => "Instant::now() + HOUR",
        "align" => "wall",
        "tolerance" => "10ms",
        "priority" => "High",
        "name" => "\"a name\"",
        "lane" => "\"io\"",
        "supervisor" => "my_supervisor()",
        "companion" => "false",
        "missed" => "skip",
        "on_signal" => "cancel",
        "on_error" => "|error| eprintln!(\"{error}\")",
        "queue" => "1024",
        "event" | "autostart" | "precise" => return key.to_owned(),
        "pool_size" => "20",
        "reserve_normal" | "reserve_high" => "5",
        "critical_max" => "256",
        "min_threads" | "async_threads" => "2",
        "max_nesting" => "64",
        "stack_size" => "4 * 1024 * 1024",
        "keep_alive" | "warn_after" | "error_after" | "grace" => "10s",
        "thread_name" => "\"a name\"",
        "task_times" => "true",
        _ => "value",
    };
    format!("{key} = {value}")
}

/// The value of a key that needs one.
pub(crate) fn given<'a>(entry: &'a Entry, errors: &mut Errors) -> Option<&'a Expr> {
    match &entry.value {
        Value::Given(expr) => Some(expr),
        Value::Broken => None,
        Value::Percent(percent) => {
            let key = entry.key.to_string();
            errors.at(percent, format!("only `jitter` takes a percentage: write `{}`", example(&key)));
            None
        }
        Value::Absent => {
            let key = &entry.key;
            errors.at(key, format!("`{key}` needs a value: write `{}`", example(&key.to_string())));
            None
        }
    }
}

/// Notes a value behind a key that takes none.
pub(crate) fn flag(entry: &Entry, errors: &mut Errors) {
    let key = &entry.key;
    let alone = format!("write `{key}` alone");
    match &entry.value {
        Value::Given(expr) => {
            let cure = match truth(expr) {
                Some(LitBool { value: false, .. }) => "leave it out",
                _ => &alone,
            };
            errors.at(expr, format!("`{key}` takes no value: {cure}"));
        }
        Value::Percent(percent) => errors.at(percent, format!("`{key}` takes no value: {alone}")),
        Value::Absent | Value::Broken => {}
    }
}

/// `"a string"`.
pub(crate) fn string(entry: &Entry, errors: &mut Errors) -> Option<LitStr> {
    let expr = given(entry, errors)?;
    match bare(expr) {
        Expr::Lit(literal) if let Lit::Str(text) = &literal.lit => Some(text.clone()),
        _ => {
            let key = &entry.key;
            errors.at(expr, format!("`{key}` takes a string literal: write `{}`", example(&key.to_string())));
            None
        }
    }
}

/// `true` or `false`.
pub(crate) fn boolean(entry: &Entry, errors: &mut Errors) -> Option<bool> {
    let expr = given(entry, errors)?;
    let value = truth(expr).map(|literal| literal.value);
    if value.is_none() {
        errors.at(expr, format!("`{0}` takes `true` or `false`: write `{0} = false`", entry.key));
    }
    value
}

/// A value of which only some literals make sense, or any expression: `fits` says of a literal whether it does.
fn literal_or_any(entry: &Entry, what: &str, fits: impl Fn(&Lit) -> bool, errors: &mut Errors) -> Option<TokenStream> {
    let expr = given(entry, errors)?;
    let wrong = match bare(expr) {
        Expr::Lit(literal) => !fits(&literal.lit),
        other => negated(other),
    };
    if wrong {
        let key = &entry.key;
        errors.at(expr, format!("`{key}` takes {what}: write `{}`", example(&key.to_string())));
        return None;
    }
    Some(expr.to_token_stream())
}

/// A whole number, or any expression of type `usize`.
pub(crate) fn whole(entry: &Entry, zero: Zero, errors: &mut Errors) -> Option<TokenStream> {
    let (what, least) = match zero {
        Zero::Allowed => ("a whole number", 0),
        Zero::Refused => ("a whole number above zero", 1),
    };
    let fits = |literal: &Lit| match literal {
        Lit::Int(number) if matches!(number.suffix(), "" | "usize") => {
            number.base10_parse::<u128>().is_ok_and(|number| number >= least)
        }
        _ => false,
    };
    literal_or_any(entry, what, fits, errors)
}

/// A string literal, or any expression that makes a name.
pub(crate) fn text(entry: &Entry, errors: &mut Errors) -> Option<TokenStream> {
    literal_or_any(entry, "a string", |literal| matches!(literal, Lit::Str(_)), errors)
}

/// `true`, `false`, or any expression of type `bool`.
pub(crate) fn choice(entry: &Entry, errors: &mut Errors) -> Option<TokenStream> {
    literal_or_any(entry, "`true` or `false`", |literal| matches!(literal, Lit::Bool(_)), errors)
}

/// `Low`, `Normal`, `High`, `Critical`, or any expression of type `Priority`.
pub(crate) fn priority(entry: &Entry, errors: &mut Errors) -> Option<TokenStream> {
    let expr = given(entry, errors)?;
    let message = match bare(expr) {
        Expr::Path(path) => match path.path.get_ident() {
            Some(word) if PRIORITIES.contains(&word.to_string().as_str()) => {
                return Some(quote!(#Priority::#word));
            }
            Some(word) => priority_mistyped(&word.to_string()),
            None => None,
        },
        Expr::Lit(literal) => Some(match &literal.lit {
            Lit::Str(text) if nearest(&text.value(), PRIORITIES).is_some() => {
                format!("`priority` is written without quotes: write `priority = {}`", word_or_high(&text.value()))
            }
            _ => "`priority` takes Low, Normal, High or Critical: write `priority = High`".to_owned(),
        }),
        other if negated(other) => {
            Some("`priority` takes Low, Normal, High or Critical: write `priority = Low`".to_owned())
        }
        _ => None,
    };
    match message {
        None => Some(expr.to_token_stream()),
        Some(message) => {
            errors.at(expr, message);
            None
        }
    }
}

/// The error for a single word that is no priority; other words may be constants of the user's.
fn priority_mistyped(word: &str) -> Option<String> {
    if let Some(python) = word.strip_prefix("TASK_") {
        return Some(format!("`{word}` is the Python spelling: write `priority = {}`", word_or_high(python)));
    }
    let constant = !word.chars().any(char::is_lowercase);
    if constant {
        return None;
    }
    nearest(word, PRIORITIES).map(|near| format!("unknown priority `{word}`: did you mean `{near}`?"))
}

fn word_or_high(word: &str) -> &'static str {
    nearest(word, PRIORITIES).unwrap_or("High")
}

/// How many items a bounded queue holds: a whole number above zero, or any expression of type `usize`.
pub(crate) fn bound(expr: &Expr, errors: &mut Errors) -> Option<TokenStream> {
    let message = match bare(expr) {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) if number.base10_digits() == "0" => {
                "a queue of zero items could take none: write `queue` for one without a bound, or `queue = 1`"
            }
            Lit::Int(number) if matches!(number.suffix(), "" | "usize") => {
                return Some(expr.to_token_stream());
            }
            Lit::Bool(LitBool { value: true, .. }) => "`queue` takes a bound or no value: write `queue` alone",
            Lit::Bool(_) => "`queue` takes a bound or no value: leave it out",
            _ => "`queue` takes a whole number of items: write `queue = 1024`",
        },
        other if negated(other) => "`queue` cannot hold fewer than no items: write `queue = 1024`",
        _ => return Some(expr.to_token_stream()),
    };
    errors.at(expr, message);
    None
}

/// `&(expr)`, shown where the expression is.
pub(crate) fn lent(expr: &Expr) -> TokenStream {
    quote_spanned!(edges(expr).0.resolved_at(Span::mixed_site())=> &(#expr))
}

/// Takes off the invisible delimiters that `macro_rules!` puts around an expression.
pub(crate) fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Group(group) => bare(&group.expr),
        _ => expr,
    }
}

/// Whether `expr` is a number with a minus sign.
pub(crate) fn negated(expr: &Expr) -> bool {
    matches!(bare(expr), Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) && is_number(&unary.expr))
}

/// Whether `expr` is a literal number.
pub(crate) fn is_number(expr: &Expr) -> bool {
    matches!(bare(expr), Expr::Lit(literal) if matches!(literal.lit, Lit::Int(_) | Lit::Float(_)))
}

fn truth(expr: &Expr) -> Option<&LitBool> {
    match bare(expr) {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Bool(value) => Some(value),
            _ => None,
        },
        _ => None,
    }
}
