//! Every mistake in an attribute is one compile error, at the token, with the cure.

use std::process::Command;

/// The expected texts are those of this compiler; others word their own part differently.
const COMPILER: &str = concat!("rustc ", env!("CARGO_PKG_RUST_VERSION"), ".");

#[test]
fn attribute_mistakes_are_told_at_the_token() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
    let version = Command::new("rustc").arg("--version").output().expect("a compiler is there to have built this");
    if !version.stdout.starts_with(COMPILER.as_bytes()) {
        println!("error texts skipped: they are compared with {COMPILER}x only");
        return;
    }
    cases.compile_fail("ui/task/*.rs");
    cases.compile_fail("ui/worker/*.rs");
    cases.compile_fail("ui/builder/*.rs");
    cases.compile_fail("ui/program/*.rs");
}
