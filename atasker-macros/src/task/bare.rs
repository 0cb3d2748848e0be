//! A task without a companion: a method, or a function that asked for none. Its body goes straight into the closure.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::visit_mut::{self, VisitMut};
use syn::{PatType, Type, parse_quote};

use super::keys::Keys;
use super::{at_parameters, at_result, verb};
use crate::item::Item;
use crate::paths::{BodyOf, Task};
use crate::signature::{has_impl_trait, output};

pub(super) fn emit(item: &Item, keys: &Keys) -> TokenStream {
    let (site, start) = (keys.site(&item.name()), at_result(&item.sig, verb(&item.sig, "start")));
    let run = match item.sig.asyncness {
        None => at_parameters(&item.sig, &item.params(), run(item)),
        Some(_) => future(item),
    };
    function(item, &quote!(#site.#start(#run)))
}

/// The function, with what it does now.
pub(super) fn function(item: &Item, body: &TokenStream) -> TokenStream {
    let Item { attrs, vis, sig, .. } = item;
    let (name, generics, bounds, result) = (&sig.ident, &sig.generics, &sig.generics.where_clause, output(sig));
    let receiver = sig.receiver().map(|receiver| quote!(#receiver,));
    let params = item.params().into_iter().map(|(name, PatType { ty, .. })| quote!(#name: #ty));
    quote! {
        #(#attrs)*
        #[allow(clippy::redundant_closure_call, clippy::must_use_candidate)]
        #vis fn #name #generics (#receiver #(#params),*) -> #Task<#result> #bounds { #body }
    }
}

/// The body, called with the parameters as the user wrote them.
///
/// They are a closure's parameters and no `let`s, because they must outlive everything the body leaves behind, as a
/// function's do.
fn run(item: &Item) -> TokenStream {
    let (names, params): (Vec<Ident>, Vec<&PatType>) = item.params().into_iter().unzip();
    let body = &item.body;
    let receiver = item.sig.receiver().map(|receiver| {
        let this = receiver.self_token;
        // A receiver that the body does not name still belongs to the task, until its end.
        quote!(let _ = &#this;)
    });
    let result = output(&item.sig);
    let arrow = (!has_impl_trait(&result)).then(|| quote!(-> #result));
    let patterns = params.iter().map(|PatType { attrs, pat, ty, .. }| {
        let mut ty = (**ty).clone();
        InferImpls.visit_type_mut(&mut ty);
        quote!(#(#attrs)* #pat: #ty)
    });
    quote!(#receiver (move |#(#patterns),*| #arrow #body)(#(#names),*))
}

/// The body's future, with the parameters as the user wrote them. All of them belong to it until its end, also those that
/// the body does not name.
fn future(item: &Item) -> TokenStream {
    let (names, params): (Vec<Ident>, Vec<&PatType>) = item.params().into_iter().unzip();
    let body = &item.body;
    let receiver = item.sig.receiver().map(|receiver| {
        let this = receiver.self_token;
        quote!(let _ = &#this;)
    });
    let result = output(&item.sig);
    let patterns = params.iter().map(|PatType { attrs, pat, ty, .. }| {
        let mut ty = (**ty).clone();
        InferImpls.visit_type_mut(&mut ty);
        quote!(#(#attrs)* let #pat: #ty)
    });
    let typed = if has_impl_trait(&result) { quote!() } else { quote!(::<#result, _>) };
    quote! {
        #BodyOf #typed (async move {
            #receiver
            #(let _ = &#names;)*
            #(#patterns = #names;)*
            #body
        })
    }
}

/// Leaves every `impl Trait` to inference: a closure's parameter cannot be one.
struct InferImpls;

impl VisitMut for InferImpls {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match ty {
            Type::ImplTrait(_) => *ty = parse_quote!(_),
            _ => visit_mut::visit_type_mut(self, ty),
        }
    }
}
