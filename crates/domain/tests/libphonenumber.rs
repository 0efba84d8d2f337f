//! Phone numbers are read as libphonenumber reads them: some 24,000 spellings of the example numbers of all
//! regions and types are given to a port of it, too.
//!
//! `SPELLINGS_SEED=7 cargo test --package domain --test libphonenumber -- --nocapture` reads others and lists each
//! difference with its reason.

#![expect(clippy::unwrap_used, reason = "its helpers fail like the test itself")]

use std::collections::BTreeMap;
use std::panic::catch_unwind;

use domain::{CountryCode, Phone, PhoneNumberError, PhoneValidation};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType, Region};

/// Of a hundred spellings, so many must be read alike.
const AGREEMENT: f64 = 99.5;

/// Of a thousand, at most so many may differ for one reason that is no rule of the service: more would hide a defect.
const EXCUSED: usize = 2;

/// Why one is not read alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Difference {
    /// libphonenumber's answer, read again, is another number for libphonenumber itself: a prefix is left in it. Such a
    /// number would have two E.164 forms, and two customers. It is refused.
    UnstablePrefix,
    /// Of a vanity number, libphonenumber drops the digits that are not ASCII. Here they are read.
    VanityInOtherDigits,
    /// `555-0100/x302/x2303`: libphonenumber cuts at the first slash before an x, the port reads the extension.
    SlashBeforeExtension,
    /// The port has newer metadata than the crate `phonenumber`.
    Metadata,
}

/// The calling codes whose plans changed between the two versions, 9.0.33 and 9.0.42. Empty it when the crate's version
/// is the port's.
const CHANGED_PLANS: &[i32] = &[
    1, 7, 34, 45, 46, 47, 51, 54, 56, 57, 61, 84, 86, 90, 91, 98, 212, 220, 221, 223, 228, 233, 234, 237, 238, 243,
    247, 254, 255, 256, 258, 263, 267, 290, 298, 351, 358, 372, 423, 504, 506, 507, 592, 595, 597, 675, 677, 679, 852,
    880, 962, 963, 965, 972, 993, 995, 998,
];

/// A spelling, and the region in which it is dialled.
struct Spelling {
    text: String,
    region: Region,
}

#[test]
fn spellings_of_all_regions_are_read_alike() {
    let seed = std::env::var("SPELLINGS_SEED").ok().map_or(1, |seed| seed.parse().unwrap());
    let spellings = spellings(&mut StdRng::seed_from_u64(seed));
    assert!(spellings.len() > 20_000, "{}", spellings.len());

    for validation in [PhoneValidation::Any, PhoneValidation::Possible, PhoneValidation::Valid] {
        let mut differences: BTreeMap<Difference, usize> = BTreeMap::new();
        let mut unexplained = Vec::new();
        for spelling in &spellings {
            let ours = Phone::read(&spelling.text, country(spelling.region), validation);
            let theirs = libphonenumber(spelling, validation);
            if ours.as_ref().ok().map(written) == theirs.as_ref().map(|(_, written)| written.clone()) {
                continue;
            }
            let difference = {
                let (ours, theirs) = (ours.as_ref().map(written), theirs.as_ref().map(|(_, written)| written));
                format!("{} {:?}: {ours:?}, not {theirs:?}", spelling.region, spelling.text)
            };
            if let Some(reason) = reason(spelling, &ours, theirs.as_ref().map(|(number, _)| number)) {
                *differences.entry(reason).or_default() += 1;
                println!("{validation:?} {reason:?} {difference}");
            } else {
                unexplained.push(difference);
            }
        }
        let different = differences.values().sum::<usize>() + unexplained.len();
        #[expect(clippy::cast_precision_loss, reason = "a share of some ten thousand")]
        let agreement = 100.0 - 100.0 * different as f64 / spellings.len() as f64;
        println!("{validation:?}: {agreement:.2} % of {} agree; {differences:?}", spellings.len());
        for (reason, count) in differences.iter().filter(|(reason, _)| **reason != Difference::UnstablePrefix) {
            assert!(count * 1000 <= spellings.len() * EXCUSED, "{validation:?}: {count} for {reason:?}");
        }
        assert!(unexplained.is_empty(), "{validation:?}: {}:\n{}", unexplained.len(), unexplained.join("\n"));
        assert!(agreement >= AGREEMENT, "{validation:?}: {agreement:.2} %");
    }
}

fn country(region: Region) -> CountryCode {
    CountryCode::parse(&region.as_region_str()).unwrap()
}

fn written(phone: &Phone) -> String {
    format!("{} {}", phone.number.as_str(), phone.country)
}

/// What libphonenumber reads under the rules of the service: no extension, at most 15 digits, no local number.
fn libphonenumber(spelling: &Spelling, validation: PhoneValidation) -> Option<(PhoneNumber, String)> {
    let number = parse(&spelling.text, spelling.region)?;
    let e164 = number.format_as(PhoneNumberFormat::E164).into_owned();
    let accepted = number.extension.as_deref().unwrap_or_default().is_empty()
        && e164.len() <= 1 + domain::PhoneNumber::MAX_DIGITS
        && match validation {
            PhoneValidation::Any => true,
            PhoneValidation::Possible => number.is_possible_with_reason() == Ok(NumberLengthType::IsPossible),
            PhoneValidation::Valid => number.is_valid(),
        };
    let region = number.get_region_code().map(|region| region.as_region_str().to_string());
    let region = region.filter(|region| region != "001").unwrap_or_else(|| country(spelling.region).to_string());
    accepted.then(|| (number, format!("{e164} {region}")))
}

/// The port panics on some malformed `tel:` URIs, which are no numbers.
fn parse(text: &str, region: Region) -> Option<PhoneNumber> {
    catch_unwind(|| PHONE_NUMBER_UTIL.parse(text, Some(region)).ok()).ok().flatten()
}

fn reason(
    spelling: &Spelling,
    ours: &Result<Phone, PhoneNumberError>,
    theirs: Option<&PhoneNumber>,
) -> Option<Difference> {
    let unstable = theirs.is_some_and(|number| {
        let e164 = number.format_as(PhoneNumberFormat::E164);
        parse(&e164, spelling.region).is_some_and(|again| again.format_as(PhoneNumberFormat::E164) != e164)
    });
    let letters = spelling.text.chars().filter(char::is_ascii_alphabetic).count();
    let other_digits = spelling.text.chars().any(|c| !c.is_ascii() && c.is_numeric());
    if unstable && *ours == Err(PhoneNumberError::AmbiguousPrefix) {
        Some(Difference::UnstablePrefix)
    } else if letters >= 3 && other_digits {
        Some(Difference::VanityInOtherDigits)
    } else if theirs.is_none() && spelling.text.contains("/x") {
        Some(Difference::SlashBeforeExtension)
    } else if parse(&spelling.text, spelling.region).is_some_and(|number| CHANGED_PLANS.contains(&number.country_code))
    {
        Some(Difference::Metadata)
    } else {
        None
    }
}

/// Each example number and two random ones like it, in each notation, as it is or mangled.
fn spellings(random: &mut StdRng) -> Vec<Spelling> {
    let mut regions: Vec<Region> = PHONE_NUMBER_UTIL.get_supported_regions().collect();
    regions.sort_by_key(|region| region.as_region_str().to_string());
    let mut spellings = Vec::new();
    for (region, example) in examples(&regions) {
        let national = example.get_national_significant_number();
        for changed in [0, 3, 6] {
            let digits = with_random_end(&national, changed, random);
            let Some(number) = parse(&format!("+{}{digits}", example.country_code), region) else { continue };
            let abroad = *regions.choose(random).unwrap();
            for notation in notations(&number, abroad) {
                let dialled_in = if random.random_bool(0.85) { region } else { abroad };
                let text = if random.random_bool(0.3) { notation } else { mangled(&notation, random) };
                spellings.push(Spelling { text, region: dialled_in });
            }
        }
    }
    spellings
}

fn examples(regions: &[Region]) -> Vec<(Region, PhoneNumber)> {
    use PhoneNumberType as T;
    let types = [
        T::FixedLine,
        T::Mobile,
        T::TollFree,
        T::PremiumRate,
        T::SharedCost,
        T::VoIP,
        T::PersonalNumber,
        T::Pager,
        T::UAN,
        T::VoiceMail,
    ];
    let of_regions = regions.iter().flat_map(|region| {
        types.iter().filter_map(|of_type| {
            let example = PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(*region, *of_type).ok()?;
            Some((*region, example))
        })
    });
    let mut codes: Vec<i32> = PHONE_NUMBER_UTIL.get_supported_global_network_calling_codes().collect();
    codes.sort_unstable();
    let non_geographic = codes.into_iter().zip(regions.iter().cycle()).filter_map(|(code, region)| {
        Some((*region, PHONE_NUMBER_UTIL.get_example_number_for_non_geo_entity(code).ok()?))
    });
    of_regions.chain(non_geographic).collect()
}

fn with_random_end(digits: &str, changed: usize, random: &mut StdRng) -> String {
    let kept = digits.len().saturating_sub(changed);
    let end: String = (kept..digits.len()).map(|_| char::from(random.random_range(b'0'..=b'9'))).collect();
    format!("{}{end}", &digits[..kept])
}

fn notations(number: &PhoneNumber, abroad: Region) -> Vec<String> {
    use PhoneNumberFormat::{E164, International, National, RFC3966};
    let national = number.get_national_significant_number();
    let mut notations: Vec<String> =
        [National, International, E164, RFC3966].map(|format| number.format_as(format).into_owned()).into();
    notations.push(number.format_out_of_country_calling_number(abroad).into_owned());
    notations.push(format!("{}{national}", number.country_code));
    notations.push(national);
    notations
}

/// As people, their telephones and their programs write it.
fn mangled(text: &str, random: &mut StdRng) -> String {
    let mut one_of = |choices: &[&'static str]| *choices.choose(random).unwrap();
    let title = one_of(&["Tel: ", "tel:", "(", "<", "++", "\u{202A}", "phone "]);
    let prefix = one_of(&["0", "1", "8", "00", "011", "+", "+0 "]);
    let tail = one_of(&[")", ".", "\u{202C}", " mobile", "#", "*", " (home)"]);
    let extension = one_of(&[" ext. 5", " x5", ";ext=55", ",,12", " - 503#", " x302/x2303", " anexo 9"]);
    let context = one_of(&["+44", "+1", "example.com", "", "1.2", "a-b.c"]);
    let separator = one_of(&[".", "/", " - ", "\u{200B}", "~"]);
    let inserted = one_of(&["x", "xx", "A", "+", ";", "_", "\u{202F}", "*", "0", "1", "5", "7", "9"]);
    let zero = *['\u{0660}', '\u{06F0}', '\u{0966}', '\u{09E6}', '\u{0E50}'].choose(random).unwrap();
    let place = text.char_indices().map(|(index, _)| index).collect::<Vec<_>>().choose(random).copied().unwrap_or(0);
    let (start, end) = text.split_at(place);
    match random.random_range(0..17) {
        0 => in_digits_from(zero, text),
        1 => ["+\u{FF0B}", "(\u{FF08}", ")\u{FF09}", "-\u{FF0D}"].iter().fold(
            in_digits_from('\u{FF10}', text),
            |text, pair| {
                let (narrow, wide) = pair.split_at(1);
                text.replace(narrow, wide)
            },
        ),
        2 => text.replace(' ', "\u{00A0}").replace('-', "\u{2011}"),
        3 => text.replace([' ', '-', '(', ')'], ""),
        4 => text.replace([' ', '-'], separator),
        5 | 6 => format!("{start}{inserted}{end}"),
        7 => format!("{start}{}", end.chars().skip(1).collect::<String>()),
        8 => format!("{title}{text}"),
        9 => format!("{prefix}{text}"),
        10 => format!("{text}{tail}"),
        11 => format!("{text}{extension}"),
        12 => format!("{text};phone-context={context}"),
        13 => lettered(text, random),
        14 => text.replacen(' ', " (0)", 1),
        15 => format!("{text};isub=1234"),
        _ => {
            let once = mangled(text, random);
            mangled(&once, random)
        }
    }
}

fn in_digits_from(zero: char, text: &str) -> String {
    let digit = |c: char| char::from_u32(u32::from(zero) + c.to_digit(10)?);
    text.chars().map(|c| digit(c).unwrap_or(c)).collect()
}

/// The last digits as letters of their keys.
fn lettered(text: &str, random: &mut StdRng) -> String {
    let first = text.chars().count().saturating_sub(random.random_range(1..8));
    let letter = |c: char| [' ', ' ', 'A', 'd', 'H', 'j', 'M', 's', 'T', 'z'].get(c.to_digit(10)? as usize).copied();
    text.chars().enumerate().map(|(index, c)| letter(c).filter(|l| index >= first && *l != ' ').unwrap_or(c)).collect()
}
