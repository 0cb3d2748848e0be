//! The values of keys: what each key takes, and the expression it becomes.

use atasker_text::nearest;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, Lit, LitBool, LitStr, UnOp};

use crate::duration::{self, Zero};
use crate::errors::Errors;
use crate::item::edges;
use crate::keys::{Entry, Value};
use crate::paths::{Align, Jitter, MissedTick, Priority};

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
