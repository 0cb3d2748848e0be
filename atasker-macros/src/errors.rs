//! Collects mistakes, so that one build shows every one of them.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::Error;

/// The mistakes found so far, each one compile error at its own token.
#[derive(Default)]
pub(crate) struct Errors {
    /// `syn` chains errors in one value, hence an option and not a list.
    combined: Option<Error>,
}

impl Errors {
    /// Notes a mistake that `tokens` stand for.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.push(Error::new_spanned(tokens, message));
    }

    /// Notes a mistake at a single token.
    pub(crate) fn at_span(&mut self, span: Span, message: impl Display) {
        self.push(Error::new(span, message));
    }

    pub(crate) fn push(&mut self, error: Error) {
        match &mut self.combined {
            Some(combined) => combined.combine(error),
            None => self.combined = Some(error),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.combined.is_none()
    }

    /// How many mistakes there are; two looks around a check tell whether it found one.
    pub(crate) fn count(&self) -> usize {
        self.combined.iter().flatten().count()
    }

    /// The `compile_error!` calls; nothing if there was no mistake.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.combined.map(Error::into_compile_error).unwrap_or_default()
    }
}
