//! The values of keys that take a word, each of which is a variant of a type of the library.

use atasker_text::nearest;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Expr;

use super::{bare, example, given};
use crate::errors::Errors;
use crate::keys::Entry;
use crate::paths::{Align, MissedTick, OnSignal};

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

/// `drain`, `cancel`, or any expression of type `OnSignal`.
pub(crate) fn on_signal(entry: &Entry, errors: &mut Errors) -> Option<TokenStream> {
    let words = &[("drain", "Drain"), ("cancel", "Cancel")];
    let of = OnSignal.to_token_stream();
    word(entry, &Words { noun: "way to end", words, list: "drain or cancel", of }, errors)
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
