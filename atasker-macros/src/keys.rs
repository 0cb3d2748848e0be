//! Reads the list in the parentheses of an attribute and knows every word that may stand there.
//!
//! A list that is still being typed gives as many entries as can be read: what follows the mistake counts again from
//! the next comma that begins an entry.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Result, Token};

use crate::duration::is_unit;
use crate::errors::Errors;
use crate::values::{example, is_number};
use atasker_text::nearest;

/// One `key`, or `key = value`.
pub(crate) struct Entry {
    pub(crate) key: Ident,
    pub(crate) value: Value,
}

/// What stands behind a key.
pub(crate) enum Value {
    /// Nothing: the key alone.
    Absent,
    /// Something that was already complained about.
    Broken,
    /// `= expression`.
    Given(Box<Expr>),
    /// `= 10%`.
    Percent(Percent),
}

/// A number with a per cent sign behind it.
pub(crate) struct Percent {
    /// What stands before it, a number or not.
    pub(crate) number: TokenTree,
    pub(crate) sign: Token![%],
}

impl ToTokens for Percent {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.number.to_tokens(tokens);
        self.sign.to_tokens(tokens);
    }
}

/// The words of one attribute.
pub(crate) struct Vocabulary {
    pub(crate) attribute: &'static str,
    pub(crate) keys: &'static [&'static str],
    /// The attribute that knows other keys, and those of them that are not known here.
    pub(crate) other: (&'static str, &'static [&'static str]),
    /// Keys of a later version: the key, the one that takes its place till then, what to say.
    pub(crate) later: &'static [(&'static str, &'static str, &'static str)],
    /// Words of the Python library and of other habits: the word, the key that takes its place, what to write.
    pub(crate) foreign: &'static [(&'static str, Option<&'static str>, &'static str)],
}

/// An entry by the key it stands for.
pub(crate) struct Known {
    /// The key as the vocabulary has it.
    pub(crate) name: &'static str,
    pub(crate) entry: Entry,
    /// Whether the key was written so. The value of a mistyped key is not looked at: one mistake, one error.
    pub(crate) sound: bool,
}

impl Vocabulary {
    /// Reads the whole list; unknown and repeated keys are noted.
    pub(crate) fn read(&self, list: TokenStream, errors: &mut Errors) -> Vec<Known> {
        let mut known: Vec<Known> = Vec::new();
        for entry in entries(list, errors) {
            let Some((name, sound)) = self.look_up(&entry.key, errors) else {
                continue;
            };
            if sound && known.iter().any(|earlier| earlier.sound && earlier.name == name) {
                errors.at(&entry.key, format!("duplicate key `{name}`: leave one of them out"));
                continue;
            }
            known.push(Known { name, entry, sound });
        }
        known
    }

    /// The key that `word` is or was meant to be, and whether it is.
    fn look_up(&self, word: &Ident, errors: &mut Errors) -> Option<(&'static str, bool)> {
        let typed = word.unraw().to_string();
        if let Some(name) = self.keys.iter().find(|name| **name == typed) {
            return Some((name, true));
        }
        if let Some((_, instead, message)) = self.later.iter().find(|(later, ..)| *later == typed) {
            errors.at(word, message);
            return Some((instead, false));
        }
        let (other, its_keys) = self.other;
        let own = self.attribute;
        let (message, name) = if its_keys.contains(&typed.as_str()) {
            (format!("`{typed}` is a key of `{other}`, not of `{own}`: leave it out"), None)
        } else if let Some((_, name, cure)) = self.foreign.iter().find(|(foreign, ..)| *foreign == typed) {
            (format!("unknown key `{typed}`: {cure}"), *name)
        } else if let Some(name) = nearest(&typed, self.keys) {
            (format!("unknown key `{typed}`: did you mean `{name}`?"), Some(name))
        } else {
            (format!("unknown key `{typed}`: `{own}` knows {}", list_of(self.keys)), None)
        };
        errors.at(word, message);
        name.map(|name| (name, false))
    }
}

/// `` `a`, `b` and `c` ``.
fn list_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

fn entries(list: TokenStream, errors: &mut Errors) -> Vec<Entry> {
    let mut found = Vec::new();
    let read = |input: ParseStream<'_>| {
        while !input.is_empty() {
            if let Ok(key) = input.call(Ident::parse_any) {
                let value = value(&key, input, errors);
                found.push(Entry { key, value });
            } else {
                errors.push(input.error("expected a key: write `key = value`, such as `priority = High`"));
                skip_to_entry(input);
            }
            end_of_entry(input, errors);
        }
        Ok(())
    };
    // The reader takes every token, whatever it is: there is nothing left for the parser to complain about.
    if let Err(error) = read.parse2(list) {
        errors.push(error);
    }
    found
}

fn value(key: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> Value {
    if input.is_empty() || input.peek(Token![,]) {
        return Value::Absent;
    }
    let word = key.unraw().to_string();
    let Ok(equals) = input.parse::<Token![=]>() else {
        // A word is the next key, its comma forgotten, and read as such.
        if !input.peek(syn::Ident::peek_any) {
            errors.push(input.error(format!("expected `=` or `,`: write `{}`", example(&word))));
            skip_to_entry(input);
        }
        return Value::Broken;
    };
    if input.is_empty() || input.peek(Token![,]) {
        errors.at(equals, format!("`{word}` has no value: write `{}`", example(&word)));
        return Value::Broken;
    }
    if word == "cron" && (input.peek(Token![*]) || input.peek(Token![@])) {
        return unquoted_line(TokenStream::new(), input, errors);
    }
    if let Some(percent) = percent(input) {
        return Value::Percent(percent);
    }
    match input.parse::<Expr>() {
        Ok(expr) => match second_word(&expr, input) {
            Some(_) if word == "cron" => unquoted_line(expr.to_token_stream(), input, errors),
            Some(word) => {
                let number = expr.to_token_stream();
                let cure = match word {
                    TokenTree::Literal(_) => format!("write both in quotes, `\"{number} {word}\"`"),
                    _ => format!("write `{number}{word}`"),
                };
                errors.at(&word, format!("a number and its unit are one word: {cure}"));
                skip_to_entry(input);
                Value::Broken
            }
            None => Value::Given(Box::new(expr)),
        },
        Err(error) => {
            errors.push(error);
            skip_to_entry(input);
            Value::Broken
        }
    }
}

/// `10%`, which is no expression.
fn percent(input: ParseStream<'_>) -> Option<Percent> {
    let ahead = input.fork();
    let is_one = ahead.parse::<TokenTree>().is_ok()
        && ahead.parse::<Token![%]>().is_ok()
        && (ahead.is_empty() || ahead.peek(Token![,]));
    if !is_one {
        return None;
    }
    Some(Percent { number: input.parse().ok()?, sign: input.parse().ok()? })
}

/// The unit in `1 s`, or the second number in `1m 30s`.
fn second_word(expr: &Expr, input: ParseStream<'_>) -> Option<TokenTree> {
    if !is_number(expr) || input.is_empty() || input.peek(Token![,]) {
        return None;
    }
    let next = input.fork().parse::<TokenTree>().ok()?;
    let unit = matches!(&next, TokenTree::Ident(word) if is_unit(&word.to_string()));
    (unit || matches!(next, TokenTree::Literal(_))).then_some(next)
}

/// Takes the comma behind an entry; a missing one is noted and the next entry read all the same.
fn end_of_entry(input: ParseStream<'_>, errors: &mut Errors) {
    if input.is_empty() || input.parse::<Token![,]>().is_ok() {
        return;
    }
    errors.push(input.error("expected `,` before the next key"));
    if !input.peek(syn::Ident::peek_any) {
        skip_to_entry(input);
        // The comma itself; at the end of the list there is none.
        let _: Result<Token![,]> = input.parse();
    }
}

/// `0 9 * * *`, of which `begun` has been read, up to a comma that has a key behind it.
fn unquoted_line(mut begun: TokenStream, input: ParseStream<'_>, errors: &mut Errors) -> Value {
    while !input.is_empty() && !input.peek(Token![,]) {
        begun.extend(input.parse::<TokenTree>());
    }
    let words: Vec<String> = begun.clone().into_iter().map(|token| token.to_string()).collect();
    let text = words.join(" ").replace(" - ", "-").replace(" / ", "/").replace("@ ", "@");
    errors.at(begun, format!("a cron line stands in quotes: write `cron = \"{text}\"`"));
    Value::Broken
}

/// Leaves out everything up to a comma that has a key behind it, or to the end.
fn skip_to_entry(input: ParseStream<'_>) {
    while !input.is_empty() {
        if input.peek(Token![,]) {
            let ahead = input.fork();
            let begins = ahead.parse::<Token![,]>().is_ok()
                && (ahead.is_empty()
                    || ahead.call(Ident::parse_any).is_ok()
                        && (ahead.is_empty() || ahead.peek(Token![,]) || ahead.peek(Token![=])));
            if begins {
                return;
            }
        }
        // Not at the end, hence there is a token.
        let _: Result<TokenTree> = input.parse();
    }
}
