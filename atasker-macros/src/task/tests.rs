//! What a task expands to, right and wrong.

use proc_macro2::TokenStream;
use quote::quote;

/// The expansion as text without spaces, because those of token streams are nobody's promise.
fn expand(keys: TokenStream, item: TokenStream) -> String {
    let expansion = super::expand(keys, item);
    syn::parse2::<syn::File>(expansion.clone()).expect("an expansion is a list of items");
    expansion.to_string().replace(' ', "")
}

fn assert_handle_and_one_error(expansion: &str) {
    assert_eq!(expansion.matches("compile_error!").count(), 1, "{expansion}");
    assert!(expansion.contains("fnf("), "{expansion}");
    assert!(expansion.contains("->::atasker::Task<"), "{expansion}");
    assert!(expansion.contains("structf{}"), "{expansion}");
}

#[test]
fn every_key_is_a_call() {
    let expansion = expand(
        quote!(priority = Low, name = "x", delay = 0.1, supervisor = mine()),
        quote!(
            fn f() {}
        ),
    );
    assert!(expansion.contains("Site::of::<f>().priority(::atasker::Priority::Low)"), "{expansion}");
    assert!(expansion.contains(r#"{"x"}"#), "{expansion}");
    assert!(expansion.contains(".delay(::core::time::Duration::new(0u64,100000000u32))"), "{expansion}");
    assert!(expansion.contains(".supervisor(&(mine()))"), "{expansion}");
}

#[test]
fn wrong_keys_leave_the_handle() {
    let lists = [
        quote!(prioritiy = High),
        quote!(priority),
        quote!(priority =),
        quote!(priority = 1),
        quote!(delay = -1),
        quote!(delay = 1 s),
        quote!(interval = 1),
        quote!(name = 1),
        quote!(=),
    ];
    for list in lists {
        assert_handle_and_one_error(&expand(
            list,
            quote!(
                fn f(x: u8) -> u8 {
                    x
                }
            ),
        ));
    }
}

#[test]
fn wrong_signatures_leave_the_handle() {
    let items = [
        quote!(
            fn f(x: &str) {}
        ),
        quote!(
            fn f(x: Option<&str>) {}
        ),
        quote!(
            fn f<'a>(x: &'a str) -> u8 {}
        ),
        quote!(
            const fn f() {}
        ),
        quote!(
            unsafe fn f() {}
        ),
        quote!(
            extern "C" fn f() {}
        ),
        quote!(
            fn f() -> ! {}
        ),
        quote!(
            fn f();
        ),
    ];
    for item in items {
        assert_handle_and_one_error(&expand(TokenStream::new(), item));
    }
}

#[test]
fn a_half_typed_body_leaves_the_handle() {
    let expansion = super::expand(
        TokenStream::new(),
        quote!(
            pub fn f() -> u8 { let x = }
        ),
    );
    let expansion = expansion.to_string().replace(' ', "");
    assert!(expansion.contains("pubfnf()->::atasker::Task<u8>"), "{expansion}");
}

#[test]
fn what_is_no_function_is_left_as_it_is() {
    let expansion = expand(
        TokenStream::new(),
        quote!(
            struct S;
        ),
    );
    assert!(expansion.contains("compile_error!") && expansion.ends_with("structS;"), "{expansion}");
}

#[test]
fn a_method_has_no_companion() {
    let expansion = super::expand(
        TokenStream::new(),
        quote!(
            fn f(self: Arc<Self>) {}
        ),
    )
    .to_string();
    assert!(!expansion.contains("struct f") && !expansion.contains("compile_error"), "{expansion}");
}

#[test]
fn several_mistakes_are_all_told() {
    let expansion = expand(
        quote!(priority = 1, nmae = "x"),
        quote!(
            fn f(x: &str) {}
        ),
    );
    assert_eq!(expansion.matches("compile_error!").count(), 3, "{expansion}");
}
