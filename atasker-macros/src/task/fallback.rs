//! A task whose signature is refused: every item of it is there, of the types that a caller expects, and nothing runs.
//!
//! Borrows lose their lifetimes, so that the one error about them stays the only one.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::visit_mut::VisitMut;
use syn::{GenericParam, Generics, Lifetime, Safety, Type, parse_quote};

use super::bare;
use super::companion::Parts;
use crate::item::Item;
use crate::paths::Unreachable;
use crate::signature::Relifetime;

pub(super) fn emit(item: &Item, with_companion: bool) -> TokenStream {
    let unreached = quote!(#Unreachable);
    if !with_companion {
        return bare::function(item, &unreached);
    }
    let mut parts = Parts::of(item);
    // The body of a plain function goes on being checked: it may be the only user of an import.
    let call = if is_plain(item) {
        parts.call(&TokenStream::new(), item.body.to_token_stream())
    } else {
        parts.call(&quote!(#[allow(unused)]), quote!({ #unreached }))
    };
    loosen(&mut parts);
    let wildcards = parts.names.iter().map(|_| quote!(_));
    let with = parts.with_closure(quote!(|#(#wildcards),*| #unreached));
    let methods = [call, with, parts.detach(unreached.clone())];
    [parts.function(unreached), parts.companion(&methods)].into_iter().collect()
}

fn is_plain(item: &Item) -> bool {
    let sig = &item.sig;
    item.body.is_some() && sig.constness.is_none() && sig.variadic.is_none() && matches!(sig.safety, Safety::Default)
}

/// Makes every borrow one that any caller has, and every borrowed result one that any caller may keep.
fn loosen(parts: &mut Parts<'_>) {
    let elided = Lifetime::new("'_", Span::mixed_site());
    let lasting = Lifetime::new("'static", Span::mixed_site());
    parts.types.iter_mut().for_each(|ty| Relifetime { lifetime: &elided }.visit_type_mut(ty));
    Relifetime { lifetime: &lasting }.visit_type_mut(&mut parts.result);
    if let Type::Never(_) = parts.result {
        parts.result = parse_quote!(());
    }
    let mut generics: Generics = parts.generics.clone();
    generics.params = generics.params.into_iter().filter(|it| !matches!(it, GenericParam::Lifetime(_))).collect();
    Relifetime { lifetime: &lasting }.visit_generics_mut(&mut generics);
    parts.generics = generics;
}
