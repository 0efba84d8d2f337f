//! What is read of a spelling, in each mode, and why it is refused.

use super::*;

pub(super) const EVERY: [PhoneValidation; 3] =
    [PhoneValidation::Any, PhoneValidation::Possible, PhoneValidation::Valid];

fn region(code: &str) -> CountryCode {
    CountryCode::parse(code).unwrap()
}

fn read(spelling: &str, country: &str, validation: PhoneValidation) -> Result<String, PhoneNumberError> {
    let phone = Phone::read(spelling, region(country), validation)?;
    Ok(format!("{} {}", phone.number.as_str(), phone.country))
}

/// Each spelling is read as the number in all modes.
#[track_caller]
fn reads(country: &str, number: &str, spellings: &[&str]) {
    for spelling in spellings {
        for validation in EVERY {
            assert_eq!(read(spelling, country, validation).as_deref(), Ok(number), "{spelling:?} {validation:?}");
        }
    }
}

#[test]
fn spellings_of_one_number_are_one_number() {
    reads(
        "CA",
        "+14185810827 CA",
        &[
            "(418) 581-0827",
            "418 581 0827",
            "418.581.0827",
            "1-418-581-0827",
            "+14185810827",
            "+1 (418) 581-0827",
            "+1418-581-0827",
            "011 1 418 581 0827",
            "tel:+1-418-581-0827",
            "tel:418-581-0827;phone-context=+1",
            "tel:4185810827;phone-context=example.com",
            "Tel. (418) 581-0827",
            "[418] 581/0827.",
        ],
    );
}

#[test]
fn digits_of_every_script_and_full_width_forms_are_read() {
    reads(
        "CA",
        "+14185810827 CA",
        &[
            "\u{FF0B}\u{FF11}\u{3000}\u{FF08}\u{FF14}\u{FF11}\u{FF18}\u{FF09}\u{FF15}\u{FF18}\u{FF11}\u{FF0D}\u{FF10}\u{FF18}\u{FF12}\u{FF17}",
            "\u{0664}\u{0661}\u{0668}\u{0665}\u{0668}\u{0661}\u{0660}\u{0668}\u{0662}\u{0667}",
            "\u{06F4}\u{06F1}\u{06F8} 581-0827",
            "\u{096A}\u{0967}\u{096E} \u{096B}\u{096E}\u{0967} \u{0966}\u{096E}\u{0968}\u{096D}",
            "418\u{00A0}581\u{2011}0827",
            "418\u{200B}581\u{2013}0827",
        ],
    );
}

#[test]
fn letters_are_the_digits_of_their_keys_in_a_vanity_number_alone() {
    reads("US", "+18003569377 US", &["1-800-FLOWERS", "1 800 flowers", "+1 800 FLOWERS"]);
    // Two letters are a slip, and an x stands for a carrier's code.
    reads("BR", "+551123456789 BR", &["0xx11 2345-6789", "0 xx 11 2345 6789"]);
}

#[test]
fn prefixes_come_off_as_they_are_dialled_in_the_region() {
    reads("FR", "+33612345678 FR", &["06 12 34 56 78", "+33 6 12 34 56 78", "+33 (0)6 12 34 56 78", "0033612345678"]);
    reads("RU", "+442079460018 GB", &["8~10 44 20 7946 0018", "+44 (0)20 7946 0018"]);
    reads("RU", "+79161234567 RU", &["8 (916) 123-45-67", "+7 916 123-45-67", "7 916 123 45 67"]);
    reads("MX", "+525512345678 MX", &["55 1234 5678", "+52 55 1234 5678"]);
    reads("AR", "+5491123456789 AR", &["011 15-2345-6789", "+54 9 11 2345-6789"]);
    reads("BR", "+5511961234567 BR", &["0 15 11 96123-4567", "(11) 96123-4567"]);
    reads("AU", "+61412345678 AU", &["0412 345 678", "+61 412 345 678"]);
    reads("AU", "+14185810827 CA", &["0011 1 418 581 0827"]);
    reads("AE", "+971501234567 AE", &["050 123 4567"]);
    // What is dialled within an island, whose numbers begin with the area code of all.
    reads("JE", "+441534456789 JE", &["456789", "01534 456789"]);
}

#[test]
fn digits_that_are_no_prefix_stay() {
    reads("IN", "+919123456789 IN", &["91234 56789", "091234 56789", "+91 91234 56789"]);
    reads("IT", "+393912345678 IT", &["391 234 5678", "+39 391 234 5678"]);
    reads("BR", "+5555999683450 BR", &["(55) 99968-3450", "+55 55 99968-3450"]);
    reads("NO", "+4747458882 NO", &["47 45 88 82"]);
    reads("DK", "+4545209356 DK", &["45 20 93 56"]);
    reads("RU", "+78005553535 RU", &["+7 800 555 35 35", "8 800 555 35 35"]);
}

#[test]
fn italian_numbers_keep_their_leading_zeros() {
    reads("IT", "+390612345678 IT", &["06 1234 5678", "+39 06 1234 5678", "0039 06 1234 5678"]);
    reads("VA", "+390669812345 VA", &["06 698 12345", "+39 06 698 12345"]);
    assert_eq!(read("6 1234 5678", "IT", PhoneValidation::Possible).as_deref(), Ok("+39612345678 IT"));
}

#[test]
fn of_regions_that_share_a_calling_code_the_digits_tell() {
    for (number, own) in [
        ("+1 418 581 0827", "CA"),
        ("+1 202 555 0173", "US"),
        ("+1 876 555 0123", "JM"),
        ("+7 701 234 5678", "KZ"),
        ("+7 916 123 4567", "RU"),
        ("+44 20 7946 0018", "GB"),
        ("+44 1534 456789", "JE"),
        ("+44 1481 256789", "GG"),
        ("+44 1624 756789", "IM"),
        ("+61 8 9164 1234", "CX"),
        ("+358 18 412345", "AX"),
        ("+262 639 012345", "YT"),
        ("+212 5288 12345", "MA"),
    ] {
        assert_eq!(read(number, "DE", PhoneValidation::Valid).unwrap().split_once(' ').unwrap().1, own, "{number}");
    }
}

#[test]
fn a_number_without_a_region_has_the_one_that_was_sent() {
    reads("DE", "+80012345678 DE", &["+800 1234 5678", "00 800 1234 5678"]);
    assert_eq!(read("+1 333 333 3333", "CA", PhoneValidation::Possible).as_deref(), Ok("+13333333333 CA"));
}

#[test]
fn the_modes_differ_in_what_they_let_through() {
    use PhoneValidation::{Any, Possible, Valid};
    assert_eq!(read("333-333-333", "US", Any).as_deref(), Ok("+1333333333 US"));
    assert_eq!(read("333-333-333", "US", Possible), Err(PhoneNumberError::TooShort { calling_code: 1, least: 10 }));
    assert_eq!(read("333-333-3333", "US", Possible).as_deref(), Ok("+13333333333 US"));
    assert_eq!(read("333-333-3333", "US", Valid), Err(PhoneNumberError::NotInNumberingPlan { calling_code: 1 }));
}

#[test]
fn without_a_country_international_notation_alone_is_read() {
    let sought =
        |spelling| PhoneNumber::sought(spelling, None).map(|found| found.map(|found| found.as_str().to_owned()));
    let number = Ok(Some("+14185810827".to_owned()));
    for spelling in ["+1 (418) 581-0827", "\u{ff0b}1 418 581 0827", "tel:+1-418-581-0827", " +1.418.581.0827 "] {
        assert_eq!(sought(spelling), number, "{spelling}");
    }
    for spelling in ["(418) 581-0827", "14185810827", "0014185810827", "581-0827;phone-context=example.com"] {
        assert_eq!(sought(spelling), Ok(None), "{spelling}");
    }
    for (spelling, error) in [
        ("nobody", PhoneNumberError::NotANumber),
        ("+1 418 581 0827 ext. 5", PhoneNumberError::Extension),
        ("+999 418 581 0827", PhoneNumberError::UnknownCallingCode),
        ("+00 1 418 581 0827", PhoneNumberError::UnknownCallingCode),
    ] {
        assert_eq!(sought(spelling), Err(error), "{spelling}");
    }
}

#[test]
fn what_is_no_number_is_refused_with_its_reason() {
    use PhoneNumberError as E;
    for (spelling, country, reason) in [
        ("", "CA", E::NotANumber),
        ("hello", "CA", E::NotANumber),
        ("+", "CA", E::NotANumber),
        ("*100#", "CA", E::NotANumber),
        ("418-581-0827;phone-context=", "CA", E::NotANumber),
        ("418-581-0827 home", "CA", E::TooLong { calling_code: 1, most: 10 }),
        ("+1 418 581 0827 12345", "FR", E::TooLong { calling_code: 1, most: 10 }),
        ("+1418581\u{0}0827", "CA", E::ControlCharacter),
        ("418-581\n0827", "CA", E::ControlCharacter),
        ("+999 123 456 789", "CA", E::UnknownCallingCode),
        ("+0 418 581 0827", "CA", E::UnknownCallingCode),
        ("00 999 123 456", "DE", E::UnknownCallingCode),
        ("581-0827", "US", E::AreaCodeMissing { calling_code: 1 }),
        ("+33 6 12 34 56", "US", E::TooShort { calling_code: 33, least: 9 }),
        ("+33 6 12 34 56 78 90", "US", E::TooLong { calling_code: 33, most: 9 }),
        ("0033", "FR", E::TooShort { calling_code: 33, least: 9 }),
        ("+376 712 4912", "AD", E::ImpossibleLength { calling_code: 376 }),
        ("+33 00 6 12 34 56 78", "US", E::TooLong { calling_code: 33, most: 9 }),
        ("01534 45678", "JE", E::AmbiguousPrefix),
        ("+358 1234 5678 9012 345", "FI", E::TooLong { calling_code: 358, most: 12 }),
    ] {
        assert_eq!(read(spelling, country, PhoneValidation::Possible), Err(reason), "{spelling:?}");
    }
    for spelling in ["12", "418-581-0827-1234-5678"] {
        assert!(read(spelling, "CA", PhoneValidation::Possible).is_err());
    }
    assert_eq!(read("+33 1", "FR", PhoneValidation::Any), Err(E::TooShort { calling_code: 33, least: 2 }));
    assert_eq!(read("+33 00 6 12 34 56 78", "US", PhoneValidation::Any), Err(E::AmbiguousPrefix));
    assert_eq!(read(&"1".repeat(250), "CA", PhoneValidation::Any), Err(E::TooLong { calling_code: 1, most: 14 }));
    assert_eq!(read(&"1".repeat(251), "CA", PhoneValidation::Any), Err(E::TooManyCharacters));
    assert_eq!(read(&"\u{0664}".repeat(251), "CA", PhoneValidation::Any), Err(E::TooManyCharacters));
}

#[test]
fn an_extension_is_refused_however_it_is_written() {
    for extension in [
        " ext. 5",
        " ext 5",
        " extension 5",
        "x5",
        " x 5",
        " X5",
        ";ext=5",
        "#5",
        ",,5",
        ", 5",
        ";5",
        " - 503#",
        " int. 5",
        " \u{0434}\u{043E}\u{0431}. 5",
        " anexo 5",
        " extensi\u{00F3}n 5",
        " \u{FF45}\u{FF58}\u{FF54}\u{FF4E} 5",
        " x302/x2303",
    ] {
        let spelling = format!("418-581-0827{extension}");
        for validation in EVERY {
            assert_eq!(read(&spelling, "CA", validation), Err(PhoneNumberError::Extension), "{spelling:?}");
        }
    }
}

#[test]
fn all_regions_have_a_plan_and_all_plans_are_compiled() {
    let plans = NumberingPlans::get();
    let letters = || 'A'..='Z';
    let codes = letters().flat_map(|first| letters().map(move |second| format!("{first}{second}")));
    let regions: Vec<_> = codes.filter_map(|code| CountryCode::parse(&code).ok()).collect();
    assert_eq!(regions.len(), 245);
    for region in &regions {
        assert_eq!(plans.of_region(*region).and_then(|plan| plan.region), Some(*region));
    }
    assert_eq!(plans.regions().collect::<Vec<_>>(), regions);
    assert!(!plans.of_calling_code(800).is_empty());
}

#[test]
fn the_metadata_version_is_that_of_the_crate() {
    let lock = include_str!("../../../../../Cargo.lock");
    let packages = lock.split("name = \"phonenumber\"\nversion = \"").skip(1);
    let versions: Vec<_> = packages.map(|package| package.split(['+', '"']).nth(1).unwrap()).collect();
    assert_eq!(versions, [PHONE_METADATA_VERSION], "see docs/phone-numbers.md on what to do with newer metadata");
}
