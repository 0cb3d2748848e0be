//! The annotated function: attributes, visibility and signature as syntax, the body as tokens.
//!
//! The body stays unparsed, so that one that is still being typed does not lose the handle, and the compiler's own
//! errors about it appear as in any function.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Error, FnArg, Pat, PatType, Result, Signature, Token, Type, Visibility};

use crate::errors::Errors;

/// A function as the user wrote it.
pub(crate) struct Item {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    /// Absent in a trait's declaration.
    pub(crate) body: Option<Group>,
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let sig = input.parse()?;
        let body = match input.parse::<Option<Token![;]>>()? {
            Some(_) => None,
            None => Some(input.parse()?),
        };
        if body.as_ref().is_some_and(|body: &Group| body.delimiter() != Delimiter::Brace) {
            return Err(input.error("expected a body in braces"));
        }
        Ok(Self { attrs, vis, sig, body })
    }
}

impl Item {
    /// Parses what `#[attribute]` stands on; anything but a function is refused at the word that says what it is.
    pub(crate) fn read(attribute: &str, tokens: TokenStream) -> Result<Self> {
        let refusal = (|input: ParseStream<'_>| find_refusal(attribute, input)).parse2(tokens.clone())?;
        refusal.map_or_else(|| syn::parse2(tokens), Err)
    }

    /// The function's name, as the handle and the worker are called unless told otherwise.
    pub(crate) fn name(&self) -> String {
        self.sig.ident.unraw().to_string()
    }

    /// Every parameter but the receiver, with the name it has in generated signatures.
    pub(crate) fn params(&self) -> Vec<(Ident, &PatType)> {
        let typed = self.sig.inputs.iter().filter_map(|arg| match arg {
            FnArg::Typed(typed) => Some(typed),
            FnArg::Receiver(_) => None,
        });
        let mut params: Vec<(Ident, &PatType)> = Vec::new();
        for (position, typed) in typed.enumerate() {
            let mut name = plain_name(&typed.pat).unwrap_or_else(|| numbered(position));
            // Two macros may both have written `x`, each its own: with one hygiene for all they would clash.
            if params.iter().any(|(taken, _)| *taken == name) {
                name = numbered(position);
            }
            params.push((name, typed));
        }
        params
    }

    /// Notes a missing body and what no generated signature can repeat.
    pub(crate) fn check(&self, errors: &mut Errors) {
        if self.body.is_none() {
            errors.at(&self.sig, "there is no body to run: write one, `{ .. }`");
        }
        for (_, param) in self.params() {
            for attr in &param.attrs {
                if attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr") {
                    errors.at(attr, "a single parameter cannot be configured: put `cfg` on two whole functions");
                }
            }
        }
    }
}

/// The error for an item that is not a function, if it is none.
fn find_refusal(attribute: &str, input: ParseStream<'_>) -> Result<Option<Error>> {
    input.call(Attribute::parse_outer)?;
    input.parse::<Visibility>()?;
    let is_fn = ["const", "async", "unsafe", "safe", "extern", "fn"];
    let span = input.span();
    let word = input.call(Ident::parse_any).map(|word| word.to_string()).unwrap_or_default();
    // `const` may also begin a constant, `unsafe` a trait or an impl: only a later `fn` at this level tells.
    let rest: TokenStream = input.parse()?;
    let has_fn = word == "fn" || rest.into_iter().any(|token| token.to_string() == "fn");
    let refused = !(is_fn.contains(&word.as_str()) && has_fn);
    Ok(refused.then(|| Error::new(span, format!("`#[{attribute}]` goes on a function: write `fn name(..) {{ .. }}`"))))
}

/// The parameter's own name, if its pattern is one.
///
/// Its hygiene becomes that of a macro's own variables: an expression in the attribute cannot see it by accident.
fn plain_name(pattern: &Pat) -> Option<Ident> {
    match pattern {
        Pat::Ident(pattern) if pattern.subpat.is_none() && pattern.by_ref.is_none() => {
            let mut name = pattern.ident.clone();
            name.set_span(name.span().resolved_at(Span::mixed_site()));
            Some(name)
        }
        _ => None,
    }
}

/// A name for a variable of generated code beside `taken`: `wish`, or that with underscores behind it.
///
/// Parameters and variables of ours have the same hygiene, and a user may have named a parameter as we would.
pub(crate) fn fresh<'a>(wish: &str, taken: impl Iterator<Item = &'a Ident> + Clone) -> Ident {
    let mut name = wish.to_owned();
    while taken.clone().any(|taken| *taken == name) {
        name.push('_');
    }
    Ident::new(&name, Span::mixed_site())
}

/// The name of a parameter that has none of its own.
fn numbered(position: usize) -> Ident {
    Ident::new(&format!("arg{position}"), Span::mixed_site())
}

/// Takes off the invisible delimiters that `macro_rules!` puts around a type.
pub(crate) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        _ => ty,
    }
}

/// Where syntax begins and where it ends, for generated code that is to be shown there.
pub(crate) fn edges(tokens: impl ToTokens) -> (Span, Span) {
    let mut spans = tokens.into_token_stream().into_iter().map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::mixed_site);
    (first, spans.last().unwrap_or(first))
}
