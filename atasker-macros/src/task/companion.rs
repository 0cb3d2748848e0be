//! A task and the type of its name: `f(..)`, `f::call(..)`, `f::with(..)(..)`, `f::detach(..)`.
//!
//! The type has braces, so that it has no constructor: the function keeps its name to itself among the values. The
//! body lives in `call`, and a call of the task within it is a call of the outer function, as the user wrote it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{Generics, Type, TypeParam, parse_quote};

use super::keys::Keys;
use super::{at_parameters, at_result, parameter_edges, verb};
use crate::attrs::Attrs;
use crate::item::{Item, fresh};
use crate::paths::{FnOnce, Future, Into, Named, Send, Task, TaskOptions};
use crate::signature::{has_impl_trait, output, turbofish};

pub(super) fn emit(item: &Item, keys: &Keys) -> TokenStream {
    let parts = Parts::of(item);
    let start = at_result(&item.sig, verb(&item.sig, "start"));
    let site = keys.site_of(&unseen(&item.sig.ident));
    let run = parts.run(&item.sig.ident);
    let function = parts.function(quote!(#site.#start(#run)));
    let call = parts.call(&TokenStream::new(), item.body.to_token_stream());
    let site = keys.site_of(&Ident::new("Self", Span::mixed_site()));
    let methods = [call, parts.prepare(), parts.with(&site), parts.detached(&site)];
    [function, parts.companion(&methods), parts.named(&keys.name(&item.name()))].into_iter().collect()
}

/// What the items of one task are made of.
pub(super) struct Parts<'a> {
    item: &'a Item,
    attrs: Attrs,
    /// The parameters' names in generated signatures.
    pub(super) names: Vec<Ident>,
    pub(super) types: Vec<Type>,
    pub(super) result: Type,
    pub(super) generics: Generics,
}

impl<'a> Parts<'a> {
    pub(super) fn of(item: &'a Item) -> Self {
        let (names, types) = item.params().into_iter().map(|(name, param)| (name, (*param.ty).clone())).unzip();
        let (attrs, result, generics) = (Attrs::sort(&item.attrs), output(&item.sig), item.sig.generics.clone());
        Self { item, attrs, names, types, result, generics }
    }

    /// What is handed to the pool. `companion` names the type from here.
    fn run(&self, companion: &Ident) -> TokenStream {
        let companion = unseen(companion);
        let (names, turbofish) = (&self.names, turbofish(&self.generics));
        if has_impl_trait(&self.result) && self.is_async() {
            return quote!(#companion::call #turbofish (#(#names),*));
        }
        if has_impl_trait(&self.result) {
            return at_parameters(
                &self.item.sig,
                &self.item.params(),
                quote!(#companion::call #turbofish (#(#names),*)),
            );
        }
        quote!(#companion::prepare #turbofish (#(#names),*))
    }

    /// Makes the closure that runs the body, or the body's future: in one place, so that an argument that cannot be sent is one error.
    ///
    /// Absent if the result is an `impl Trait`, which no returned closure can give.
    fn prepare(&self) -> TokenStream {
        let Self { names, types, result, generics, .. } = self;
        if has_impl_trait(result) {
            return TokenStream::new();
        }
        let (bounds, turbofish) = (&generics.where_clause, turbofish(generics));
        let (first, last) = parameter_edges(&self.item.sig, &self.item.params());
        let begin = quote_spanned!(first=> impl);
        let end = quote_spanned!(last=> 'static);
        let (body, run) = if self.is_async() {
            (quote!(#Future<Output = #result>), quote!())
        } else {
            (quote!(#FnOnce() -> #result), quote!(move ||))
        };
        quote! {
            #[inline]
            #[allow(deprecated, clippy::all, clippy::pedantic)]
            fn prepare #generics (#(#names: #types),*) -> #begin #body + #Send + #end #bounds {
                #run Self::call #turbofish (#(#names),*)
            }
        }
    }

    fn is_async(&self) -> bool {
        self.item.sig.asyncness.is_some()
    }

    /// The function itself. Whether it is used nobody can say: a task may only ever be started by `with` or `detach`.
    pub(super) fn function(&self, body: TokenStream) -> TokenStream {
        let Self { names, types, result, generics, .. } = self;
        let Attrs { cfg, docs, deprecated, lints, must_use, .. } = &self.attrs;
        let (vis, name, bounds) = (&self.item.vis, &self.item.sig.ident, &generics.where_clause);
        quote! {
            #(#cfg)* #(#docs)* #(#deprecated)* #(#must_use)* #(#lints)*
            #[allow(dead_code, deprecated, clippy::must_use_candidate)]
            #vis fn #name #generics (#(#names: #types),*) -> #Task<#result> #bounds { #body }
        }
    }

    /// The type beside the function, with its methods.
    pub(super) fn companion(&self, methods: &[TokenStream]) -> TokenStream {
        let Attrs { cfg, docs, lints, .. } = &self.attrs;
        let (vis, name) = (&self.item.vis, &self.item.sig.ident);
        let doc = format!(
            "The other ways to run the task `{}`: `call` it here and now, start it `with` other options, or `detach` it.",
            self.item.name(),
        );
        quote! {
            #(#cfg)* #[doc = #doc] #[doc = ""] #(#docs)* #(#lints)*
            #[allow(dead_code, non_camel_case_types, missing_debug_implementations, unreachable_pub)]
            #vis struct #name {}

            #(#cfg)* #(#lints)*
            #[allow(dead_code, unreachable_pub, private_interfaces, private_bounds)]
            impl #name { #(#methods)* }
        }
    }

    /// What makes the type stand for the task's name.
    fn named(&self, value: &TokenStream) -> TokenStream {
        let (cfg, name) = (&self.attrs.cfg, &self.item.sig.ident);
        quote! {
            #(#cfg)*
            impl #Named for #name {
                fn name() -> &'static ::core::primitive::str { #value }
            }
        }
    }

    /// The body, under the signature that the user wrote.
    pub(super) fn call(&self, quiet: &TokenStream, body: TokenStream) -> TokenStream {
        let Attrs { docs, deprecated, must_use, body: others, .. } = &self.attrs;
        let (vis, sig) = (&self.item.vis, &self.item.sig);
        let (generics, inputs, output) = (&sig.generics, &sig.inputs, &sig.output);
        let (bounds, asyncness) = (&generics.where_clause, &sig.asyncness);
        let doc = if self.is_async() {
            "Runs the body in the caller's own future: it is async, and no task."
        } else {
            "Runs the body here and now, in the caller's thread, and gives back its result."
        };
        quote! {
            #[doc = #doc]
            #[doc = ""] #(#docs)* #(#deprecated)* #(#must_use)* #(#others)*
            #[allow(clippy::needless_pass_by_value, clippy::must_use_candidate)]
            #quiet
            #vis #asyncness fn call #generics (#inputs) #output #bounds #body
        }
    }

    /// `with`: absent if the result is an `impl Trait`, which no closure can return.
    fn with(&self, site: &TokenStream) -> TokenStream {
        let (names, run) = (&self.names, self.run(&Ident::new("Self", Span::mixed_site())));
        let start = at_result(&self.item.sig, verb(&self.item.sig, "start_with"));
        // Converted now: what they are made from may be lent for this call only.
        let options = self.options();
        self.with_closure(quote! {
            let #options = #Into::into(#options);
            move |#(#names),*| #site.#start(#options, #run)
        })
    }

    /// `detach`: the result ends on the thread that made it, whether it can be sent or not.
    fn detached(&self, site: &TokenStream) -> TokenStream {
        let run = self.run(&Ident::new("Self", Span::mixed_site()));
        let detach = Ident::new(verb(&self.item.sig, "detach"), Span::mixed_site());
        self.detach(quote!(#site.#detach(#run)))
    }

    pub(super) fn with_closure(&self, body: TokenStream) -> TokenStream {
        if has_impl_trait(&self.result) {
            return TokenStream::new();
        }
        let mut generics = self.generics.clone();
        let mut types = self.types.clone();
        let mut naming = NameImpls { named: Vec::new() };
        types.iter_mut().for_each(|ty| naming.visit_type_mut(ty));
        generics.params.extend(naming.named.into_iter().map(syn::GenericParam::Type));
        let (deprecated, result, bounds) = (&self.attrs.deprecated, &self.result, &generics.where_clause);
        let (vis, options) = (&self.item.vis, self.options());
        quote! {
            /// Starts the task with options of this one call: `with(options)(arguments)`.
            #(#deprecated)*
            #[allow(deprecated, clippy::all, clippy::pedantic)]
            #vis fn with #generics (#options: impl #Into<#TaskOptions>) -> impl #FnOnce(#(#types),*) -> #Task<#result>
            #bounds
            { #body }
        }
    }

    fn options(&self) -> Ident {
        fresh("options", self.names.iter())
    }

    pub(super) fn detach(&self, body: TokenStream) -> TokenStream {
        let Self { names, types, generics, .. } = self;
        let (vis, deprecated, bounds) = (&self.item.vis, &self.attrs.deprecated, &generics.where_clause);
        quote! {
            /// Starts the task without a handle: the cheapest way in. A refusal is logged and counted.
            #(#deprecated)*
            #[allow(deprecated, clippy::all, clippy::pedantic)]
            #vis fn detach #generics (#(#names: #types),*) #bounds { #body }
        }
    }
}

/// The companion, found by name, but not where the user wrote it: editors would list it among the function's uses.
fn unseen(companion: &Ident) -> Ident {
    let mut companion = companion.clone();
    companion.set_span(Span::mixed_site());
    companion
}

/// Gives every `impl Trait` a name: it cannot stand among the parameters of a returned closure.
struct NameImpls {
    named: Vec<TypeParam>,
}

impl VisitMut for NameImpls {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        // Inner ones first: a bound of the outer one may name them.
        visit_mut::visit_type_mut(self, ty);
        if let Type::ImplTrait(anonymous) = ty {
            let name = format_ident!("Impl{}", self.named.len(), span = Span::mixed_site());
            let bounds = &anonymous.bounds;
            self.named.push(parse_quote!(#name: #bounds));
            *ty = parse_quote!(#name);
        }
    }
}
