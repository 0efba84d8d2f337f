//! What the types of the domain rule out: each file of `compile_fail/` is refused by the compiler, for the reason that stands
//! beside it. (Here, since all that the crate of a test depends on is built once more for it; of the domain's tests that is
//! a lot.)
//!
//! CONTRIBUTING.md says what to do when the compiler words a message otherwise.

#[test]
fn what_the_types_rule_out_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
