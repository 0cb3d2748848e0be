//! Hands a function's other attributes on to the items made from it.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{Attribute, Meta};

use crate::errors::Errors;

/// A function's attributes, by where they go.
#[derive(Default)]
pub(crate) struct Attrs {
    /// `cfg` and `cfg_attr`: on every item, or one would outlive the others.
    pub(crate) cfg: Vec<Attribute>,
    /// `doc`: on every item that a user sees.
    pub(crate) docs: Vec<Attribute>,
    /// `deprecated`: on what a user calls; not on the type beside it, or one use would warn twice.
    pub(crate) deprecated: Vec<Attribute>,
    /// Lint levels: on every item. An `expect` becomes an `allow`: on several items it could not be fulfilled on each.
    pub(crate) lints: Vec<Attribute>,
    /// `must_use`: on what gives a result back.
    pub(crate) must_use: Vec<Attribute>,
    /// All others, which speak about the body.
    pub(crate) body: Vec<Attribute>,
}

impl Attrs {
    pub(crate) fn sort(attrs: &[Attribute]) -> Self {
        let mut sorted = Self::default();
        for attr in attrs {
            let word = attr.path().get_ident().map(Ident::to_string).unwrap_or_default();
            match word.as_str() {
                "cfg" | "cfg_attr" => sorted.cfg.push(attr.clone()),
                "doc" => sorted.docs.push(attr.clone()),
                "deprecated" => sorted.deprecated.push(attr.clone()),
                "allow" | "warn" | "deny" | "forbid" => sorted.lints.push(attr.clone()),
                "expect" => sorted.lints.push(allowed(attr)),
                "must_use" => sorted.must_use.push(attr.clone()),
                _ => sorted.body.push(attr.clone()),
            }
        }
        sorted
    }
}

/// Rewrites `#[expect(..)]` as `#[allow(..)]`.
fn allowed(attr: &Attribute) -> Attribute {
    let mut attr = attr.clone();
    if let Meta::List(list) = &mut attr.meta {
        list.path = Ident::new("allow", list.path.segments[0].ident.span()).into();
    }
    attr
}

/// Refuses a second attribute of ours on the same function: each makes a handle of the function's name.
///
/// It is taken out, or it would go on to expand the body.
pub(crate) fn refuse_second(attrs: &mut Vec<Attribute>, errors: &mut Errors) {
    attrs.retain(|attr| {
        let last = attr.path().segments.last().map(|segment| segment.ident.to_string());
        let ours = matches!(last.as_deref(), Some("background_task" | "background_worker"));
        if ours {
            errors.at(attr.path().to_token_stream(), "a function takes one of these attributes: leave this one out");
        }
        !ours
    });
}
