//! Postal codes: from the spellings in use to the one that a country's pattern takes.

use crate::values::text::{ascii_digits, is_dash};

/// The longest text whose separators are looked for: no country's postal code is longer.
const MOST_CHARACTERS: usize = 12;

/// The spelling of a postal code that a country takes, if it takes any.
///
/// Case and width of letters, the script of digits, and separators are the writer's affair. So is the country's prefix,
/// written where it does not belong (`CH-8001`, and `D-26133` by the letters on cars) or left out where it does (`1073`
/// for `LV-1073`).
/// `is_separated` says that the country writes separators where it can.
pub(super) fn normalised(
    text: &str,
    is_separated: bool,
    prefixes: [&str; 2],
    matches: impl Fn(&str) -> bool,
) -> Option<String> {
    let text = upper_case(text);
    let bare = without_separators(&text);
    let mut candidates = vec![bare.clone()];
    for prefix in prefixes.into_iter().filter(|prefix| !prefix.is_empty()) {
        candidates.extend(bare.strip_prefix(prefix).map(str::to_owned));
    }
    if bare.bytes().all(|b| b.is_ascii_digit()) {
        let [_, country] = prefixes;
        candidates.push(format!("{country}{bare}"));
    }
    let is_prefix = |head: &str| (1..=3).contains(&head.len()) && head.bytes().all(|b| b.is_ascii_uppercase());
    candidates
        .extend(text.split_once('-').filter(|(head, _)| is_prefix(head)).map(|(_, rest)| without_separators(rest)));
    candidates
        .into_iter()
        .filter(|candidate| candidate.is_ascii() && candidate.len() <= MOST_CHARACTERS)
        .find_map(|candidate| separated(&candidate, is_separated, &matches))
        .or_else(|| Some(text).filter(|text| matches(text)))
}

/// A spelling that matches: without a separator or with one somewhere.
fn separated(bare: &str, is_separated: bool, matches: &impl Fn(&str) -> bool) -> Option<String> {
    let without = || Some(bare.to_owned()).filter(|bare| matches(bare));
    let with = || {
        // The hyphen comes first: where both are taken (`22162-1010`), it is the one in use.
        let splits = ['-', ' '].into_iter().flat_map(|separator| (1..bare.len()).map(move |at| (separator, at)));
        splits
            .filter_map(|(separator, at)| {
                let (start, end) = bare.split_at_checked(at)?;
                Some(format!("{start}{separator}{end}"))
            })
            .find(|candidate| matches(candidate))
    };
    if is_separated { with().or_else(without) } else { without().or_else(with) }
}

fn without_separators(text: &str) -> String {
    text.chars().filter(|character| !is_separator(*character)).collect()
}

/// In upper case, with ASCII's digits, letters and dashes for those of their like, and single spaces.
fn upper_case(text: &str) -> String {
    let text: String = ascii_digits(text).chars().map(ascii_letter).flat_map(char::to_uppercase).collect();
    let text: String = text.chars().map(|c| if is_dash(c) { '-' } else { c }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A full-width letter as ASCII has it.
fn ascii_letter(character: char) -> char {
    match character {
        '\u{FF21}'..='\u{FF3A}' | '\u{FF41}'..='\u{FF5A}' => {
            char::from_u32(u32::from(character) - 0xFEE0).unwrap_or(character)
        }
        _ => character,
    }
}

/// What stands within postal codes without being part of them; so does Japan's mark before them.
fn is_separator(character: char) -> bool {
    character.is_whitespace() || is_dash(character) || matches!(character, '.' | '·' | '〒')
}
