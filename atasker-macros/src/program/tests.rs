//! What a program's `main` expands to, right and wrong.

use proc_macro2::TokenStream;
use quote::quote;

/// The expansion as text without spaces, because those of token streams are nobody's promise.
fn expand(keys: TokenStream, item: TokenStream) -> String {
    let expansion = super::expand(keys, item);
    syn::parse2::<syn::File>(expansion.clone()).expect("an expansion is a list of items");
    expansion.to_string().replace(' ', "")
}

fn errors(expansion: &str) -> usize {
    expansion.matches("compile_error!").count()
}

#[test]
fn every_key_is_a_call() {
    let expansion = expand(
        quote!(
            pool_size = 20,
            thread_name = "x",
            task_times = true,
            grace = 0.1,
            on_signal = cancel,
            warn_after = 1m,
            stack_size = 4 * KIB
        ),
        quote!(
            fn main() {}
        ),
    );
    let config = ".pool_size(20).thread_name(\"x\").task_times(true)";
    let durations = ".warn_after(::core::time::Duration::new(60u64,0u32)).stack_size(4*KIB)";
    let ending = ".grace(::core::time::Duration::new(0u64,100000000u32)).on_signal(::atasker::OnSignal::Cancel)";
    assert!(expansion.contains(&format!("::atasker::Config::new(){config}{durations})")), "{expansion}");
    assert!(expansion.ends_with(&format!("{ending}.run(main)}}")), "{expansion}");
}

#[test]
fn the_function_stays_as_it_was_written_within() {
    let expansion = expand(
        TokenStream::new(),
        quote!(
            /// Says so.
            #[allow(unused)]
            #[instrument]
            pub async fn main() -> Result<(), Error> {
                Ok(())
            }
        ),
    );
    let outer = "#[doc=r\"Saysso.\"]#[allow(unused)]pubfnmain()->::std::process::ExitCode{#[instrument]";
    assert!(expansion.starts_with(outer), "{expansion}");
    assert!(expansion.contains("asyncfnmain()->Result<(),Error>{Ok(())}"), "{expansion}");
    assert!(expansion.ends_with(".run_future(main)}"), "{expansion}");
}

#[test]
fn wrong_keys_leave_a_main_that_runs() {
    let lists = [
        quote!(pool_szie = 1),
        quote!(pool_size),
        quote!(pool_size =),
        quote!(pool_size = -1),
        quote!(pool_size = 1.5),
        quote!(pool_size = "20"),
        quote!(max_nesting = 0),
        quote!(task_times = 1),
        quote!(thread_name = 1),
        quote!(grace = -1),
        quote!(grace = 1 s),
        quote!(on_signal),
        quote!(on_signal = cancle),
        quote!(on_signal = "cancel"),
        quote!(warn_after = 0),
        quote!(priority = High),
        quote!(worker_threads = 2),
        quote!(=),
    ];
    for list in lists {
        let expansion = expand(
            list,
            quote!(
                fn main() {}
            ),
        );
        assert_eq!(errors(&expansion), 1, "{expansion}");
        assert!(expansion.ends_with("Program::new(::atasker::Config::new()).run(main)}"), "{expansion}");
    }
}

#[test]
fn wrong_signatures_leave_a_main() {
    let items = [
        quote!(
            fn main(args: Vec<String>) {}
        ),
        quote!(
            fn main(&self) {}
        ),
        quote!(
            fn main<T>() {}
        ),
        quote!(
            const fn main() {}
        ),
        quote!(
            unsafe fn main() {}
        ),
        quote!(
            extern "C" fn main() {}
        ),
        quote!(
            fn main();
        ),
        quote!(
            #[tokio::main]
            async fn main() {}
        ),
        quote!(
            #[background_task]
            fn main() {}
        ),
    ];
    for item in items {
        let expansion = expand(TokenStream::new(), item);
        assert_eq!(errors(&expansion), 1, "{expansion}");
        assert!(expansion.contains("fnmain()"), "{expansion}");
    }
}

#[test]
fn what_is_no_main_is_left_as_it_is() {
    for item in [
        quote!(
            fn start(x: u8) -> u8 {
                x
            }
        ),
        quote!(
            struct S;
        ),
    ] {
        let expansion = expand(TokenStream::new(), item.clone());
        assert_eq!(errors(&expansion), 1, "{expansion}");
        assert!(expansion.ends_with(&item.to_string().replace(' ', "")), "{expansion}");
    }
}

#[test]
fn several_mistakes_are_all_told() {
    let expansion = expand(
        quote!(pool_size = "x", gracee = 1),
        quote!(
            fn main(x: u8) {}
        ),
    );
    assert_eq!(errors(&expansion), 3, "{expansion}");
}
