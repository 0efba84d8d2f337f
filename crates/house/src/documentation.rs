//! What the code says and the documents must say too: settings and error codes.

use std::collections::BTreeSet;

use crate::source::without_tests;

/// The least number of settings: finding fewer means that they were looked for in the wrong place.
const LEAST_SETTINGS: usize = 10;

/// The least number of error codes, for the same reason.
const LEAST_CODES: usize = 20;

/// The least number of field codes, too.
const LEAST_FIELD_CODES: usize = 6;

/// Settings that the code names and the operators' page does not.
pub fn undocumented_settings(sources: &[&str], operating: &str) -> Vec<String> {
    let named: BTreeSet<_> = sources.iter().flat_map(|source| settings(without_tests(source))).collect();
    let documented = settings(operating);
    let mut complaints = few(named.len(), LEAST_SETTINGS, "settings in crates/app/src/settings*");
    for setting in named.difference(&documented) {
        complaints.push(format!("the setting {setting} does not stand in docs/operating.md: say what it does there"));
    }
    complaints
}

/// Error codes without a heading in the errors' page, and headings that are no code.
pub fn undocumented_codes(problems: &str, errors: &str) -> Vec<String> {
    let codes = codes(without_tests(problems));
    let headings = headings(errors);
    let mut complaints = few(codes.len(), LEAST_CODES, "error codes in crates/adapters-http/src/problem.rs");
    for code in codes.difference(&headings) {
        complaints.push(format!("the error code {code} has no heading `## {code}` in docs/errors.md: write one"));
    }
    for heading in headings.difference(&codes) {
        complaints.push(format!("the heading `## {heading}` of docs/errors.md is no error code: take it out"));
    }
    complaints
}

/// Field codes without a row in the errors' page.
pub fn undocumented_field_codes(problems: &str, errors: &str) -> Vec<String> {
    let codes: Vec<_> = without_tests(problems)
        .lines()
        .filter_map(|line| line.trim().strip_prefix("FieldCode::")?.split_once("=> \"")?.1.split('"').next())
        .collect();
    let mut complaints = few(codes.len(), LEAST_FIELD_CODES, "field codes in crates/adapters-http/src/problem.rs");
    for code in codes.into_iter().filter(|code| !errors.contains(&format!("\n| `{code}` | "))) {
        complaints.push(format!("the field code {code} has no row in the table of docs/errors.md: write one"));
    }
    complaints
}

/// The words between backticks.
pub(crate) fn backticked(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn few(found: usize, least: usize, what: &str) -> Vec<String> {
    let complaint = || format!("only {found} {what}: they are looked for in the wrong place or the wrong way");
    (found < least).then(complaint).into_iter().collect()
}

/// Every whole `CUSTOMERS_NAME`. What ends in `_` is a prefix of names, not one.
fn settings(text: &str) -> BTreeSet<&str> {
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    text.split(word)
        .filter(|name| name.strip_prefix("CUSTOMERS_").is_some_and(|rest| !rest.is_empty() && !rest.ends_with('_')))
        .filter(|name| !name.contains(|c: char| c.is_ascii_lowercase()))
        .collect()
}

/// The codes of a table of the form `Code::Name => ("code", …)`, whatever its line breaks.
fn codes(source: &str) -> BTreeSet<&str> {
    let snake = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    source
        .match_indices("=>")
        .filter_map(|(at, arrow)| {
            let pattern = source[..at].rsplit('\n').next().unwrap_or_default().trim_start();
            let value = source[at + arrow.len()..].trim_start_matches(|c: char| c.is_whitespace() || c == '{');
            let code = value.strip_prefix('(')?.trim_start().strip_prefix('"')?.split('"').next()?;
            let of_the_table = pattern.contains("::") && !pattern.starts_with("//");
            (of_the_table && !code.is_empty() && code.bytes().all(snake)).then_some(code)
        })
        .collect()
}

/// The headings of the second level, outside of code blocks.
fn headings(markdown: &str) -> BTreeSet<&str> {
    let mut in_code = false;
    markdown
        .lines()
        .filter_map(|line| {
            in_code ^= line.trim_start().starts_with("```");
            let heading = line.strip_prefix("## ").filter(|_| !in_code)?;
            Some(heading.trim().trim_matches('`'))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    fn many_settings() -> String {
        (0..LEAST_SETTINGS).fold(String::new(), |mut text, n| {
            writeln!(text, "\"CUSTOMERS_SETTING{n}\"").unwrap();
            text
        })
    }

    #[test]
    fn a_setting_that_is_not_documented_as_a_whole_word_is_told() {
        let source = many_settings() + "(\"CUSTOMERS_LOG\", \"CUSTOMERS_SERVICE_\") // CUSTOMERS_*";
        assert_eq!(undocumented_settings(&[&source], &source), Vec::<String>::new());
        let complaints = undocumented_settings(&[&source], &source.replace("CUSTOMERS_LOG", "CUSTOMERS_LOG_FORMAT"));
        assert!(matches!(complaints.as_slice(), [one] if one.contains("CUSTOMERS_LOG ")), "{complaints:?}");
    }

    #[test]
    fn a_setting_that_only_a_test_names_needs_no_documentation() {
        let source = many_settings() + "#[cfg(test)]\nmod tests {\n    \"CUSTOMERS_WRONG\"\n}\n";
        assert_eq!(undocumented_settings(&[&source], &many_settings()), Vec::<String>::new());
    }

    #[test]
    fn too_few_settings_or_codes_are_told() {
        assert_eq!(undocumented_settings(&["\"CUSTOMERS_LOG\""], "CUSTOMERS_LOG").len(), 1);
        assert_eq!(undocumented_codes("Code::A => (\"a\", 1)", "## a").len(), 1);
    }

    #[test]
    fn a_field_code_without_a_row_is_told() {
        let source = (0..LEAST_FIELD_CODES).fold(String::new(), |mut text, n| {
            writeln!(text, "    FieldCode::C{n} => \"c{n}\",").unwrap();
            text
        });
        let page =
            (1..LEAST_FIELD_CODES).fold(String::from("c0"), |text, n| text + &format!("\n| `c{n}` | what it is |"));
        assert_eq!(
            undocumented_field_codes(&source, &(page.clone() + "\n| `c0` | what it is |")),
            Vec::<String>::new()
        );
        assert_eq!(undocumented_field_codes(&source, &page).len(), 1);
        assert_eq!(undocumented_field_codes("", &page).len(), 1);
    }

    #[test]
    fn codes_are_read_from_every_form_of_the_table() {
        let source = r#"
            Code::One => ("one", 400),
            Self::Two | Self::Deux =>
                ("two", 400),
            Code::Three => (
                "three_3",
            ),
            Code::Four => { ("four", 1) }
            FieldCode::Five => "five",
            Code::Six => ("A title", "six"),
            // Code::Seven => ("seven", 1),
            "name" => ("eight", 1),
        "#;
        assert_eq!(codes(source).into_iter().collect::<Vec<_>>(), ["four", "one", "three_3", "two"]);
    }

    #[test]
    fn a_code_without_a_heading_and_a_heading_without_a_code_are_told() {
        let lines = |prefix: &str, suffix: &str| {
            (0..LEAST_CODES).fold(String::new(), |mut text, n| {
                writeln!(text, "{prefix}c{n}{suffix}").unwrap();
                text
            })
        };
        let (source, page) = (lines("Code::X => (\"", "\", 1),"), lines("## `", "`") + "```\n## no_heading\n```\n");
        assert_eq!(undocumented_codes(&source, &page), Vec::<String>::new());
        let complaints = undocumented_codes(&source, &page.replace("`c7`", "see also"));
        assert!(complaints[0].contains("the error code c7"), "{complaints:?}");
        assert!(complaints[1].contains("`## see also`"), "{complaints:?}");
    }
}
