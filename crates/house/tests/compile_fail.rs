//! What the types rule out: each file of `compile_fail/` is refused by the compiler, for the reason that stands beside it.
//!
//! CONTRIBUTING.md says what to do when the compiler words a message otherwise.

#[test]
fn what_the_types_rule_out_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
