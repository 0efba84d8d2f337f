//! Who may depend on whom: the edges that the architecture draws are the only ones.

use std::collections::{BTreeMap, BTreeSet};

use crate::documentation::backticked;

/// A crate of the house with what it needs to be built (not what its tests need).
#[derive(Debug, Clone)]
pub struct Crate {
    /// Its name.
    pub name: String,
    /// The names of its direct dependencies, of the house and of the world.
    pub dependencies: Vec<String>,
}

/// The drawn edges: for each crate those that it may depend on.
pub type Drawing = BTreeMap<String, BTreeSet<String>>;

/// The column that holds the drawn edges.
pub const COLUMN: &str = "may depend on (crates of the house)";

/// What must never come near the core, each with everything of its family (`serde` and `serde_json`).
const KEPT_OUT: [(&str, &[&str]); 3] = [
    ("domain", &["serde", "tokio", "diesel", "actix"]),
    ("ports", &["diesel", "actix"]),
    ("use-cases", &["diesel", "actix"]),
];

/// Reads the table whose first column is headed `crate` and which has the column [`COLUMN`].
///
/// # Errors
///
/// When there is no such table, or a row that does not name its crate in backticks.
pub fn drawing(markdown: &str) -> Result<Drawing, String> {
    let mut lines = markdown.lines().map(cells);
    let column = lines
        .by_ref()
        .filter(|header| header.first().is_some_and(|first| plain(first) == "crate"))
        .find_map(|header| header.iter().position(|cell| plain(cell) == COLUMN))
        .ok_or_else(|| {
            format!("docs/architecture.md has no table whose first column is headed `crate` and one other `{COLUMN}`")
        })?;
    let mut drawing = Drawing::new();
    // The line below the header only rules it off.
    for row in lines.skip(1).take_while(|row| !row.is_empty()) {
        let named = backticked(row[0]);
        let [name] = named.as_slice() else {
            return Err(format!("docs/architecture.md: a row names no crate in backticks: | {} |", row.join(" | ")));
        };
        let allowed = row.get(column).map(|cell| backticked(cell)).unwrap_or_default();
        drawing.insert((*name).to_owned(), allowed.into_iter().map(str::to_owned).collect());
    }
    Ok(drawing)
}

/// Edges between crates of the house that are not drawn, and drawings of what does not exist.
pub fn undrawn_edges(crates: &[Crate], drawing: &Drawing) -> Vec<String> {
    let house: BTreeSet<_> = crates.iter().map(|one| one.name.as_str()).collect();
    let mut complaints = Vec::new();
    for Crate { name, dependencies } in crates {
        let Some(allowed) = drawing.get(name) else {
            complaints.push(format!("`{name}` has no row in the table of docs/architecture.md: write one"));
            continue;
        };
        for dependency in dependencies {
            if house.contains(dependency.as_str()) && !allowed.contains(dependency) {
                complaints.push(format!(
                    "`{name}` depends on `{dependency}`, which docs/architecture.md does not draw: take the dependency \
                     out, or decide that it may be and draw it"
                ));
            }
        }
    }
    let drawn = drawing.iter().flat_map(|(name, allowed)| allowed.iter().chain([name]));
    for name in drawn.collect::<BTreeSet<_>>() {
        if !house.contains(name.as_str()) {
            complaints.push(format!("docs/architecture.md draws `{name}`, which is no crate of the house"));
        }
    }
    complaints
}

/// Direct dependencies of the core on what it is to be kept from.
pub fn technology_in_the_core(crates: &[Crate]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (name, families) in KEPT_OUT {
        let Some(found) = crates.iter().find(|one| one.name == name) else {
            complaints.push(format!("there is no crate `{name}`: this rule is held over nothing"));
            continue;
        };
        for dependency in &found.dependencies {
            if families.iter().any(|family| is_of(dependency, family)) {
                complaints.push(format!("`{name}` depends on `{dependency}`: that belongs in an adapter"));
            }
        }
    }
    complaints
}

fn is_of(name: &str, family: &str) -> bool {
    name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}

/// The cells of a line of a table; none when the line is not of a table.
fn cells(line: &str) -> Vec<&str> {
    let Some(inner) = line.trim().strip_prefix('|') else { return Vec::new() };
    inner.strip_suffix('|').unwrap_or(inner).split('|').map(str::trim).collect()
}

fn plain(cell: &str) -> String {
    cell.replace(['`', '*'], "").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
# Map

| crate | holds |
| --- | --- |
| `other` | a table of another kind |

| Crate | holds | may depend on (crates of the house) | never |
| --- | --- | --- | --- |
| `domain` | values | | `serde` |
| `ports` | traits | `domain` | |
| `app` | wiring | `ports`, `domain` | |

| crate | after |
";

    fn crates(edges: &[(&str, &[&str])]) -> Vec<Crate> {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        edges.iter().map(|(name, needs)| Crate { name: (*name).to_owned(), dependencies: owned(needs) }).collect()
    }

    #[test]
    fn the_table_is_read_and_what_it_draws_is_fine() {
        let drawing = drawing(TABLE).unwrap();
        assert_eq!(drawing.keys().collect::<Vec<_>>(), ["app", "domain", "ports"]);
        let drawn = crates(&[("domain", &["uuid"]), ("ports", &["domain"]), ("app", &["domain", "clap"])]);
        assert_eq!(undrawn_edges(&drawn, &drawing), Vec::<String>::new());
    }

    #[test]
    fn an_edge_that_is_not_drawn_is_told() {
        let drawing = drawing(TABLE).unwrap();
        let complaints = undrawn_edges(&crates(&[("domain", &["ports"]), ("ports", &[]), ("app", &[])]), &drawing);
        assert!(matches!(complaints.as_slice(), [one] if one.starts_with("`domain` depends on `ports`")));
    }

    #[test]
    fn a_crate_without_a_row_and_a_row_without_a_crate_are_told() {
        let drawing = drawing(TABLE).unwrap();
        let complaints = undrawn_edges(&crates(&[("domain", &[]), ("ports", &[]), ("wire", &[])]), &drawing);
        assert!(complaints[0].starts_with("`wire` has no row"), "{complaints:?}");
        assert!(complaints[1].contains("draws `app`"), "{complaints:?}");
    }

    #[test]
    fn a_missing_table_or_column_or_name_is_told() {
        assert!(drawing("# Map\n").is_err());
        assert!(drawing("| crate | holds |\n| --- | --- |\n| `domain` | values |\n").is_err());
        assert!(drawing(&TABLE.replace("`ports` |", "ports |")).is_err());
    }

    #[test]
    fn technology_in_the_core_is_told_with_its_family() {
        let clean: [(&str, &[&str]); 3] = [("domain", &["uuid"]), ("ports", &["serde", "tokio"]), ("use-cases", &[])];
        assert_eq!(technology_in_the_core(&crates(&clean)), Vec::<String>::new());
        let dirty: [(&str, &[&str]); 2] = [("domain", &["serde_json", "serdelike"]), ("ports", &["actix-web"])];
        let complaints = technology_in_the_core(&crates(&dirty));
        assert_eq!(complaints.len(), 3, "{complaints:?}");
        assert!(complaints[2].starts_with("there is no crate `use-cases`"));
    }
}
