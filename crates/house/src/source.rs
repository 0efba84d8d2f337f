//! How a file of the tree looks.

use crate::tree::File;

/// The most lines that a file has before it is to be divided, and a file of tests.
const MOST_LINES: (usize, usize) = (500, 700);

/// Rust files that do not open with what they are for.
pub fn without_opening(files: &[File]) -> Vec<String> {
    let silent =
        |file: &&File| file.is_rust() && !file.text.lines().next().is_some_and(|line| line.starts_with("//! "));
    let complaint = |file: &File| format!("{} does not open with a `//!` line: say what it is for", file.path);
    files.iter().filter(silent).map(complaint).collect()
}

/// Rust files that are too long. The schema is exempt: a tool writes it.
pub fn too_long(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let (directory, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        let of_tests = name == "tests.rs" || directory.split('/').any(|part| part == "tests");
        let (lines, most) = (file.text.lines().count(), if of_tests { MOST_LINES.1 } else { MOST_LINES.0 });
        if lines > most && !name.starts_with("schema") {
            complaints.push(format!("{} has {lines} lines, more than {most}: divide it", file.path));
        }
    }
    complaints
}

/// Lints that are silenced without a reason and for good.
pub fn silenced_lints(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (file, number, line) in lines(files).filter(|(file, ..)| file.is_rust()) {
        let line = line.trim_start();
        // Written apart, so that this line is not told.
        if ["#![allow", "#[allow"].iter().any(|start| line.contains(&format!("{start}("))) {
            complaints.push(format!(
                "{}:{number} silences a lint: mend what it finds, or say `expect(lint, reason = \"…\")`",
                file.path
            ));
        }
    }
    complaints
}

/// Paths of the machine on which something was written: they lead nowhere on any other.
pub fn foreign_paths(files: &[File]) -> Vec<String> {
    let root = concat!("/wo", "rk/");
    let begins = |before: &str| !before.ends_with(|c: char| c.is_alphanumeric() || "_-.~*})".contains(c));
    lines(files)
        .filter(|(_, _, line)| line.match_indices(root).any(|(at, _)| begins(&line[..at])))
        .map(|(file, number, _)| {
            format!("{}:{number} names a path below {root}: say it from the root of the tree", file.path)
        })
        .collect()
}

/// What makes a value of what was stored without looking at it anew: of parts, or of text that was read before.
const FROM_STORE: [&str; 5] =
    ["Customer::from_parts", "PhoneNumber::from_e164", "Email::stored", "PersonName::stored", "Address::stored"];

/// Where a value is made of what was stored, outside of the store and of tests: whoever does that can make a customer whose
/// number was never proved, and the types do not hold him back.
pub fn made_as_if_stored(files: &[File]) -> Vec<String> {
    let may = |path: &str| {
        path.split('/').any(|part| ["tests", "fuzz.rs"].contains(&part))
            || ["domain", "adapters-diesel"].iter().any(|name| path.starts_with(&format!("crates/{name}/")))
    };
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is_rust() && !may(&file.path)) {
        for maker in FROM_STORE.iter().filter(|maker| without_tests(&file.text).contains(&format!("{maker}("))) {
            complaints.push(format!("{} calls {maker}: only the store does, with what it kept", file.path));
        }
    }
    complaints
}

/// A source without its module of tests.
pub(crate) fn without_tests(source: &str) -> &str {
    source.split("\nmod tests {").next().unwrap_or_default()
}

fn lines(files: &[File]) -> impl Iterator<Item = (&File, usize, &str)> {
    files.iter().flat_map(|file| file.text.lines().zip(1..).map(move |(line, number)| (file, number, line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_says_not_what_it_is_for_is_told() {
        let files = ["//! A.\n", "", "// A.\n//! B.\n", "#!x"].map(|text| File::new("a.rs", text));
        assert_eq!(without_opening(&files).len(), 3);
        assert_eq!(without_opening(&[File::new("a.md", "")]), Vec::<String>::new());
    }

    #[test]
    fn a_long_file_is_told_later_when_it_is_of_tests() {
        let long = |path, lines| too_long(&[File::new(path, &"\n".repeat(lines))]).len();
        assert_eq!([long("crates/a/src/b.rs", 500), long("crates/a/src/b.rs", 501)], [0, 1]);
        assert_eq!([long("crates/a/tests/b.rs", 700), long("crates/a/tests/b.rs", 701)], [0, 1]);
        assert_eq!([long("crates/a/src/schema.rs", 900), long("docs/a.md", 900)], [0, 0]);
    }

    #[test]
    fn a_silenced_lint_is_told_and_an_expected_one_not() {
        let silenced =
            |attribute: &str| silenced_lints(&[File::new("a.rs", &format!("  {attribute}dead_code)]"))]).len();
        assert_eq!(silenced(concat!("#", "[allow(")), 1);
        assert_eq!(silenced(concat!("#!", "[allow(")), 1);
        assert_eq!(silenced("#[expect("), 0);
    }

    #[test]
    fn a_path_of_one_machine_is_told_and_a_relative_one_not() {
        let told = |start: &str| foreign_paths(&[File::new("a.md", &format!("see {start}{}rk/x", "/wo"))]).len();
        assert_eq!([told(""), told("`"), told("file://"), told("at:")], [1, 1, 1, 1]);
        assert_eq!([told("home"), told("."), told("{}")], [0, 0, 0]);
    }

    #[test]
    fn a_value_that_is_made_as_if_stored_is_told() {
        let told = |path: &str, text: &str| made_as_if_stored(&[File::new(path, text)]).len();
        let forged = concat!("Customer::from_", "parts(parts)");
        assert_eq!(told("crates/use-cases/src/a.rs", forged), 1);
        assert_eq!(told("crates/use-cases/src/a.rs", &format!("\n#[cfg(test)]\nmod tests {{\n{forged}")), 0);
        assert_eq!(told("crates/app/tests/a.rs", forged), 0);
        assert_eq!(told("crates/adapters-diesel/src/row.rs", forged), 0);
    }

    #[test]
    fn a_module_of_tests_is_left_out() {
        assert_eq!(without_tests("a\n#[cfg(test)]\nmod tests {\n b\n}\n"), "a\n#[cfg(test)]");
        assert_eq!(without_tests("#[cfg(test)]\nmod tests;\na"), "#[cfg(test)]\nmod tests;\na");
    }
}
