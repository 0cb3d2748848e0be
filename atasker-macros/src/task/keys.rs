//! The keys of a task.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Expr, LitStr};

use crate::duration::{self, Zero};
use crate::errors::Errors;
use crate::keys::{Entry, Vocabulary};
use crate::paths::{Clone, Named, Site, Supervisor};
use crate::values::{self, lent};

const VOCABULARY: Vocabulary = Vocabulary {
    attribute: "background_task",
    keys: &["priority", "name", "delay", "supervisor", "lane", "companion"],
    other: (
        "background_worker",
        &["interval", "queue", "event", "cron", "initial", "missed", "on_error", "autostart", "instance"],
    ),
    later: &[],
    foreign: &[
        ("delay_before", Some("delay"), "it is `delay` here, write `delay = 1s`"),
        ("loop", Some("lane"), "it is `lane` here, write `lane = \"io\"`"),
        ("aloop", Some("lane"), "it is `lane` here, write `lane = \"io\"`"),
        ("tt", None, "every task runs on a thread of the pool, leave it out"),
        ("threaded", None, "every task runs on a thread of the pool, leave it out"),
        ("daemon", None, "a task never keeps the process alive, leave it out"),
        ("callback", None, "wait for the `Task` that a call returns, or call it at the end of the body"),
        ("args", None, "a task takes its arguments at the call"),
        ("kwargs", None, "a task takes its arguments at the call"),
        ("Low", Some("priority"), "write `priority = Low`"),
        ("Normal", Some("priority"), "write `priority = Normal`"),
        ("High", Some("priority"), "write `priority = High`"),
        ("Critical", Some("priority"), "write `priority = Critical`"),
    ],
};

/// What the attribute says about a task.
#[derive(Default)]
pub(super) struct Keys {
    name: Option<LitStr>,
    /// `.key(value)` for every other key that was given.
    settings: Vec<TokenStream>,
    /// `companion = ..`, with the key to point at.
    pub(super) companion: Option<(Ident, bool)>,
    /// The key, if it was given.
    pub(super) lane: Option<Ident>,
}

impl Keys {
    pub(super) fn read(list: TokenStream, errors: &mut Errors) -> Self {
        let mut keys = Self::default();
        for known in VOCABULARY.read(list, errors).iter().filter(|known| known.sound) {
            keys.take(known.name, &known.entry, errors);
        }
        keys
    }

    fn take(&mut self, name: &str, entry: &Entry, errors: &mut Errors) {
        let value = match name {
            "priority" => values::priority(entry, errors),
            "delay" => values::given(entry, errors).and_then(|e| duration::value(name, e, Zero::Allowed, errors)),
            "supervisor" => values::given(entry, errors).map(supervisor),
            "lane" => {
                self.lane = Some(entry.key.clone());
                values::string(entry, errors).map(|lane| lane.to_token_stream())
            }
            "name" => {
                self.name = values::string(entry, errors);
                None
            }
            _ => {
                self.companion = values::boolean(entry, errors).map(|on| (entry.key.clone(), on));
                None
            }
        };
        if let Some(value) = value {
            let key = Ident::new(name, entry.key.span());
            self.settings.push(quote!(.#key(#value)));
        }
    }

    /// The task's name.
    pub(super) fn name(&self, default_name: &str) -> TokenStream {
        self.name.as_ref().map_or_else(|| quote!(#default_name), ToTokens::to_token_stream)
    }

    /// [`site_of`](Self::site_of) for a task without a companion: a type of its own keeps the name.
    pub(super) fn site(&self, default_name: &str) -> TokenStream {
        let (name, settings) = (self.name(default_name), &self.settings);
        // In a block of its own: what the user wrote does not see the type.
        quote! {
            ({
                struct Name;
                impl #Named for Name {
                    fn name() -> &'static ::core::primitive::str { #name }
                }
                #Site::of::<Name>()
            }) #(#settings)*
        }
    }

    /// `Site::of::<companion>().key(value)..`: everything before the verb.
    pub(super) fn site_of(&self, companion: &Ident) -> TokenStream {
        let settings = &self.settings;
        quote!(#Site::of::<#companion>() #(#settings)*)
    }
}

/// A borrow of the supervisor. One that belongs to `self` is cloned: the body takes `self` along.
fn supervisor(expr: &Expr) -> TokenStream {
    if names(expr.to_token_stream(), "self") {
        let lent = lent(expr);
        quote!(&<#Supervisor as #Clone>::clone(#lent))
    } else {
        lent(expr)
    }
}

fn names(tokens: TokenStream, wanted: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(word) => word == wanted,
        TokenTree::Group(group) => names(group.stream(), wanted),
        _ => false,
    })
}
