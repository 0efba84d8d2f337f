//! Reading the address metadata that the crate carries: `crates/domain/data`, made by `scripts/refresh-address-data`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, OnceLock};

use super::format::{AddressField, AddressFormat, AddressRegion, CityKind, PostalCodeKind, RegionKind};

const FORMATS: &str = include_str!("../../../data/address-formats.txt");
const REGIONS: &str = include_str!("../../../data/address-regions.txt");

/// The format of a country of which nothing is known, in the form of the file's lines.
const UNKNOWN: &str = "\tN O A ZC S";

struct Metadata {
    formats: BTreeMap<&'static str, AddressFormat>,
    unknown: AddressFormat,
}

static METADATA: LazyLock<Metadata> = LazyLock::new(|| {
    let mut regions: HashMap<_, _> = REGIONS.split("\n=").skip(1).filter_map(|block| block.split_once('\n')).collect();
    let lines = FORMATS.lines().filter(|line| !line.starts_with('#'));
    let formats = lines.map(|line| {
        let code = line.split('\t').next().unwrap_or_default();
        (code, read_format(line, regions.remove(code).unwrap_or_default()))
    });
    Metadata { formats: formats.collect(), unknown: read_format(UNKNOWN, "") }
});

/// The format of a territory, by its code.
pub(super) fn format(code: &str) -> &'static AddressFormat {
    METADATA.formats.get(code).unwrap_or(&METADATA.unknown)
}

/// The codes of all territories, in order.
pub(super) fn codes() -> impl Iterator<Item = &'static str> {
    METADATA.formats.keys().copied()
}

/// Reads a line of the file. What is empty or unknown in it is as in most countries.
fn read_format(line: &'static str, region_lines: &'static str) -> AddressFormat {
    let mut parts = line.split('\t').skip(1);
    let mut part = || parts.next().unwrap_or_default();
    let rows: Vec<_> = part().split(' ').flat_map(read_row).collect();
    let required = part();
    let unused = |field: &AddressField| !rows.iter().any(|row| row.contains(field));
    AddressFormat {
        unused: AddressField::ALL.into_iter().filter(unused).collect(),
        rows,
        required: required.chars().filter_map(field).collect(),
        region_kind: RegionKind::parse(part()).unwrap_or(RegionKind::Province),
        postal_code_kind: PostalCodeKind::parse(part()).unwrap_or(PostalCodeKind::Postal),
        city_kind: CityKind::parse(part()).unwrap_or(CityKind::City),
        postal_code_prefix: part(),
        postal_code_examples: part(),
        postal_code_pattern: part(),
        region_lines,
        regions: OnceLock::new(),
        postal_code_regex: OnceLock::new(),
    }
}

/// The rows of a form that a row of letters stands for: each street line has one of its own.
fn read_row(letters: &str) -> Vec<Vec<AddressField>> {
    if letters == "A" {
        vec![vec![AddressField::Line1], vec![AddressField::Line2]]
    } else {
        vec![letters.chars().filter_map(field).collect()]
    }
}

/// The field of a letter, but for `A`, which stands for two.
fn field(letter: char) -> Option<AddressField> {
    Some(match letter {
        'N' => AddressField::Name,
        'O' => AddressField::Company,
        'C' => AddressField::City,
        'S' => AddressField::Region,
        'Z' => AddressField::PostalCode,
        _ => return None,
    })
}

/// The regions of a country.
pub(super) struct Regions {
    list: Vec<AddressRegion>,
    /// The keys by every spelling, folded.
    keys: HashMap<String, &'static str>,
}

impl Regions {
    /// Reads a country's lines of the file.
    pub(super) fn read(lines: &'static str) -> Self {
        let mut regions = Self { list: Vec::new(), keys: HashMap::new() };
        for line in lines.lines() {
            let mut parts = line.split('\t');
            let mut part = || parts.next().filter(|part| !part.is_empty());
            let Some(key) = part() else { continue };
            let name = part().unwrap_or(key);
            let latin_name = part();
            for spelling in [Some(key), Some(name), latin_name].into_iter().flatten().chain(parts) {
                regions.keys.entry(fold(spelling)).or_insert(key);
            }
            regions.list.push(AddressRegion { key, name, latin_name });
        }
        regions
    }

    /// All of them, in the file's order.
    pub(super) fn list(&self) -> &[AddressRegion] {
        &self.list
    }

    /// The key of the region of a spelling.
    pub(super) fn key(&self, text: &str) -> Option<&'static str> {
        if self.list.is_empty() { None } else { self.keys.get(&fold(text)).copied() }
    }
}

/// Makes one of the spellings that differ in case, white space and punctuation only: as `fold` of
/// `scripts/refresh-address-data`, which keeps no spelling that two regions would share. The way by upper case takes
/// ligatures apart and puts the dot on the dotless i.
fn fold(text: &str) -> String {
    let kept = |c: &char| !c.is_whitespace() && !".,'’-()&/".contains(*c);
    text.to_uppercase().to_lowercase().chars().filter(kept).collect()
}
