//! Makes the table of the numbering plans out of the metadata of the crate `phonenumber`, which takes a tenth of a second
//! and four megabytes to read: what is asked of it is known when the service is built.

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;

use phonenumber::metadata::{DATABASE, Descriptor, Metadata};

/// Calling codes have at most three digits.
const CODES: u16 = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let (mut plans, mut codes, mut regions) = (Vec::new(), Vec::new(), Vec::new());
    for code in 0..CODES {
        let first = plans.len();
        for metadata in DATABASE.by_code(&code).unwrap_or_default() {
            regions.extend(region(metadata).map(|region| (region, plans.len())));
            plans.push(plan(metadata));
        }
        codes.push(format!("({first}, {})", plans.len()));
    }
    regions.sort_unstable();
    let regions = regions.iter().map(|(region, place)| format!("(CountryCode::known(*b{region:?}), {place})"));
    let table = format!(
        "static ALL: [NumberingPlan; {}] = {};\n\
         static PLANS: NumberingPlans = NumberingPlans {{ plans: &ALL, codes: &{}, regions: &{} }};\n",
        plans.len(),
        list(plans, ",\n"),
        list(codes, ", "),
        list(regions, ", ")
    );
    fs::write(Path::new(&env::var("OUT_DIR")?).join("numbering_plans.rs"), table)?;
    Ok(())
}

/// Its two letters; a calling code without a region has "001".
fn region(metadata: &'static Metadata) -> Option<&'static str> {
    Some(metadata.id()).filter(|id| id.len() == 2)
}

/// The plan of a region, or of a calling code without one, as it is written in Rust.
fn plan(metadata: &'static Metadata) -> String {
    let types: Vec<&Descriptor> = types(metadata).collect();
    // The metadata leaves the general lengths to be gathered from the types.
    let lengths = types.iter().fold(0, |all, descriptor| all | set(descriptor.possible_length()));
    let local = types.iter().fold(0, |all, descriptor| all | set(descriptor.possible_local_length()));

    let region = region(metadata).map(|region| format!("CountryCode::known(*b{region:?})"));
    let international_prefix = metadata.international_prefix().map(|regex| prefix(regex.as_str()));
    // What is read is named where it is more than what is dialled.
    let national_prefix = match metadata.national_prefix_for_parsing() {
        Some(regex) => Some(regex.as_str()),
        None => metadata.national_prefix(),
    };
    let replacement = metadata.national_prefix_transform_rule().map(braced);
    let national_prefix = national_prefix
        .map(|regex| format!("NationalPrefix {{ pattern: {}, replacement: {replacement:?} }}", prefix(regex)));

    let mut patterns = vec![pattern(metadata.descriptors().general().national_number().as_str())];
    patterns.extend(types.iter().map(|descriptor| pattern(descriptor.national_number().as_str())));
    let leading_digits = metadata.leading_digits().map(|regex| {
        patterns.push(format!("(?:{})[0-9]*", pattern(regex.as_str())));
        patterns.len() - 1
    });
    format!(
        "NumberingPlan {{ region: {}, calling_code: {}, lengths: {}, local_lengths: {}, \
         international_prefix: {}, national_prefix: {}, types: &{}, patterns: Patterns::new(&{patterns:?}), \
         leading_digits: {leading_digits:?} }}",
        optional(region),
        metadata.country_code(),
        written(lengths),
        written(local & !lengths),
        optional(international_prefix),
        optional(national_prefix),
        list(types.iter().map(|descriptor| written(set(descriptor.possible_length()))), ", "),
    )
}

/// The descriptions of a region's types of number.
fn types(metadata: &Metadata) -> impl Iterator<Item = &Descriptor> {
    let descriptors = metadata.descriptors();
    let types = [
        descriptors.fixed_line(),
        descriptors.mobile(),
        descriptors.toll_free(),
        descriptors.premium_rate(),
        descriptors.shared_cost(),
        descriptors.personal_number(),
        descriptors.voip(),
        descriptors.pager(),
        descriptors.uan(),
        descriptors.voicemail(),
    ];
    types.into_iter().flatten()
}

/// A set of lengths.
fn set(lengths: &[u16]) -> u32 {
    lengths.iter().fold(0, |set, length| set | 1_u32.checked_shl(u32::from(*length)).unwrap_or(0))
}

fn written(set: u32) -> String {
    let lengths: Vec<u32> = (0..u32::BITS).filter(|length| set >> length & 1 == 1).collect();
    format!("Lengths::of(&{lengths:?})")
}

/// A pattern without the white space that it is laid out with, which means nothing.
fn pattern(regex: &str) -> String {
    regex.split_whitespace().collect()
}

fn prefix(regex: &str) -> String {
    format!("Prefix::new({:?})", pattern(regex))
}

/// A replacement with its groups in braces, so that a digit after a group is not read as a part of its name.
fn braced(replacement: &str) -> String {
    let mut braced = String::with_capacity(replacement.len() + 4);
    let mut characters = replacement.chars().peekable();
    while let Some(character) = characters.next() {
        braced.push(character);
        if character == '$'
            && let Some(group) = characters.next_if(char::is_ascii_digit)
        {
            braced.extend(['{', group, '}']);
        }
    }
    braced
}

fn optional(value: Option<String>) -> String {
    value.map_or_else(|| "None".to_owned(), |value| format!("Some({value})"))
}

fn list(items: impl IntoIterator<Item = String>, separator: &str) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(separator))
}
