//! The rules of the house, held over this tree.
#![expect(clippy::panic, reason = "its helper fails like the tests themselves")]

use cargo_metadata::{DependencyKind, MetadataCommand};
use house::crate_graph::{self, Crate};
use house::{documentation, migrations, source, tree};

fn hold(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

fn crates() -> Vec<Crate> {
    let mut command = MetadataCommand::new();
    command.manifest_path(tree::root().join("Cargo.toml")).no_deps();
    let metadata =
        command.exec().unwrap_or_else(|error| panic!("cargo does not tell the crates of the house: {error}"));
    metadata
        .packages
        .into_iter()
        .map(|package| Crate {
            name: package.name.to_string(),
            dependencies: package
                .dependencies
                .into_iter()
                .filter(|dependency| dependency.kind != DependencyKind::Development)
                .map(|dependency| dependency.name)
                .collect(),
        })
        .collect()
}

#[test]
fn crates_depend_only_on_those_that_the_architecture_draws() {
    let drawing =
        crate_graph::drawing(&tree::read("docs/architecture.md")).unwrap_or_else(|missing| panic!("{missing}"));
    hold(&crate_graph::undrawn_edges(&crates(), &drawing));
}

#[test]
fn the_core_is_free_of_databases_frameworks_and_formats() {
    hold(&crate_graph::technology_in_the_core(&crates()));
}

#[test]
fn every_rust_file_opens_with_what_it_is_for() {
    hold(&source::without_opening(&tree::files()));
}

#[test]
fn every_setting_stands_in_the_operators_page() {
    let files = tree::files();
    let settings = files.iter().filter(|file| file.is_rust() && file.path.starts_with("crates/app/src/settings"));
    let sources: Vec<_> = settings.map(|file| file.text.as_str()).collect();
    hold(&documentation::undocumented_settings(&sources, &tree::read("docs/operating.md")));
}

#[test]
fn the_errors_page_has_a_heading_for_every_code_and_no_other() {
    let problems = tree::read("crates/adapters-http/src/problem.rs");
    hold(&documentation::undocumented_codes(&problems, &tree::read("docs/errors.md")));
    hold(&documentation::undocumented_field_codes(&problems, &tree::read("docs/errors.md")));
}

#[test]
fn both_databases_have_the_same_migrations_each_of_one_statement() {
    hold(&migrations::unlike_twins(&tree::files()));
}

#[test]
fn no_file_is_too_long_to_be_read_at_once() {
    hold(&source::too_long(&tree::files()));
}

#[test]
fn no_lint_is_silenced_without_a_reason() {
    hold(&source::silenced_lints(&tree::files()));
}

#[test]
fn only_the_store_makes_values_of_what_it_kept() {
    hold(&source::made_as_if_stored(&tree::files()));
}

#[test]
fn no_file_names_a_path_of_the_machine_it_was_written_on() {
    hold(&source::foreign_paths(&tree::files()));
}
