//! Finds borrows in the types of values that outlive their caller.

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Expr, Lifetime, ParenthesizedGenericArguments, TraitBound, Type, TypeFnPtr, TypeReference, TypeSlice};

use crate::errors::Errors;
use crate::item::bare;

/// Notes every borrow in `ty` that is shorter than `'static`; `so` says why there can be none.
///
/// A borrow inside `fn(&T)` or `Fn(&T)` is made anew at each call and is left alone.
pub(crate) fn refuse(ty: &Type, so: &str, errors: &mut Errors) {
    Borrows { so, errors }.visit_type(ty);
}

/// What to take in place of a borrow of `ty`.
pub(crate) fn owned(ty: &TypeReference) -> String {
    match bare(&ty.elem) {
        Type::Slice(TypeSlice { elem, .. }) => format!("`Vec<{}>`", elem.to_token_stream()),
        Type::Path(path) => {
            let last = path.path.segments.last().map(|segment| segment.ident.to_string());
            match last.as_deref() {
                Some("str") => "`String`".to_owned(),
                Some("Path") => "`PathBuf`".to_owned(),
                Some("OsStr") => "`OsString`".to_owned(),
                Some("CStr") => "`CString`".to_owned(),
                _ => shared(ty),
            }
        }
        _ => shared(ty),
    }
}

fn shared(ty: &TypeReference) -> String {
    let inner = ty.elem.to_token_stream();
    match ty.mutability {
        Some(_) => format!("`Arc<Mutex<{inner}>>` or an owned value"),
        None => format!("`Arc<{inner}>` or an owned value"),
    }
}

/// Whether a reference is good for the whole program.
pub(crate) fn is_static(ty: &TypeReference) -> bool {
    ty.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static")
}

struct Borrows<'a> {
    so: &'a str,
    errors: &'a mut Errors,
}

impl<'ast> Visit<'ast> for Borrows<'_> {
    fn visit_type_reference(&mut self, ty: &'ast TypeReference) {
        if is_static(ty) {
            return visit::visit_type(self, &ty.elem);
        }
        // What lies inside goes with it: one borrow, one error.
        self.errors.at(ty, format!("{} cannot borrow: take {}", self.so, owned(ty)));
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident != "static" {
            let so = self.so;
            self.errors.at(lifetime, format!("{so} cannot borrow: take an owned value, or write `'static`"));
        }
    }

    fn visit_type_fn_ptr(&mut self, _: &'ast TypeFnPtr) {}

    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast ParenthesizedGenericArguments) {}

    // What `for<'a>` binds is of use in calls only.
    fn visit_trait_bound(&mut self, bound: &'ast TraitBound) {
        if bound.lifetimes.is_none() {
            visit::visit_trait_bound(self, bound);
        }
    }

    fn visit_expr(&mut self, _: &'ast Expr) {}
}
