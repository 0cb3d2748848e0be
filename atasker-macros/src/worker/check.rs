//! What a worker's signature must be.

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{FnArg, PatType, ReturnType, Type, TypeImplTrait, TypeReference};

use super::keys::{Keys, Kind};
use super::outcome;
use super::params::{self, Param, Role};
use crate::borrow;
use crate::errors::Errors;
use crate::item::{Item, bare};
use crate::signature::{check_lane, check_qualifiers, find_self, has_impl_trait, output};

const SO: &str = "a worker outlives the call of `start` and";

/// Whether the function stands in an impl, where no worker can.
pub(super) fn in_impl(item: &Item, errors: &mut Errors) -> bool {
    const CURE: &str = "move it out of the impl and take what it needs as a parameter, such as `this: &T`";
    if let Some(receiver) = item.sig.receiver() {
        errors.at(receiver, format!("a worker is a static and has no `self`: {CURE}"));
        return true;
    }
    let span = find_self(item);
    if let Some(span) = span {
        errors.at_span(span, format!("a worker is a static and has no `Self`: {CURE}"));
    }
    span.is_some()
}

/// Notes what cannot be, and gives the parameters back.
pub(super) fn signature(item: &Item, keys: &Keys, errors: &mut Errors) -> Vec<Param> {
    let before = errors.count();
    item.check(errors);
    check_qualifiers(&item.sig, errors);
    check_lane(&item.sig, keys.lane.as_ref(), errors);
    if let (Some(precise), Some(asyncness)) = (&keys.precise, &item.sig.asyncness) {
        let cure = format!("leave `{precise}` out, or `{}`", asyncness.to_token_stream());
        errors.at(precise, format!("a runtime's threads are not to be kept awake for one body: {cure}"));
    }
    let params = params::read(item, keys.kind);
    if keys.kind == Kind::Queue {
        check_item(item, &params, errors);
    }
    for (param, (_, typed)) in params.iter().zip(item.params()) {
        check_param(item, param, typed, errors);
    }
    if let Some(autostart) = &keys.autostart
        && params.iter().any(Param::is_state)
    {
        let cure = "leave `autostart` out and call `start` with it";
        errors.at(autostart, format!("the supervisor has no state to hand to the body: {cure}"));
    }
    outcome::check(&item.sig, errors);
    if let (Some(_), ReturnType::Type(_, ty)) = (&item.sig.asyncness, &item.sig.output)
        && has_impl_trait(&output(&item.sig))
    {
        errors.at(ty, "an async worker names the type of its result: write it out, such as `Result<(), String>`");
    }
    // A lifetime that a borrow used was shown there; one error says it all.
    if !only_lifetimes(item) || errors.count() == before {
        check_generics(item, errors);
    }
    params
}

fn check_generics(item: &Item, errors: &mut Errors) {
    if !item.sig.generics.params.is_empty() {
        let cure = if only_lifetimes(item) {
            "leave the lifetime out"
        } else {
            "write the types out, or start `background_worker(closure)` for each of them"
        };
        errors.at(&item.sig.generics, format!("a worker is one static and cannot be generic: {cure}"));
    }
}

fn only_lifetimes(item: &Item) -> bool {
    item.sig.generics.params.len() == item.sig.generics.lifetimes().count()
}

/// The first parameter of a queue's body is what was put.
fn check_item(item: &Item, params: &[Param], errors: &mut Errors) {
    const FIRST: &str = "the first parameter of a queue's body is the item, by value";
    let Some(FnArg::Typed(first)) = item.sig.inputs.first() else {
        let name = &item.sig.ident;
        let parens = item.sig.paren_token.span.join();
        return errors.at_span(parens, format!("{FIRST}: write `fn {name}(item: T)`"));
    };
    if params.first().is_some_and(|param| param.role == Role::Context) {
        return errors.at(&first.ty, format!("{FIRST}: write it before the context"));
    }
    if let Type::Reference(lent) = bare(&first.ty)
        && !borrow::is_static(lent)
    {
        errors.at(lent, format!("{FIRST}: take {}", borrow::owned(lent)));
    }
}

fn check_param(item: &Item, param: &Param, typed: &PatType, errors: &mut Errors) {
    if param.name == item.sig.ident {
        errors.at(&typed.pat, "a parameter cannot have the worker's own name, which is a static: rename it");
    }
    if check_impl_trait(&typed.ty, errors) {
        return;
    }
    match (param.role, bare(&typed.ty)) {
        (Role::Context, Type::Reference(TypeReference { mutability: None, .. })) => {}
        (Role::Context, _) => errors.at(&typed.ty, "the context is lent for the run: take `&WorkerContext`"),
        // Lent by itself is a mistake that `check_item` has noted; lent inside is noted here.
        (Role::Item, Type::Reference(lent)) if !borrow::is_static(lent) => {}
        (Role::Item, ty) => borrow::refuse(ty, "an item outlives its `put` and", errors),
        _ => borrow::refuse(&param.ty, SO, errors),
    }
}

/// Notes each `impl Trait`; what is in it is no longer looked at.
fn check_impl_trait(ty: &Type, errors: &mut Errors) -> bool {
    struct Impls<'a>(&'a mut Errors);
    impl<'ast> Visit<'ast> for Impls<'_> {
        fn visit_type_impl_trait(&mut self, ty: &'ast TypeImplTrait) {
            let cure = "name a type, or `Box<dyn Trait>`";
            self.0.at(ty.to_token_stream(), format!("a worker is one static and cannot be generic: {cure}"));
        }
    }
    let before = errors.count();
    visit::visit_type(&mut Impls(errors), ty);
    errors.count() > before
}
