//! What a program's `main` must be.

use syn::{Attribute, Safety};

use crate::errors::Errors;
use crate::item::Item;

/// What becomes of the function.
pub(super) enum Use {
    /// It is run.
    Run,
    /// It is not run, but compiles.
    Keep,
    /// It would only be another error.
    Nothing,
    /// It is not the program's `main`, which stands elsewhere.
    AsItIs,
}

pub(super) fn signature(item: &Item, errors: &mut Errors) -> Use {
    let (sig, before) = (&item.sig, errors.count());
    if item.name() != "main" {
        let cure = "name it `main`, or leave the attribute out and call `task_supervisor().run_until_signal(..)`";
        errors.at(&sig.ident, format!("`#[atasker::main]` makes the `main` of a program: {cure}"));
        return Use::AsItIs;
    }
    item.check(errors);
    let may_stay = errors.count() == before && sig.variadic.is_none() && sig.receiver().is_none();
    if !sig.inputs.is_empty() || sig.variadic.is_some() {
        errors
            .at(&sig.inputs, "`main` has no parameters: leave them out, `std::env::args()` has a program's arguments");
    }
    if !sig.generics.params.is_empty() {
        errors.at(&sig.generics, "nobody could choose what `main` is generic over: leave this out");
    }
    const PLAIN: &str = "`main` is a `fn` or an `async fn`";
    if let Some(token) = &sig.constness {
        errors.at(token, format!("{PLAIN}: leave `const` out"));
    }
    if let Safety::Unsafe(token) = &sig.safety {
        errors.at(token, format!("{PLAIN}: leave `unsafe` out and put an `unsafe` block into the body"));
    }
    if let Some(abi) = &sig.abi {
        errors.at(abi, format!("{PLAIN}: leave `extern` out"));
    }
    match errors.count() == before {
        true => Use::Run,
        false if may_stay => Use::Keep,
        false => Use::Nothing,
    }
}

/// Refuses other attributes that make something else of the function, and takes them out.
pub(super) fn refuse_others(attrs: &mut Vec<Attribute>, errors: &mut Errors) {
    attrs.retain(|attr| {
        let last = attr.path().segments.last().map(|segment| segment.ident.to_string());
        let cure = match last.as_deref() {
            Some("main") => {
                "one attribute makes a `main`: leave this one out, an `async fn` has its runtime without it"
            }
            Some("background_task" | "background_worker") => {
                "`main` is run once, by whoever starts the program: put this attribute on another function"
            }
            _ => return true,
        };
        errors.at(attr.path(), cure);
        false
    });
}
