//! What a worker's body may give back, as far as words can tell; the library's traits judge the types.

use syn::{ReturnType, Signature, Type};

use crate::borrow;
use crate::errors::Errors;
use crate::item::bare;

pub(super) fn check(sig: &Signature, errors: &mut Errors) {
    let ReturnType::Type(_, ty) = &sig.output else {
        return;
    };
    match bare(ty) {
        Type::Path(path) if path.path.is_ident("bool") => {
            errors.at(ty, "a `bool` does not say what is to stop: return `ControlFlow<()>`, `Break` stops the worker");
        }
        Type::Never(never) => {
            errors.at(never, "each run of a worker comes to an end: return `()`, the worker runs the body again");
        }
        ty => borrow::refuse(ty, "the outcome of a run outlives the body and", errors),
    }
}
