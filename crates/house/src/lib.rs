//! The rules of the house, held by tests over the tree and the crate graph.
//!
//! A rule is a function from what it looks at to complaints, each a sentence that says what to do. `tests/house.rs`
//! holds them over this tree; the tests beside each rule show that it can complain.

pub mod crate_graph;
pub mod documentation;
pub mod migrations;
pub mod source;
pub mod tree;
