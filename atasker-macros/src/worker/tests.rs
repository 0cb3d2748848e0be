//! What a worker expands to, right and wrong.

use proc_macro2::TokenStream;
use quote::quote;

/// The expansion as text without spaces, because those of token streams are nobody's promise.
fn expand(keys: TokenStream, item: TokenStream) -> String {
    let expansion = super::expand(keys, item);
    syn::parse2::<syn::File>(expansion.clone()).expect("an expansion is a list of items");
    expansion.to_string().replace(' ', "")
}

fn assert_handle_and_one_error(expansion: &str, handle: &str) {
    assert_eq!(expansion.matches("compile_error!").count(), 1, "{expansion}");
    assert!(expansion.contains("staticw:w="), "{expansion}");
    assert!(expansion.contains(&format!("typeTarget=::atasker::{handle};")), "{expansion}");
    assert!(expansion.contains("fnstart(&self"), "{expansion}");
}

#[test]
fn every_key_is_a_call_and_the_kind_is_the_first() {
    let keys =
        quote!(priority = Low, missed = burst, initial = "1m", interval = 250ms, on_error = log, supervisor = mine());
    let expansion = expand(
        keys,
        quote!(
            fn w() {}
        ),
    );
    let calls = ".interval(::core::time::Duration::new(0u64,250000000u32)).priority(::atasker::Priority::Low)\
                 .missed(::atasker::MissedTick::Burst).initial(::core::time::Duration::new(60u64,0u32))\
                 .on_error(log).supervisor(&(mine()))";
    assert!(expansion.contains(calls), "{expansion}");
}

#[test]
fn each_kind_has_its_handle() {
    let kinds = [
        (quote!(), "LoopWorker"),
        (quote!(interval = 1), "IntervalWorker"),
        (quote!(delay = 1), "IntervalWorker"),
        (quote!(cron = "@daily"), "ScheduledWorker"),
        (quote!(schedule = own()), "ScheduledWorker"),
        (quote!(event), "EventWorker"),
    ];
    for (keys, handle) in kinds {
        let expansion = expand(
            keys,
            quote!(
                fn w() {}
            ),
        );
        assert!(expansion.contains(&format!("typeTarget=::atasker::{handle};")), "{expansion}");
        assert!(!expansion.contains("compile_error"), "{expansion}");
    }
    let expansion = expand(
        quote!(queue = 8),
        quote!(
            fn w(item: Vec<u8>) {}
        ),
    );
    assert!(expansion.contains("typeTarget=::atasker::QueueWorker<Vec<u8>>;"), "{expansion}");
    assert!(expansion.contains(".queue_bounded(8)"), "{expansion}");
}

#[test]
fn state_is_lent_or_cloned() {
    let expansion = expand(
        quote!(),
        quote!(
            fn w(a: &Db, cx: &WorkerContext, b: &mut u64, c: String) {}
        ),
    );
    assert!(expansion.contains("a:impl::core::borrow::Borrow<Db>+"), "{expansion}");
    assert!(expansion.contains("mutb:impl::core::borrow::BorrowMut<u64>+"), "{expansion}");
    assert!(expansion.contains("c:String"), "{expansion}");
    assert!(expansion.contains("move|context:&::atasker::WorkerContext|"), "{expansion}");
}

#[test]
fn wrong_keys_leave_the_handle_they_were_meant_for() {
    let lists = [
        (quote!(intervall = 1), "IntervalWorker"),
        (quote!(inter), "IntervalWorker"),
        (quote!(interval), "IntervalWorker"),
        (quote!(interval =), "IntervalWorker"),
        (quote!(interval = 0), "IntervalWorker"),
        (quote!(interval = "5"), "IntervalWorker"),
        (quote!(cron = "61 * * * *"), "ScheduledWorker"),
        (quote!(schedule), "ScheduledWorker"),
        (quote!(i = 1), "IntervalWorker"),
        (quote!(e), "EventWorker"),
        (quote!(event = true), "EventWorker"),
        (quote!(event, missed = skip), "EventWorker"),
        (quote!(event, interval = 1), "EventWorker"),
        (quote!(companion = false), "LoopWorker"),
        (quote!(colour), "LoopWorker"),
    ];
    for (list, handle) in lists {
        assert_handle_and_one_error(
            &expand(
                list,
                quote!(
                    fn w() {}
                ),
            ),
            handle,
        );
    }
    for list in [quote!(queue = 0), quote!(q), quote!(queue = true), quote!(queue, initial = 1)] {
        assert_handle_and_one_error(
            &expand(
                list,
                quote!(
                    fn w(item: u8) {}
                ),
            ),
            "QueueWorker<u8>",
        );
    }
}

#[test]
fn wrong_signatures_leave_the_handle() {
    let items = [
        quote!(
            const fn w() {}
        ),
        quote!(
            unsafe fn w() {}
        ),
        quote!(
            fn w() -> bool {}
        ),
        quote!(
            fn w<T>(state: T) {}
        ),
        quote!(
            fn w(state: impl Display) {}
        ),
        quote!(
            fn w(state: Option<&str>) {}
        ),
        quote!(
            fn w(cx: WorkerContext) {}
        ),
        quote!(
            fn w(w: u8) {}
        ),
    ];
    for item in items {
        assert_handle_and_one_error(&expand(quote!(), item), "LoopWorker");
    }
    for item in [
        quote!(
            fn w() {}
        ),
        quote!(
            fn w(item: &str) {}
        ),
        quote!(
            fn w<T>(item: T) {}
        ),
    ] {
        assert_handle_and_one_error(&expand(quote!(queue), item), "QueueWorker<()>");
    }
}

#[test]
fn autostart_enters_the_list_and_takes_no_state() {
    let expansion = expand(
        quote!(event, autostart),
        quote!(
            fn w() {}
        ),
    );
    assert!(expansion.contains("::atasker::__private::inventory::submit!"), "{expansion}");
    let expansion = expand(
        quote!(event, autostart),
        quote!(
            fn w(state: &u8) {}
        ),
    );
    assert_handle_and_one_error(&expansion, "EventWorker");
}

#[test]
fn a_method_stays_a_method() {
    let item = quote!(
        fn w(&self) -> u8 {
            1
        }
    );
    let expansion = super::expand(quote!(), item.clone()).to_string();
    assert!(expansion.contains("compile_error") && expansion.ends_with(&item.to_string()), "{expansion}");
}
