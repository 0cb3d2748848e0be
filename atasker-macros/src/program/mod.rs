//! `#[atasker::main]`: the function becomes a program's `main`, with the global supervisor around it.

mod check;
mod keys;
#[cfg(test)]
mod tests;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::ReturnType;

use crate::attrs::Attrs;
use crate::errors::Errors;
use crate::item::{Item, edges};
use crate::paths::ExitCode;
use check::Use;
use keys::Keys;

/// The expansion of `#[atasker::main(list)] tokens`.
pub(crate) fn expand(list: TokenStream, tokens: TokenStream) -> TokenStream {
    let mut item = match Item::read("atasker::main", tokens.clone()) {
        Ok(item) => item,
        Err(error) => return [error.into_compile_error(), tokens].into_iter().collect(),
    };
    let mut errors = Errors::default();
    check::refuse_others(&mut item.attrs, &mut errors);
    let keys = Keys::read(list, &mut errors);
    let items = match check::signature(&item, &mut errors) {
        Use::Run => emit(&item, &keys),
        // It is there, so that what it uses counts as used.
        Use::Keep => wrap(&item, &quote!(#ExitCode::SUCCESS)),
        Use::Nothing => quote!(
            fn main() {}
        ),
        Use::AsItIs => {
            let Item { attrs, vis, sig, body } = &item;
            quote!(#(#attrs)* #vis #sig #body)
        }
    };
    [errors.into_tokens(), items].into_iter().collect()
}

fn emit(item: &Item, keys: &Keys) -> TokenStream {
    let span = match &item.sig.output {
        ReturnType::Default => item.sig.ident.span(),
        ReturnType::Type(_, ty) => edges(ty).0,
    };
    // Put at the result's type: one that says nothing about an exit code is then shown there.
    let verb = if item.sig.asyncness.is_some() { "run_future" } else { "run" };
    let run = Ident::new(verb, span.resolved_at(Span::mixed_site()));
    let (program, main) = (keys.program(), &item.sig.ident);
    wrap(item, &quote!(#program.#run(#main)))
}

/// The function as the user wrote it, in a `main` that does `work`.
fn wrap(item: &Item, work: &TokenStream) -> TokenStream {
    let Item { attrs, vis, sig, body } = item;
    let Attrs { cfg, docs, deprecated, lints, must_use, body: others } = Attrs::sort(attrs);
    quote! {
        #(#cfg)* #(#docs)* #(#deprecated)* #(#lints)*
        #vis fn main() -> #ExitCode {
            #(#must_use)* #(#others)*
            #[allow(dead_code)]
            #sig #body
            #work
        }
    }
}
