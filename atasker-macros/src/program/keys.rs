//! The keys of a program: those of its configuration, and how it ends.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::duration::{self, Zero};
use crate::errors::Errors;
use crate::keys::{Entry, Vocabulary};
use crate::paths::{Config, Program};
use crate::values;

const VOCABULARY: Vocabulary = Vocabulary {
    attribute: "atasker::main",
    keys: &[
        "pool_size",
        "reserve_normal",
        "reserve_high",
        "critical_max",
        "min_threads",
        "keep_alive",
        "thread_name",
        "stack_size",
        "task_times",
        "warn_after",
        "error_after",
        "async_threads",
        "max_nesting",
        "grace",
        "on_signal",
    ],
    other: ("background_task", &["priority", "name", "delay", "supervisor", "lane", "companion"]),
    later: &[],
    foreign: &[
        ("worker_threads", Some("async_threads"), "it is `async_threads` here, write `async_threads = 2`"),
        ("flavor", None, "async bodies run on `async_threads` threads, write `async_threads = 1` for a single one"),
        ("threads", Some("pool_size"), "write `pool_size = 20`, and `async_threads = 2` for async bodies"),
        ("workers", Some("pool_size"), "write `pool_size = 20`, and `async_threads = 2` for async bodies"),
        ("timeout", Some("grace"), "it is `grace` here, write `grace = 10s`"),
        ("shutdown_timeout", Some("grace"), "it is `grace` here, write `grace = 10s`"),
        ("stop_timeout", Some("grace"), "it is `grace` here, write `grace = 10s`"),
        ("signal", Some("on_signal"), "it is `on_signal` here, write `on_signal = cancel`"),
        ("poll_delay", None, "nothing polls here, leave it out"),
    ],
};

/// What the attribute says about a program.
#[derive(Default)]
pub(super) struct Keys {
    /// `.key(value)` for each setter of the configuration.
    settings: Vec<TokenStream>,
    /// `.grace(value)` and `.on_signal(value)`, if they were given.
    ending: Vec<TokenStream>,
}

impl Keys {
    pub(super) fn read(list: TokenStream, errors: &mut Errors) -> Self {
        let mut keys = Self::default();
        for known in VOCABULARY.read(list, errors).iter().filter(|known| known.sound) {
            let Some(value) = value(known.name, &known.entry, errors) else { continue };
            let key = Ident::new(known.name, known.entry.key.span());
            let setting = quote!(.#key(#value));
            match known.name {
                "grace" | "on_signal" => keys.ending.push(setting),
                _ => keys.settings.push(setting),
            }
        }
        keys
    }

    /// Everything before the verb.
    pub(super) fn program(&self) -> TokenStream {
        let (settings, ending) = (&self.settings, &self.ending);
        quote!(#Program::new(#Config::new() #(#settings)*) #(#ending)*)
    }
}

fn value(name: &str, entry: &Entry, errors: &mut Errors) -> Option<TokenStream> {
    let zero = match name {
        "stack_size" | "warn_after" | "error_after" | "async_threads" | "max_nesting" => Zero::Refused,
        _ => Zero::Allowed,
    };
    match name {
        "keep_alive" | "warn_after" | "error_after" | "grace" => {
            values::given(entry, errors).and_then(|expr| duration::value(name, expr, zero, errors))
        }
        "thread_name" => values::text(entry, errors),
        "task_times" => values::choice(entry, errors),
        "on_signal" => values::on_signal(entry, errors),
        _ => values::whole(entry, zero, errors),
    }
}
