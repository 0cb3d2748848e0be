//! What both attributes refuse in a signature, and how a signature is repeated.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::visit_mut::{self, VisitMut};
use syn::{
    GenericParam, Generics, Lifetime, ParenthesizedGenericArguments, ReturnType, Safety, Signature, TraitBound, Type,
    TypeFnPtr, TypeImplTrait, TypeReference, parse_quote,
};

use crate::errors::Errors;
use crate::item::Item;

/// Notes every qualifier but `async`.
pub(crate) fn check_qualifiers(sig: &Signature, errors: &mut Errors) {
    if let Some(token) = &sig.constness {
        errors.at(token, "a body runs on a thread of the pool and cannot be `const`: leave `const` out");
    }
    if let Safety::Unsafe(token) = &sig.safety {
        let cure = "leave `unsafe` out and put an `unsafe` block into the body";
        errors.at(token, format!("a body is called by the pool, which knows no conditions: {cure}"));
    }
    if let Some(abi) = &sig.abi {
        errors.at(abi, "a body is called from Rust only: leave `extern` out");
    }
    if let Some(variadic) = &sig.variadic {
        errors.at(variadic.dots, "a body has a fixed number of parameters: leave `...` out");
    }
}

/// Notes a lane for a body that runs on none.
pub(crate) fn check_lane(sig: &Signature, lane: Option<&proc_macro2::Ident>, errors: &mut Errors) {
    if let (Some(key), None) = (lane, &sig.asyncness) {
        errors
            .at(key, "`lane` is for async bodies, a blocking one runs on the pool: write `async fn`, or leave it out");
    }
}

/// The type of the result, `()` if none is written.
pub(crate) fn output(sig: &Signature) -> Type {
    match &sig.output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => (**ty).clone(),
    }
}

/// Whether `impl Trait` occurs in `ty`, where no other type may be named in its place.
pub(crate) fn has_impl_trait(ty: &Type) -> bool {
    struct Found(bool);
    impl VisitMut for Found {
        fn visit_type_impl_trait_mut(&mut self, _: &mut TypeImplTrait) {
            self.0 = true;
        }
    }
    let mut found = Found(false);
    found.visit_type_mut(&mut ty.clone());
    found.0
}

/// The generic arguments that hand a function's own parameters on: `::<T, N>`, or nothing.
///
/// Lifetimes are left to inference, as Rust wants it for functions.
pub(crate) fn turbofish(generics: &Generics) -> TokenStream {
    let names = generics.params.iter().filter_map(|param| match param {
        GenericParam::Type(param) => Some(&param.ident),
        GenericParam::Const(param) => Some(&param.ident),
        GenericParam::Lifetime(_) => None,
    });
    let names: Vec<_> = names.collect();
    if names.is_empty() { TokenStream::new() } else { quote!(::<#(#names),*>) }
}

/// Replaces every borrow's lifetime by `lifetime`, for signatures whose body is never reached.
///
/// Lifetimes that `fn(&T)` and `Fn(&T)` bind themselves stay.
pub(crate) struct Relifetime<'a> {
    pub(crate) lifetime: &'a Lifetime,
}

impl VisitMut for Relifetime<'_> {
    fn visit_type_reference_mut(&mut self, ty: &mut TypeReference) {
        ty.lifetime = Some(self.lifetime.clone());
        visit_mut::visit_type_mut(self, &mut ty.elem);
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident != "static" {
            *lifetime = self.lifetime.clone();
        }
    }

    fn visit_type_fn_ptr_mut(&mut self, _: &mut TypeFnPtr) {}

    fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut ParenthesizedGenericArguments) {}

    fn visit_trait_bound_mut(&mut self, bound: &mut TraitBound) {
        if bound.lifetimes.is_none() {
            visit_mut::visit_trait_bound_mut(self, bound);
        }
    }
}

/// The first place where a function names the `Self` of an impl around it.
pub(crate) fn find_self(item: &Item) -> Option<Span> {
    find_self_in(item.sig.to_token_stream(), false).or_else(|| find_self_in(item.body.to_token_stream(), true))
}

/// `with_items`: items may stand here, and have a `Self` of their own.
fn find_self_in(tokens: TokenStream, with_items: bool) -> Option<Span> {
    let mut in_item = false;
    for token in tokens {
        match token {
            TokenTree::Ident(word) if word == "Self" && !in_item => return Some(word.span()),
            TokenTree::Ident(word) if with_items => {
                in_item |= ["impl", "trait", "struct", "enum", "union"].iter().any(|item| word == item);
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => in_item = false,
            TokenTree::Group(group) if in_item => in_item = group.delimiter() != Delimiter::Brace,
            TokenTree::Group(group) => {
                if let Some(span) = find_self_in(group.stream(), with_items) {
                    return Some(span);
                }
            }
            _ => {}
        }
    }
    None
}
