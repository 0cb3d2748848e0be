//! What a task's signature must be, and whether it gets a companion.

use syn::{FnArg, Receiver, ReceiverKind, Type};

use super::keys::Keys;
use crate::borrow;
use crate::errors::Errors;
use crate::item::{Item, bare};
use crate::signature::{check_lane, check_qualifiers, find_self, output};

/// What the check found.
pub(super) struct Checked {
    /// Whether the body can be run as it is written.
    pub(super) sound: bool,
    /// Whether a type of the function's name stands beside it.
    pub(super) companion: bool,
}

const SO: &str = "a task outlives its caller and";

pub(super) fn signature(item: &Item, keys: &Keys, errors: &mut Errors) -> Checked {
    let before = errors.count();
    item.check(errors);
    check_qualifiers(&item.sig, errors);
    check_lane(&item.sig, keys.lane.as_ref(), errors);
    check_borrows(item, errors);
    let sound = errors.count() == before;
    let companion = companion(item, keys, errors);
    Checked { sound, companion }
}

/// The function's own items can stand anywhere, those beside it cannot stand in an impl: what speaks of `Self` is in
/// one.
fn companion(item: &Item, keys: &Keys, errors: &mut Errors) -> bool {
    let in_impl = item.sig.receiver().is_some() || find_self(item).is_some();
    if let Some((key, true)) = &keys.companion
        && in_impl
    {
        errors.at(key, "a companion is a type, and none can stand in an impl: leave `companion` out");
    }
    !in_impl && keys.companion.as_ref().is_none_or(|(_, on)| *on)
}

fn check_borrows(item: &Item, errors: &mut Errors) {
    let before = errors.count();
    for arg in &item.sig.inputs {
        match arg {
            FnArg::Receiver(receiver) => check_receiver(receiver, errors),
            FnArg::Typed(param) => borrow::refuse(&param.ty, SO, errors),
        }
    }
    match bare(&output(&item.sig)) {
        Type::Never(never) => {
            let cure = "for a body that runs again and again write `#[background_worker]`";
            errors.at(never, format!("a task comes to an end, with a result or with none: {cure}"));
        }
        result => borrow::refuse(result, "the result of a task outlives the body and", errors),
    }
    // A lifetime that a borrow used was shown there; one error says it all.
    if errors.count() == before {
        for lifetime in item.sig.generics.lifetimes() {
            errors.at(lifetime, format!("{SO} has no lifetime but `'static`: leave this one out"));
        }
    }
}

fn check_receiver(receiver: &Receiver, errors: &mut Errors) {
    const CURE: &str = "take `self: Arc<Self>`";
    let borrowed = match &receiver.kind {
        ReceiverKind::Reference(_, lifetime, _) => lifetime.as_ref().is_none_or(|lifetime| lifetime.ident != "static"),
        ReceiverKind::Typed(_, ty) => {
            let mut found = Errors::default();
            borrow::refuse(ty, SO, &mut found);
            !found.is_empty()
        }
        _ => false,
    };
    if borrowed {
        errors.at(receiver, format!("{SO} cannot borrow `self`: {CURE}"));
    }
}
