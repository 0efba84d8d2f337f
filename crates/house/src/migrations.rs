//! The migrations of both databases are twins, and each takes one step.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::File;

const DATABASES: [&str; 2] = ["sqlite", "postgresql"];

/// Migrations that one database has and the other lacks, halves of migrations, and steps that are not one statement.
pub fn unlike_twins(files: &[File]) -> Vec<String> {
    // Name of the migration → the files that it has, such as `sqlite/up.sql`.
    let mut migrations = BTreeMap::<&str, BTreeSet<String>>::new();
    let mut complaints = Vec::new();
    for file in files {
        let Some(path) = file.path.strip_prefix("migrations/") else { continue };
        let [database, name, script] = path.split('/').collect::<Vec<_>>()[..] else { continue };
        migrations.entry(name).or_default().insert(format!("{database}/{script}"));
        if script == "up.sql" && statements(&file.text) != 1 {
            complaints.push(format!(
                "{} holds {} statements: make a migration of each, so that none is ever half applied",
                file.path,
                statements(&file.text)
            ));
        }
    }
    if migrations.is_empty() {
        complaints.push("there are no migrations below migrations/sqlite and migrations/postgresql".to_owned());
    }
    for (name, found) in migrations {
        for database in DATABASES {
            for script in ["up.sql", "down.sql"] {
                if !found.contains(&format!("{database}/{script}")) {
                    complaints.push(format!("migrations/{database}/{name}/{script} is missing: write it"));
                }
            }
        }
    }
    complaints
}

/// How many statements a script of plain SQL holds.
fn statements(sql: &str) -> usize {
    let (mut count, mut begun, mut rest) = (0, false, sql);
    while let Some(first) = rest.chars().next() {
        // What a comment or something quoted holds separates nothing.
        let (end, is_comment) = match first {
            '-' if rest.starts_with("--") => (Some("\n"), true),
            '/' if rest.starts_with("/*") => (Some("*/"), true),
            '\'' => (Some("'"), false),
            '"' => (Some("\""), false),
            _ => (None, false),
        };
        let opening = if is_comment { 2 } else { first.len_utf8() };
        let closing = end.map(|end| rest[opening..].find(end).map_or(rest.len() - opening, |at| at + end.len()));
        rest = &rest[opening + closing.unwrap_or(0)..];
        if first == ';' {
            count += usize::from(begun);
            begun = false;
        } else if !is_comment && !first.is_whitespace() {
            begun = true;
        }
    }
    count + usize::from(begun)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migration(database: &str, name: &str, up: &str) -> [File; 2] {
        ["up.sql", "down.sql"].map(|script| {
            let text = if script == "up.sql" { up } else { "DROP TABLE a; DROP TABLE b;" };
            File::new(&format!("migrations/{database}/{name}/{script}"), text)
        })
    }

    #[test]
    fn twins_of_one_statement_are_fine() {
        let files = [migration("sqlite", "1_a", "CREATE TABLE a;"), migration("postgresql", "1_a", "CREATE TABLE a")];
        assert_eq!(unlike_twins(&files.concat()), Vec::<String>::new());
    }

    #[test]
    fn a_missing_twin_a_missing_half_and_a_second_statement_are_told() {
        let mut files =
            [migration("sqlite", "1_a", "CREATE TABLE a; CREATE TABLE b"), migration("postgresql", "2_b", "X")]
                .concat();
        files.pop();
        let complaints = unlike_twins(&files);
        assert!(complaints[0].starts_with("migrations/sqlite/1_a/up.sql holds 2 statements"), "{complaints:?}");
        for missing in
            ["postgresql/1_a/up.sql", "postgresql/1_a/down.sql", "sqlite/2_b/up.sql", "postgresql/2_b/down.sql"]
        {
            assert!(complaints.contains(&format!("migrations/{missing} is missing: write it")), "{complaints:?}");
        }
    }

    #[test]
    fn no_migrations_at_all_are_told() {
        assert_eq!(unlike_twins(&[]).len(), 1);
    }

    #[test]
    fn statements_are_counted_past_comments_and_quotes() {
        assert_eq!(statements("-- one; two\n/* three; */ SELECT 'a;b''c;', \"d;\" ; \n -- end;"), 1);
        assert_eq!(statements("SELECT 1;; SELECT 'ü'"), 2);
        assert_eq!(statements("-- nothing"), 0);
        assert_eq!(statements("SELECT 'never closed; "), 1);
    }
}
