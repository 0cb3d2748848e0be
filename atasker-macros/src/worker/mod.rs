//! `#[background_worker]`: the function becomes the body of a static handle of its name.

mod check;
mod emit;
mod keys;
mod outcome;
mod params;
mod run;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

use crate::attrs::refuse_second;
use crate::errors::Errors;
use crate::item::Item;
use emit::Worker;
use keys::Keys;

/// The expansion of `#[background_worker(list)] tokens`.
pub(crate) fn expand(list: TokenStream, tokens: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut item = match Item::read("background_worker", tokens.clone()) {
        Ok(item) => item,
        Err(error) => return [error.into_compile_error(), tokens].into_iter().collect(),
    };
    refuse_second(&mut item.attrs, &mut errors);
    let keys = Keys::read(list, &mut errors);
    if check::in_impl(&item, &mut errors) {
        // No static can stand in an impl. The method stays, without the attribute, for those that call it.
        let Item { attrs, vis, sig, body, .. } = item;
        let method = quote::quote!(#(#attrs)* #vis #sig #body);
        return [errors.into_tokens(), method].into_iter().collect();
    }
    let params = check::signature(&item, &keys, &mut errors);
    let items = Worker { item: &item, keys: &keys, params: &params, sound: errors.is_empty() }.emit();
    [errors.into_tokens(), items].into_iter().collect()
}
