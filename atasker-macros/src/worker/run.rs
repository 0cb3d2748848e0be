//! The body as an associated function, and how `start` hands it to the library with its state in it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Index, ReturnType, Safety};

use super::emit::Worker;
use super::keys::Kind;
use super::params::{Param, Role, anything, stands_alone};
use crate::attrs::Attrs;
use crate::item::{edges, fresh};
use crate::paths::{
    AsyncQueueBody, AsyncWorker, BackgroundWorker, Borrow, BorrowMut, Clone, IntoQueueBody, IntoWorker, Send,
    Unreachable, WorkerContext,
};
use crate::signature::{has_impl_trait, output};

impl Worker<'_> {
    /// The function as the user wrote it. It is checked even if it is never run, as any function is.
    pub(super) fn body(&self, attrs: &Attrs) -> TokenStream {
        let (sig, body, others) = (&self.item.sig, &self.item.body, &attrs.body);
        let plain = sig.constness.is_none()
            && sig.variadic.is_none()
            && matches!(sig.safety, Safety::Default)
            && self.params.iter().all(|param| param.name != sig.ident);
        if body.is_none() || !plain {
            return TokenStream::new();
        }
        let (generics, inputs, output) = (&sig.generics, &sig.inputs, &sig.output);
        let (bounds, asyncness) = (&generics.where_clause, &sig.asyncness);
        quote! {
            #(#others)*
            #[allow(clippy::needless_pass_by_value)]
            #asyncness fn body #generics (#inputs) #output #bounds #body
        }
    }

    /// The parameters of `start`: what lends the state, or the state itself.
    pub(super) fn start_params(&self) -> Vec<TokenStream> {
        self.state().map(|param| self.start_param(param, self.sound.then(|| param.name.to_token_stream()))).collect()
    }

    /// What `start` and `restart` do: hand the body, its state in it, to the library.
    pub(super) fn launch(&self, verb: &str) -> TokenStream {
        if !self.sound {
            return Unreachable.to_token_stream();
        }
        let (verb, settings) = (Ident::new(verb, Span::mixed_site()), &self.keys.settings);
        let names = self.state().map(|param| &param.name);
        let body = if self.is_opaque() { self.closure() } else { quote!(Self::prepare(#(#names),*)) };
        quote!(self.inner.#verb(#BackgroundWorker(#body) #(#settings)*))
    }

    /// Makes the body, its state in it, as the library wants it. In one place, so that a result or a state that the
    /// library refuses is one error; it is shown where the result is written.
    ///
    /// Absent if the result is an `impl Trait`, which cannot be named here.
    pub(super) fn prepare(&self) -> TokenStream {
        if !self.sound || self.is_opaque() {
            return TokenStream::new();
        }
        if self.item.sig.asyncness.is_some() {
            return self.prepare_async();
        }
        let params = self.state().map(|param| match param.role {
            Role::Exclusive => self.start_param(param, Some(exclusive(&param.name))),
            _ => self.start_param(param, Some(param.name.to_token_stream())),
        });
        let (closure, result, context) = (self.closure(), output(&self.item.sig), self.has_context());
        let context = context.then(|| quote!(&#WorkerContext));
        let body = match (self.keys.kind, self.queued()) {
            (Kind::Queue, Some(item)) => {
                quote!(#IntoQueueBody<fn(#item, #context) -> #result, Item = #item>)
            }
            _ => quote!(#IntoWorker<fn(#context) -> #result>),
        };
        let (first, last) = self.result_edges();
        let begin = quote_spanned!(first=> impl);
        let end = quote_spanned!(last=> + 'static);
        quote! {
            #[allow(deprecated, clippy::all, clippy::pedantic)]
            fn prepare(#(#params),*) -> #begin #body #end { #closure }
        }
    }

    /// The same for an async body: a struct with its state, since no closure can lend what its future borrows.
    fn prepare_async(&self) -> TokenStream {
        let (ident, result) = (&self.item.sig.ident, output(&self.item.sig));
        let params: Vec<_> =
            self.state().map(|param| self.start_param(param, Some(param.name.to_token_stream()))).collect();
        let names: Vec<_> = self.state().map(|param| &param.name).collect();
        let (mut fields, mut generics, mut bounds) = (Vec::new(), Vec::new(), Vec::new());
        for (position, Param { role, ty, .. }) in self.state().enumerate() {
            let lender = format_ident!("__State{}", position, span = Span::mixed_site());
            match role {
                Role::Shared => bounds.push(quote!(#lender: #Borrow<#ty> + #Send + 'static)),
                Role::Exclusive => bounds.push(quote!(#lender: #BorrowMut<#ty> + #Send + 'static)),
                _ => {
                    fields.push(ty.to_token_stream());
                    continue;
                }
            }
            fields.push(lender.to_token_stream());
            generics.push(lender);
        }
        let mut position = 0;
        let args = self.params.iter().map(|Param { role, ty, .. }| {
            let field = Index::from(position);
            position += usize::from(!matches!(role, Role::Item | Role::Context));
            match role {
                Role::Item => quote!(item),
                Role::Context => quote!(context),
                Role::Shared => quote!(#Borrow::<#ty>::borrow(&self.#field)),
                Role::Exclusive => quote!(#BorrowMut::<#ty>::borrow_mut(&mut self.#field)),
                Role::Owned => quote!(<#ty as #Clone>::clone(&self.#field)),
            }
        });
        let args: Vec<_> = args.collect();
        let (body, item, input) = match (self.keys.kind, self.queued()) {
            (Kind::Queue, Some(item)) => {
                (AsyncQueueBody.to_token_stream(), quote!(type Item = #item;), quote!(item: #item,))
            }
            _ => (AsyncWorker.to_token_stream(), TokenStream::new(), TokenStream::new()),
        };
        let item_of = self.queued().filter(|_| self.keys.kind == Kind::Queue).map(|item| quote!(<Item = #item>));
        let (first, last) = self.result_edges();
        let begin = quote_spanned!(first=> impl);
        let end = quote_spanned!(last=> + 'static);
        quote! {
            #[allow(deprecated, clippy::all, clippy::pedantic)]
            fn prepare(#(#params),*) -> #begin #body #item_of #end {
                #[allow(non_camel_case_types)]
                struct __Body<#(#generics),*>(#(#fields),*);

                #[allow(non_camel_case_types, unused_variables)]
                impl<#(#bounds),*> #body for __Body<#(#generics),*> {
                    #item
                    type Output = #result;

                    async fn run(&mut self, #input context: &#WorkerContext) -> #result {
                        #ident::body(#(#args),*).await
                    }
                }

                __Body(#(#names),*)
            }
        }
    }

    /// The closure that runs the body once. It stands where the state is written.
    fn closure(&self) -> TokenStream {
        let taken = self.params.iter().map(|param| &param.name);
        let (context, item) = (fresh("context", taken.clone()), fresh("item", taken));
        let mut inputs = Vec::new();
        if let Some(queued) = self.queued() {
            inputs.push(quote!(#item: #queued));
        }
        if self.has_context() {
            inputs.push(quote!(#context: &#WorkerContext));
        }
        let args = self.params.iter().map(|Param { name, role, ty }| match role {
            Role::Item => item.to_token_stream(),
            Role::Context => context.to_token_stream(),
            Role::Shared => quote!(#Borrow::<#ty>::borrow(&#name)),
            Role::Exclusive => quote!(#BorrowMut::<#ty>::borrow_mut(&mut #name)),
            Role::Owned => {
                let clone = quote_spanned!(edges(ty).0.resolved_at(Span::mixed_site())=> clone);
                quote!(<#ty as #Clone>::#clone(&#name))
            }
        });
        let (first, last) = self.state_edges();
        let begin = quote_spanned!(first=> move |#(#inputs),*|);
        let end = quote_spanned!(last=> { Self::body(#(#args),*) });
        quote!(#begin #end)
    }

    /// A parameter that takes state; without a pattern it takes it for nothing, and whatever it is.
    fn start_param(&self, Param { role, ty, .. }: &Param, pattern: Option<TokenStream>) -> TokenStream {
        let pattern = pattern.unwrap_or_else(|| quote!(_));
        if !self.sound && !stands_alone(ty, &self.item.sig.generics) {
            let anything = anything();
            return quote!(#pattern: #anything);
        }
        match role {
            Role::Shared => quote!(#pattern: impl #Borrow<#ty> + #Send + 'static),
            Role::Exclusive => quote!(#pattern: impl #BorrowMut<#ty> + #Send + 'static),
            _ => quote!(#pattern: #ty),
        }
    }

    fn state(&self) -> impl Iterator<Item = &Param> {
        self.params.iter().filter(|param| param.is_state())
    }

    fn has_context(&self) -> bool {
        self.params.iter().any(|param| param.role == Role::Context)
    }

    fn is_opaque(&self) -> bool {
        has_impl_trait(&output(&self.item.sig))
    }

    fn state_edges(&self) -> (Span, Span) {
        let name = self.item.sig.ident.span();
        let first = self.state().next().map_or(name, |first| edges(&first.ty).0);
        let last = self.state().last().map_or(name, |last| edges(&last.ty).1);
        (first.resolved_at(Span::mixed_site()), last.resolved_at(Span::mixed_site()))
    }

    fn result_edges(&self) -> (Span, Span) {
        let ReturnType::Type(_, ty) = &self.item.sig.output else {
            return self.state_edges();
        };
        let (first, last) = edges(ty);
        (first.resolved_at(Span::mixed_site()), last.resolved_at(Span::mixed_site()))
    }
}

fn exclusive(name: &Ident) -> TokenStream {
    quote!(mut #name)
}
