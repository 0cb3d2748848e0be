//! What each parameter of a body is: the item, the context, or state.

use proc_macro2::Ident;
use syn::visit::{self, Visit};
use syn::{GenericParam, Generics, Path, Type, TypeImplTrait, TypeReference};

use super::keys::Kind;
use crate::borrow;
use crate::errors::Errors;
use crate::item::{Item, bare};
use crate::paths::Sized;

/// A parameter's part in a run.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Role {
    /// The item that was put.
    Item,
    /// `&WorkerContext`.
    Context,
    /// State behind `&`: whatever lends it is handed to `start`.
    Shared,
    /// State behind `&mut`.
    Exclusive,
    /// State by value: each run has a clone.
    Owned,
}

/// A parameter of the body.
pub(super) struct Param {
    pub(super) name: Ident,
    pub(super) role: Role,
    /// The type as it is written, without the `&` of shared and exclusive state.
    pub(super) ty: Type,
}

/// The parameters of `item` in their order; of a queue's body, the first one that can be the item is.
pub(super) fn read(item: &Item, kind: Kind) -> Vec<Param> {
    let mut params: Vec<Param> = item.params().into_iter().map(|(name, param)| param_of(name, &param.ty)).collect();
    if kind == Kind::Queue {
        // A first parameter that lends is a mistake that is noted elsewhere. It is still meant as the item.
        let place = params.iter().position(|param| param.role != Role::Context);
        for (param, (_, typed)) in params.iter_mut().zip(item.params()).skip(place.unwrap_or(usize::MAX)).take(1) {
            (param.role, param.ty) = (Role::Item, (*typed.ty).clone());
        }
    }
    params
}

fn param_of(name: Ident, ty: &Type) -> Param {
    let (role, ty) = match bare(ty) {
        _ if is_context(ty) => (Role::Context, ty),
        Type::Reference(lent) if borrow::is_static(lent) => (Role::Owned, ty),
        Type::Reference(TypeReference { mutability: Some(_), elem, .. }) => (Role::Exclusive, bare(elem)),
        Type::Reference(TypeReference { elem, .. }) => (Role::Shared, bare(elem)),
        _ => (Role::Owned, ty),
    };
    Param { name, role, ty: ty.clone() }
}

/// Whether `ty` is the context, however it is taken: known by its last word, as an attribute sees words only.
fn is_context(ty: &Type) -> bool {
    match bare(ty) {
        Type::Reference(lent) => is_context(&lent.elem),
        Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == "WorkerContext"),
        _ => false,
    }
}

impl Param {
    /// Whether a caller hands this one to `start`.
    pub(super) fn is_state(&self) -> bool {
        !matches!(self.role, Role::Item | Role::Context)
    }
}

/// Whether `ty` can be written in a static of its own: it names nothing that only the function knows.
pub(super) fn stands_alone(ty: &Type, generics: &Generics) -> bool {
    let mut borrows = Errors::default();
    borrow::refuse(ty, "", &mut borrows);
    let mut names = Names { generics, found: false };
    names.visit_type(ty);
    borrows.is_empty() && !names.found
}

/// Looks for generic parameters, and for `impl Trait`, which is one without a name.
struct Names<'a> {
    generics: &'a Generics,
    found: bool,
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_path(&mut self, path: &'ast Path) {
        let first = path.segments.first().map(|segment| &segment.ident);
        self.found |= self.generics.params.iter().any(|param| match param {
            GenericParam::Type(param) => Some(&param.ident) == first,
            GenericParam::Const(param) => Some(&param.ident) == first,
            GenericParam::Lifetime(_) => false,
        });
        visit::visit_path(self, path);
    }

    fn visit_type_impl_trait(&mut self, _: &'ast TypeImplTrait) {
        self.found = true;
    }
}

/// The type of a parameter that is refused: whatever a caller hands over fits.
pub(super) fn anything() -> Type {
    Type::Verbatim(quote::quote!(impl #Sized))
}
