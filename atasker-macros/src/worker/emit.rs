//! The static handle, its type, and the type's `start`, `restart` and `instance`.
//!
//! The type has braces, so that it has no constructor: the static has the name to itself among the values.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Type;

use super::keys::{Keys, Kind};
use super::params::{Param, Role, stands_alone};
use crate::attrs::Attrs;
use crate::item::{Item, edges};
use crate::paths::{
    Autostart, Deref, Duration, EventWorker, IntervalWorker, Into, LoopWorker, PutError, QueueWorker, SameSupervisor,
    ScheduledWorker, Static, StdResult, StdString, Submit, Supervisor, TaskSupervisor, UnitResult, Unreachable,
};

/// A worker after the checks.
pub(super) struct Worker<'a> {
    pub(super) item: &'a Item,
    pub(super) keys: &'a Keys,
    pub(super) params: &'a [Param],
    /// Whether there was no mistake; with one, the handle is there and nothing runs.
    pub(super) sound: bool,
}

impl Worker<'_> {
    pub(super) fn emit(&self) -> TokenStream {
        let attrs = Attrs::sort(&self.item.attrs);
        [self.handle(&attrs), self.methods(&attrs), self.deref(&attrs), self.autostart(&attrs)].into_iter().collect()
    }

    fn name(&self) -> TokenStream {
        match &self.keys.name {
            Some(name) => name.to_token_stream(),
            None => self.item.name().to_token_stream(),
        }
    }

    /// The static, and its type.
    fn handle(&self, attrs: &Attrs) -> TokenStream {
        let Attrs { cfg, docs, deprecated, lints, .. } = attrs;
        let (vis, ident, name, inner) = (&self.item.vis, &self.item.sig.ident, self.name(), self.inner());
        let doc = format!("The type of the worker `{}`: what starts it, and its handle behind that.", self.item.name());
        quote! {
            #(#cfg)* #[doc = #doc] #[doc = ""] #(#docs)* #(#lints)*
            #[allow(non_camel_case_types, missing_debug_implementations, unreachable_pub)]
            #vis struct #ident { inner: #Static<#inner> }

            #(#cfg)* #(#docs)* #(#deprecated)* #(#lints)*
            #[allow(non_upper_case_globals)]
            #vis static #ident: #ident = #ident { inner: #Static::new(#name) };
        }
    }

    /// The library's handle for a worker of this kind.
    fn inner(&self) -> TokenStream {
        match self.keys.kind {
            Kind::Loop => LoopWorker.to_token_stream(),
            Kind::Interval | Kind::Delay => IntervalWorker.to_token_stream(),
            Kind::Cron | Kind::Schedule => ScheduledWorker.to_token_stream(),
            Kind::Event => EventWorker.to_token_stream(),
            Kind::Queue => {
                let item = self.queued();
                let item = item.map_or_else(|| quote!(()), ToTokens::to_token_stream);
                quote!(#QueueWorker<#item>)
            }
        }
    }

    /// The type of a queue's items, if there is one that can stand in a static.
    pub(super) fn queued(&self) -> Option<&Type> {
        let item = self.params.iter().find(|param| param.role == Role::Item)?;
        stands_alone(&item.ty, &self.item.sig.generics).then_some(&item.ty)
    }

    fn methods(&self, attrs: &Attrs) -> TokenStream {
        let Attrs { cfg, lints, .. } = attrs;
        let (vis, ident) = (&self.item.vis, &self.item.sig.ident);
        let (body, prepare, put) = (self.body(attrs), self.prepare(), self.put());
        let params = self.start_params();
        let [start, restart] = ["start", "restart"].map(|verb| self.launch(verb));
        quote! {
            #(#cfg)* #(#lints)*
            #[allow(dead_code, unreachable_pub, private_interfaces, private_bounds)]
            impl #ident {
                #body
                #prepare

                /// Starts the worker with its state: one argument for each parameter of the body that is state.
                ///
                /// # Errors
                ///
                /// If it runs already or is stopping, or its supervisor is stopped.
                #[allow(deprecated, clippy::all, clippy::pedantic)]
                #vis fn start(&self, #(#params),*) -> #UnitResult { #start }

                /// Stops the worker, waits for its end, and starts it with new state.
                ///
                /// # Errors
                ///
                /// If called in its own body, or its supervisor is stopped.
                #[allow(deprecated, clippy::all, clippy::pedantic)]
                #vis fn restart(&self, #(#params),*) -> #UnitResult { #restart }

                /// Another worker of the same body, under its own name and not yet started.
                #[must_use]
                #[allow(deprecated, clippy::all, clippy::pedantic)]
                #vis fn instance(&self, name: impl #Into<#StdString>) -> Self {
                    Self { inner: #Static::named(name) }
                }

                /// The same worker, to be started on that supervisor instead of the one it was declared for.
                #[must_use]
                #[allow(deprecated, clippy::all, clippy::pedantic)]
                #vis fn on(&self, supervisor: &#Supervisor) -> Self {
                    Self { inner: self.inner.on(supervisor) }
                }

                #put
            }
        }
    }

    fn deref(&self, attrs: &Attrs) -> TokenStream {
        let (cfg, ident, inner) = (&attrs.cfg, &self.item.sig.ident, self.inner());
        // An item of a private type cannot be put into a public queue: the compiler says so at the type.
        let shown = self.queued().map_or_else(|| ident.span(), |item| edges(item).0);
        let shown = shown.resolved_at(Span::mixed_site());
        let target = quote_spanned!(shown=> type Target = #inner;);
        quote! {
            #(#cfg)*
            impl #Deref for #ident {
                #target

                fn deref(&self) -> &Self::Target {
                    self.inner.handle()
                }
            }
        }
    }

    /// Enters the worker in the list of those that their supervisor starts.
    fn autostart(&self, attrs: &Attrs) -> TokenStream {
        if self.keys.autostart.is_none() || !self.sound {
            return TokenStream::new();
        }
        let (cfg, ident, name) = (&attrs.cfg, &self.item.sig.ident, self.name());
        let default = quote!(&#TaskSupervisor());
        let own = self.keys.supervisor.as_ref().unwrap_or(&default);
        let supervisor = Ident::new("supervisor", Span::mixed_site());
        quote! {
            #(#cfg)*
            const _: () = {
                #Submit! {
                    #Autostart::new(#name, |#supervisor| #SameSupervisor(#supervisor, #own), || #ident.start())
                }
            };
        }
    }

    /// Takes any item, where the mistake was that there is no type for one.
    fn put(&self) -> TokenStream {
        if self.keys.kind != Kind::Queue || self.queued().is_some() {
            return TokenStream::new();
        }
        let vis = &self.item.vis;
        let verbs = [("put", None), ("try_put", None), ("put_timeout", Some(quote!(, _: #Duration)))];
        let methods = verbs.map(|(verb, more)| {
            let verb = Ident::new(verb, Span::mixed_site());
            quote! {
                #[allow(missing_docs, clippy::all, clippy::pedantic)]
                #vis fn #verb<T>(&self, _: T #more) -> #StdResult<(), #PutError<T>> { #Unreachable }
            }
        });
        methods.into_iter().collect()
    }
}
