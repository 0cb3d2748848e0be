//! Every mistake in an attribute is one compile error, at the token, with the cure.

#[test]
fn attribute_mistakes_are_told_at_the_token() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
    cases.compile_fail("ui/task/*.rs");
    cases.compile_fail("ui/worker/*.rs");
}
