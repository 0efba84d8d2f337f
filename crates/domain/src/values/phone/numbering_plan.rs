//! Numbering plans: what the metadata says of each region, compiled (each when it is needed first) for questions that take
//! well under a microsecond.
//!
//! The table of them is made when the crate is built (`build.rs`), and is there without being read. All patterns of a region
//! that are asked about whole numbers are one automaton, which is walked once and says which of them match.

use std::borrow::Cow;
use std::error::Error;
use std::sync::OnceLock;

use regex::Regex;
use regex_automata::dfa::dense::{self, DFA};
use regex_automata::dfa::{Automaton, StartKind};
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind};

use super::super::CountryCode;

/// The version of libphonenumber's metadata that the numbering plans are made from.
pub const PHONE_METADATA_VERSION: &str = "9.0.33";

/// How the numbers of one region, or of one calling code without a region, are built.
#[derive(Debug)]
pub(super) struct NumberingPlan {
    /// `None` for a non-geographic code, such as that of international freephone numbers.
    pub(super) region: Option<CountryCode>,
    /// The country calling code (ITU-T E.164 §6.2.1): 1 to 3 digits.
    pub(super) calling_code: u16,
    /// The lengths of national numbers.
    pub(super) lengths: Lengths,
    /// The lengths that are dialled only within an area.
    local_lengths: Lengths,
    /// What is dialled before the calling code of another country.
    pub(super) international_prefix: Option<Prefix>,
    /// What is dialled before a national number.
    pub(super) national_prefix: Option<NationalPrefix>,
    /// The lengths of each type of number. Without lengths, the pattern alone decides.
    types: &'static [Lengths],
    /// The general pattern, that of each type in the order of `types`, and that of the first digits that tell the
    /// region from others of the same calling code, where there is one.
    patterns: Patterns,
    leading_digits: Option<usize>,
}

/// The patterns of a plan, which are compiled when the first number of the plan is read: most services meet those of a few
/// regions, and those of all would be more than half of what an idle one holds.
#[derive(Debug)]
struct Patterns {
    sources: &'static [&'static str],
    automaton: OnceLock<Option<DFA<Vec<u32>>>>,
}

impl Patterns {
    const fn new(sources: &'static [&'static str]) -> Self {
        Self { sources, automaton: OnceLock::new() }
    }

    /// `None` only where a pattern of the metadata does not compile, which a test excludes.
    fn automaton(&self) -> Option<&DFA<Vec<u32>>> {
        self.automaton.get_or_init(|| automaton(self.sources).ok()).as_ref()
    }
}

/// What is looked for at the start of a number, compiled when it is looked for first.
#[derive(Debug)]
pub(super) struct Prefix {
    source: &'static str,
    regex: OnceLock<Option<Regex>>,
}

impl Prefix {
    const fn new(source: &'static str) -> Self {
        Self { source, regex: OnceLock::new() }
    }

    /// `None` only where the metadata's pattern does not compile, which a test excludes.
    pub(super) fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| Regex::new(&format!("^(?-u:{})", self.source)).ok()).as_ref()
    }
}

/// What is dialled before a national number, to be taken off (libphonenumber's `nationalPrefixForParsing`).
#[derive(Debug)]
pub(super) struct NationalPrefix {
    /// Its groups are a carrier's code, or a part of the number.
    pattern: Prefix,
    /// What stands in the prefix's place, made of its groups, where the last of them took part.
    replacement: Option<&'static str>,
}

impl NationalPrefix {
    /// The digits without the prefix; `None` when they do not begin with one.
    pub(super) fn strip<'digits>(&self, digits: &'digits str) -> Option<Cow<'digits, str>> {
        let Some(replacement) = self.replacement else {
            return self.pattern.regex()?.find(digits).map(|prefix| Cow::Borrowed(&digits[prefix.end()..]));
        };
        let captures = self.pattern.regex()?.captures(digits)?;
        let rest = &digits[captures.get_match().end()..];
        if captures.get(captures.len() - 1).is_none() {
            return Some(Cow::Borrowed(rest));
        }
        let mut replaced = String::new();
        captures.expand(replacement, &mut replaced);
        replaced.push_str(rest);
        Some(Cow::Owned(replaced))
    }
}

/// How a number of digits fits a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// Numbers of the plan have it.
    Possible,
    /// Only numbers that are dialled within their area have it.
    LocalOnly,
    /// Less than any.
    TooShort,
    /// More than any.
    TooLong,
    /// More than some and less than others, but none has it.
    Between,
}

/// A set of lengths, in digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Lengths(u32);

impl Lengths {
    /// Every length is below it.
    const END: usize = 32;

    const fn of(mut lengths: &[u8]) -> Self {
        let mut set = 0;
        while let [length, rest @ ..] = lengths {
            set |= 1 << *length;
            lengths = rest;
        }
        Self(set)
    }

    fn contains(self, length: usize) -> bool {
        length < Self::END && self.0 >> length & 1 == 1
    }

    /// 0 when there is none.
    pub(super) fn least(self) -> usize {
        if self.0 == 0 { 0 } else { self.0.trailing_zeros() as usize }
    }

    /// 0 when there is none.
    pub(super) fn most(self) -> usize {
        31_usize.saturating_sub(self.0.leading_zeros() as usize)
    }
}

/// The patterns of a plan that match a national number as a whole.
#[derive(Debug, Clone, Copy)]
struct Matches(u32);

/// The general pattern's place.
const GENERAL: usize = 0;
/// The place of the first type's pattern.
const FIRST_TYPE: usize = 1;

impl Matches {
    fn contains(self, pattern: usize) -> bool {
        self.0 >> pattern & 1 == 1
    }
}

impl NumberingPlan {
    /// How many digits fit.
    pub(super) fn length(&self, digits: usize) -> Length {
        if self.local_lengths.contains(digits) {
            Length::LocalOnly
        } else if self.lengths.contains(digits) {
            Length::Possible
        } else if digits < self.lengths.least() {
            Length::TooShort
        } else if digits > self.lengths.most() {
            Length::TooLong
        } else {
            Length::Between
        }
    }

    /// Whether it is a national number at all, of whichever type (libphonenumber's general description).
    pub(super) fn has_general(&self, national: &str) -> bool {
        self.matches(national).contains(GENERAL)
    }

    /// Whether it is a valid national number: of the plan, and of one of its types with that type's length.
    pub(super) fn is_valid(&self, national: &str) -> bool {
        self.is_valid_among(self.matches(national), national.len())
    }

    /// Whether a number of the calling code is this region's, where several share the code: by its first digits where
    /// they tell, else by being valid here.
    pub(super) fn claims(&self, national: &str) -> bool {
        let matches = self.matches(national);
        match self.leading_digits {
            Some(pattern) => matches.contains(pattern),
            None => self.is_valid_among(matches, national.len()),
        }
    }

    fn is_valid_among(&self, matches: Matches, length: usize) -> bool {
        let fits = |lengths: &Lengths| *lengths == Lengths::default() || lengths.contains(length);
        matches.contains(GENERAL)
            && (FIRST_TYPE..).zip(self.types).any(|(pattern, lengths)| matches.contains(pattern) && fits(lengths))
    }

    fn matches(&self, national: &str) -> Matches {
        // Nothing that long is a number anywhere, and a long text would be walked for each region of its code.
        if national.len() >= Lengths::END {
            return Matches(0);
        }
        let anchored = start::Config::new().anchored(Anchored::Yes);
        let Some(patterns) = self.patterns.automaton() else { return Matches(0) };
        let Ok(start) = patterns.start_state(&anchored) else { return Matches(0) };
        let last = national.bytes().fold(start, |state, digit| patterns.next_state(state, digit));
        let end = patterns.next_eoi_state(last);
        if !patterns.is_match_state(end) {
            return Matches(0);
        }
        let matched = (0..patterns.match_len(end)).map(|index| patterns.match_pattern(end, index));
        Matches(matched.fold(0, |set, pattern| set | 1 << pattern.as_usize()))
    }
}

/// One automaton of all the patterns, each for a whole number.
fn automaton(patterns: &[&str]) -> Result<DFA<Vec<u32>>, Box<dyn Error>> {
    Ok(dense::Builder::new()
        .configure(dense::Config::new().start_kind(StartKind::Anchored).match_kind(MatchKind::All))
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .build_many(patterns)?)
}

/// The plans of the world.
#[derive(Debug)]
pub(in super::super) struct NumberingPlans {
    /// By calling code, and of one code the main region's first, as the metadata orders them.
    plans: &'static [NumberingPlan],
    /// By calling code, where its plans begin and end.
    codes: &'static [(usize, usize)],
    /// By region in alphabetical order, where its plan is.
    regions: &'static [(CountryCode, usize)],
}

include!(concat!(env!("OUT_DIR"), "/numbering_plans.rs"));

impl NumberingPlans {
    /// The plans.
    pub(in super::super) fn get() -> &'static Self {
        &PLANS
    }

    /// Whether numbers can be had in this region.
    pub(in super::super) fn have(&self, region: CountryCode) -> bool {
        self.place_of(region).is_some()
    }

    fn place_of(&self, region: CountryCode) -> Option<usize> {
        let found = self.regions.binary_search_by_key(&region, |(region, _)| *region).ok()?;
        self.regions.get(found).map(|(_, place)| *place)
    }

    /// The regions that have a plan.
    #[cfg(test)]
    pub(super) fn regions(&self) -> impl Iterator<Item = CountryCode> {
        self.regions.iter().map(|(region, _)| *region)
    }

    /// The plan of a region.
    pub(super) fn of_region(&self, region: CountryCode) -> Option<&NumberingPlan> {
        self.plans.get(self.place_of(region)?)
    }

    /// The plans that share a calling code, the main region's first; none for a code that is not assigned.
    pub(super) fn of_calling_code(&self, code: u16) -> &[NumberingPlan] {
        let (first, end) = self.codes.get(usize::from(code)).copied().unwrap_or_default();
        self.plans.get(first..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_patterns_of_the_metadata_compile() {
        for plan in NumberingPlans::get().plans {
            assert!(plan.patterns.automaton().is_some(), "{plan:?}");
            assert!(plan.international_prefix.as_ref().is_none_or(|prefix| prefix.regex().is_some()), "{plan:?}");
            assert!(plan.national_prefix.as_ref().is_none_or(|prefix| prefix.pattern.regex().is_some()), "{plan:?}");
        }
    }
}
