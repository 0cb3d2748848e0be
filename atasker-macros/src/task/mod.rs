//! `#[background_task]`: the function becomes one that starts its body and returns a `Task`.

mod bare;
mod check;
mod companion;
mod fallback;
mod keys;
#[cfg(test)]
mod tests;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{PatType, ReturnType, Signature};

use crate::attrs::refuse_second;
use crate::errors::Errors;
use crate::item::{Item, edges};
use keys::Keys;

/// The expansion of `#[background_task(list)] tokens`.
pub(crate) fn expand(list: TokenStream, tokens: TokenStream) -> TokenStream {
    let mut item = match Item::read("background_task", tokens.clone()) {
        Ok(item) => item,
        // What is no function is left as it is, so that its own users see one error and not a missing item.
        Err(error) => return [error.into_compile_error(), tokens].into_iter().collect(),
    };
    let mut errors = Errors::default();
    refuse_second(&mut item.attrs, &mut errors);
    let keys = Keys::read(list, &mut errors);
    let signature = check::signature(&item, &keys, &mut errors);
    let items = match (signature.sound, signature.companion) {
        (true, true) => companion::emit(&item, &keys),
        (true, false) => bare::emit(&item, &keys),
        (false, with_companion) => fallback::emit(&item, with_companion),
    };
    [errors.into_tokens(), items].into_iter().collect()
}

/// Puts the closure that is sent to the pool where the parameters' types are written.
///
/// A value that cannot be sent is then shown at its type, not at the attribute.
fn at_parameters(sig: &Signature, params: &[(Ident, &PatType)], inner: TokenStream) -> TokenStream {
    let (first, last) = parameter_edges(sig, params);
    let begin = quote_spanned!(first=> move ||);
    let end = quote_spanned!(last=> { #inner });
    quote!(#begin #end)
}

/// Where the parameters' types begin and end; the function's name if there are none.
fn parameter_edges(sig: &Signature, params: &[(Ident, &PatType)]) -> (Span, Span) {
    let (first, last) = match (params, sig.receiver()) {
        ([(_, first), .., (_, last)], _) => (edges(&first.ty).0, edges(&last.ty).1),
        ([(_, only)], _) => edges(&only.ty),
        ([], Some(receiver)) => edges(receiver),
        ([], None) => edges(&sig.ident),
    };
    (first.resolved_at(Span::mixed_site()), last.resolved_at(Span::mixed_site()))
}

/// The library's verb for a body of this sort: `start` is `start_future` where it is async.
fn verb(sig: &Signature, verb: &'static str) -> &'static str {
    match (verb, &sig.asyncness) {
        (plain, None) => plain,
        ("start", _) => "start_future",
        ("start_with", _) => "start_future_with",
        _ => "detach_future",
    }
}

/// A name of the library's, put where the result's type is written: one that cannot be sent is then shown there.
fn at_result(sig: &Signature, name: &str) -> Ident {
    let span = match &sig.output {
        ReturnType::Default => sig.ident.span(),
        ReturnType::Type(_, ty) => edges(ty).0,
    };
    Ident::new(name, span.resolved_at(Span::mixed_site()))
}
