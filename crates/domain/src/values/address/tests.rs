//! Addresses of many countries: what is kept of them, what is refused, and what their forms look like.

use proptest::prelude::*;

use super::metadata;
use super::*;

fn country(code: &str) -> CountryCode {
    CountryCode::parse(code).unwrap()
}

fn format(code: &str) -> &'static AddressFormat {
    AddressFormat::of(country(code))
}

/// An address in a country with all that any country can need, of texts that no country reads otherwise.
fn input(code: &str) -> AddressInput {
    let format = format(code);
    AddressInput {
        name: Some("Yogi Berra".to_owned()),
        line1: Some("8 Long Street".to_owned()),
        postal_code: format.postal_code_example().map(str::to_owned),
        city: Some("Town".to_owned()),
        region: format.regions().first().map(|region| region.key.to_owned()).or(Some("Region".to_owned())),
        ..AddressInput::of(country(code))
    }
}

fn errors(input: AddressInput) -> Vec<(String, FieldCode, String)> {
    let errors = Address::parse(input).unwrap_err();
    errors.into_iter().map(|error| (error.field.into_owned(), error.code, error.detail)).collect()
}

/// What a postal code of a country is stored as.
fn postal_code(code: &str, text: &str) -> Option<String> {
    let input = AddressInput { postal_code: Some(text.to_owned()), ..input(code) };
    Address::parse(input).ok()?.postal_code().map(str::to_owned)
}

/// What a region of a country is stored as.
fn region(code: &str, text: &str) -> Option<String> {
    let input = AddressInput { region: Some(text.to_owned()), ..input(code) };
    Address::parse(input).ok()?.region().map(str::to_owned)
}

/// The rows of a country's form, in short.
fn rows(code: &str) -> String {
    let rows =
        format(code).rows().iter().map(|row| row.iter().map(|field| field.as_str()).collect::<Vec<_>>().join("+"));
    rows.collect::<Vec<_>>().join(" ")
}

fn required(code: &str) -> Vec<&'static str> {
    let fields = AddressField::ALL.into_iter().filter(|field| format(code).is_required(*field));
    fields.map(AddressField::as_str).collect()
}

#[test]
fn at_least_240_territories_are_known_and_all_that_have_phone_numbers() {
    assert!(metadata::codes().count() >= 240);
    let letters = 'A'..='Z';
    let codes = letters.clone().flat_map(|first| letters.clone().map(move |second| format!("{first}{second}")));
    let with_phones: Vec<_> = codes.filter_map(|code| CountryCode::parse(&code).ok()).collect();
    assert_eq!(AddressFormat::countries().collect::<Vec<_>>(), with_phones);
    assert!(with_phones.len() >= 240);
}

#[test]
fn every_field_of_every_territory_is_in_one_row_or_unused() {
    for code in metadata::codes() {
        let format = metadata::format(code);
        let mut fields: Vec<_> = format.rows().iter().flatten().chain(format.unused()).copied().collect();
        fields.sort();
        assert_eq!(fields, AddressField::ALL, "{code}");
        assert!(format.rows().iter().all(|row| !row.is_empty()), "{code}");
        assert!(!format.unused().iter().any(|field| format.is_required(*field)), "{code}");
        assert!(!format.is_required(AddressField::Company) && !format.is_required(AddressField::Line2), "{code}");
    }
}

#[test]
fn every_example_of_a_postal_code_is_one_and_is_kept_as_it_is() {
    let mut examples = 0;
    for code in metadata::codes() {
        let format = metadata::format(code);
        assert_eq!(format.postal_code_pattern().is_some(), format.postal_code_example().is_some(), "{code}");
        for example in format.postal_code_examples() {
            // Rules of a territory without phone numbers are looked at, too.
            let country = CountryCode::parse(code).unwrap_or(country("US"));
            let read = |text: &str| format.postal_code(text, country);
            assert_eq!(read(example).as_deref(), Some(example), "{code}");
            assert_eq!(read(&example.to_lowercase()).as_deref(), Some(example), "{code}");
            assert_eq!(read(&example.replace([' ', '-'], "")).as_deref(), Some(example), "{code}");
            assert_eq!(read("!"), None, "{code}");
            examples += 1;
        }
    }
    assert!(examples > 300, "{examples}");
}

#[test]
fn every_region_is_read_in_every_spelling() {
    for code in AddressFormat::countries() {
        let mut keys: Vec<_> = AddressFormat::of(code).regions().iter().map(|region| region.key).collect();
        for known in AddressFormat::of(code).regions() {
            for spelling in [Some(known.key), Some(known.name), known.latin_name].into_iter().flatten() {
                assert_eq!(region(code.as_str(), spelling).as_deref(), Some(known.key), "{code}");
                assert_eq!(region(code.as_str(), &spelling.to_uppercase()).as_deref(), Some(known.key), "{code}");
            }
        }
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), all, "{code}");
    }
}

#[test]
fn every_country_takes_an_address_that_has_everything() {
    for code in AddressFormat::countries() {
        let address = Address::parse(input(code.as_str())).unwrap();
        assert_eq!(Address::stored(address.parts().clone()), Ok(address.clone()));
        assert_eq!(Address::parse(address.clone().into_parts().into()), Ok(address));
    }
}

#[test]
fn forms_have_the_rows_of_their_country() {
    for (code, expected) in [
        ("US", "name company line1 line2 city+region+postal_code"),
        ("CA", "name company line1 line2 city+region+postal_code"),
        ("GB", "name company line1 line2 city postal_code"),
        ("FR", "company name line1 line2 postal_code+city"),
        ("DE", "name company line1 line2 postal_code+city"),
        ("JP", "name company line1 line2 region postal_code"),
        ("BR", "company name line1 line2 city+region postal_code"),
        ("IE", "name company line1 line2 city region postal_code"),
        ("HK", "name company line1 line2 city region"),
        ("AE", "name company line1 line2 region"),
        ("CN", "name company line1 line2 city region+postal_code"),
        ("IN", "name company line1 line2 city+postal_code region"),
        ("SE", "company name line1 line2 postal_code+city"),
        ("NL", "company name line1 line2 postal_code+city"),
    ] {
        assert_eq!(rows(code), expected, "{code}");
    }
    assert_eq!(format("AE").unused(), [AddressField::PostalCode, AddressField::City]);
    assert_eq!(format("GB").unused(), [AddressField::Region]);
}

#[test]
fn a_country_of_which_nothing_is_known_takes_anything() {
    let format = metadata::format("ZZ");
    let required = AddressField::ALL.into_iter().filter(|field| format.is_required(*field));
    assert_eq!(required.collect::<Vec<_>>(), [AddressField::Name, AddressField::Line1]);
    assert!(format.unused().is_empty() && format.regions().is_empty() && format.postal_code_pattern().is_none());
    assert_eq!(format.postal_code("x", country("US")).as_deref(), Some("x"));
}

#[test]
fn what_is_required_is_the_countrys_affair() {
    for (code, expected) in [
        ("US", "name line1 postal_code city region"),
        ("CA", "name line1 postal_code city region"),
        ("GB", "name line1 postal_code city"),
        ("FR", "name line1 postal_code city"),
        ("JP", "name line1 postal_code region"),
        ("IE", "name line1 city"),
        ("HK", "name line1 region"),
        ("AE", "name line1 region"),
        ("SG", "name line1 postal_code"),
        ("AG", "name line1"),
    ] {
        assert_eq!(required(code).join(" "), expected, "{code}");
        let missing = errors(AddressInput::of(country(code)));
        let fields: Vec<_> = missing.iter().map(|(field, ..)| field.as_str()).collect();
        assert_eq!(fields.join(" "), expected, "{code}");
        assert!(
            missing.iter().all(|(_, code, detail)| (*code, detail.as_str()) == (FieldCode::Missing, "is required"))
        );
    }
}

#[test]
fn fields_are_called_what_the_country_calls_them() {
    let kinds = |code| {
        (
            format(code).postal_code_kind().as_str(),
            format(code).region_kind().as_str(),
            format(code).city_kind().as_str(),
        )
    };
    for (code, expected) in [
        ("US", ("zip", "state", "city")),
        ("CA", ("postal", "province", "city")),
        ("GB", ("postal", "province", "post_town")),
        ("IE", ("eircode", "county", "city")),
        ("IN", ("pin", "state", "city")),
        ("HK", ("postal", "area", "district")),
        ("AE", ("postal", "emirate", "city")),
        ("JP", ("postal", "prefecture", "city")),
        ("KR", ("postal", "do_si", "city")),
        ("NI", ("postal", "department", "city")),
    ] {
        assert_eq!(kinds(code), expected, "{code}");
    }
}

#[test]
fn a_keyboard_of_digits_is_enough_where_postal_codes_are_digits() {
    for code in ["US", "FR", "DE", "IN", "CN", "SE", "BR", "JP"] {
        assert!(format(code).is_postal_code_numeric(), "{code}");
    }
    for code in ["GB", "CA", "NL", "IE", "PT", "PL", "HK", "AE", "LV"] {
        assert!(!format(code).is_postal_code_numeric(), "{code}");
    }
}

#[test]
fn postal_codes_are_brought_to_the_countrys_spelling() {
    for (code, text, expected) in [
        ("GB", "sw1a1aa", "SW1A 1AA"),
        ("GB", " Sw1A-1aA ", "SW1A 1AA"),
        ("GB", "m11aa", "M1 1AA"),
        ("GB", "gir0aa", "GIR 0AA"),
        ("GB", "bfpo61", "BFPO 61"),
        ("CA", "h2x1y4", "H2X 1Y4"),
        ("CA", "H2X  1Y4", "H2X 1Y4"),
        ("CA", "Ｈ２Ｘ−１ｙ４", "H2X 1Y4"),
        ("NL", "1234ab", "1234 AB"),
        ("IE", "a65f4e2", "A65 F4E2"),
        ("SE", "114 55", "11455"),
        ("SE", "SE-114 55", "11455"),
        ("FR", "75 001", "75001"),
        ("FR", "F-75001", "75001"),
        ("FR", "FR-75001", "75001"),
        ("DE", "D-26133", "26133"),
        ("DE", "٢٦١٣٣", "26133"),
        ("JP", "〒1540023", "154-0023"),
        ("JP", "１５４－００２３", "154-0023"),
        ("BR", "40301110", "40301-110"),
        ("BR", "40301.110", "40301-110"),
        ("PT", "2725079", "2725-079"),
        ("PL", "00 950", "00-950"),
        ("US", "95014", "95014"),
        ("US", "95014 1010", "95014-1010"),
        ("US", "950141010", "95014-1010"),
        ("LV", "1073", "LV-1073"),
        ("LV", "lv 1073", "LV-1073"),
        ("LU", "L-4750", "4750"),
        ("CH", "CH-8001", "8001"),
        ("KY", "ky11100", "KY1-1100"),
        ("PE", "lima 23", "LIMA 23"),
        ("NL", "nl-1234 ab", "1234 AB"),
        ("US", "9501", ""),
        ("DE", "ABCD-26133", ""),
        ("US", "95014-10", ""),
        ("GB", "SW1A", ""),
        ("CN", "26603", ""),
        ("IN", "1100344", ""),
    ] {
        assert_eq!(postal_code(code, text).unwrap_or_default(), expected, "{code} {text}");
    }
}

#[test]
fn a_bad_postal_code_is_told_what_one_looks_like() {
    let bad = AddressInput { postal_code: Some("7500".to_owned()), ..input("FR") };
    assert_eq!(errors(bad), [("postal_code".to_owned(), FieldCode::Invalid, "must look like 33380".to_owned())]);
}

#[test]
fn regions_are_stored_by_their_key() {
    for (code, text, expected) in [
        ("US", "california", "CA"),
        ("US", " ca ", "CA"),
        ("US", "D.C.", "DC"),
        ("CA", "Québec", "QC"),
        ("CA", "quebec", "QC"),
        ("CA", "Nouvelle-Ecosse", "NS"),
        ("AE", "Dubai", "إمارة دبيّ"),
        ("AE", "DU", "إمارة دبيّ"),
        ("JP", "hokkaido", "北海道"),
        ("JP", "東京都", "東京都"),
        ("CN", "Beijing Shi", "北京市"),
        ("HK", "九龍", "Kowloon"),
        ("IN", "महाराष्ट्र", "Maharashtra"),
        ("BR", "Sao Paulo", "SP"),
        ("ES", "Gipuzkoa", "SS"),
        ("IE", "Dublin", "Co. Dublin"),
        ("IE", "county dublin", "Co. Dublin"),
        ("IE", "Leinster", "Leinster"),
        ("GB", "Kent", "Kent"),
        ("US", "Bavaria", ""),
        ("AE", "California", ""),
    ] {
        assert_eq!(region(code, text).unwrap_or_default(), expected, "{code} {text}");
    }
    let bad = AddressInput { region: Some("Bavaria".to_owned()), ..input("US") };
    let detail = "must be one of the 62 regions of US, such as Alabama".to_owned();
    assert_eq!(errors(bad), [("region".to_owned(), FieldCode::Invalid, detail)]);
}

#[test]
fn a_field_that_the_country_does_not_use_is_kept_as_it_was_written() {
    let input = AddressInput { postal_code: Some(" n/a ".to_owned()), city: Some("dubai".to_owned()), ..input("AE") };
    let address = Address::parse(input).unwrap();
    assert_eq!((address.postal_code(), address.city()), (Some("n/a"), Some("dubai")));
}

#[test]
fn texts_are_trimmed_and_nothing_is_none() {
    let nothing = [" ", "", "\u{a0}\t", "\u{200b}", "\u{ad} \u{2060}"];
    for nothing in nothing {
        let nothing = Some(nothing.to_owned());
        let input = AddressInput {
            name: Some(" Yogi  Berra\u{a0}".to_owned()),
            company: nothing.clone(),
            line2: nothing.clone(),
            region: nothing.clone(),
            ..input("FR")
        };
        let address = Address::parse(input.clone()).unwrap();
        assert_eq!(address.name(), "Yogi  Berra");
        assert_eq!((address.company(), address.line2(), address.region()), (None, None, None));
        let errors = errors(AddressInput { name: nothing.clone(), line1: nothing, ..input });
        assert_eq!(errors.iter().map(|error| error.1).collect::<Vec<_>>(), [FieldCode::Missing; 2]);
    }
}

#[test]
fn characters_that_direct_and_texts_that_are_too_long_are_refused_in_every_field() {
    let all = |text: &str| {
        let text = Some(text.to_owned());
        let [name, company, line1, line2, postal_code, city, region] =
            [const { None }; 7].map(|_: Option<()>| text.clone());
        AddressInput { name, company, line1, line2, postal_code, city, region, country: country("HK") }
    };
    for directive in ['\n', '\0', '\u{7f}', '\u{85}', '\u{2028}', '\u{2029}', '\u{202e}', '\u{2066}'] {
        let errors = errors(all(&format!("a{directive}b")));
        assert_eq!(errors.iter().map(|error| error.1).collect::<Vec<_>>(), [FieldCode::Invalid; 7], "{directive:?}");
    }
    let errors = errors(all(&"é".repeat(256)));
    let fields: Vec<_> = errors.iter().map(|(field, ..)| field.as_str()).collect();
    assert_eq!(fields, AddressField::ALL.map(AddressField::as_str));
    assert!(errors.iter().all(|error| error.1 == FieldCode::TooLong));
    assert_eq!(errors[0].2, "must be at most 255 characters");
    assert_eq!(errors[4].2, "must be at most 32 characters");
    let longest = AddressInput { name: Some("é".repeat(255)), postal_code: Some("é".repeat(32)), ..input("HK") };
    assert!(Address::parse(longest).is_ok());
}

#[test]
fn a_card_number_is_refused_in_every_field() {
    let text = || Some("4242 4242 4242 4242".to_owned());
    for country in AddressFormat::countries() {
        let input = AddressInput {
            name: text(),
            company: text(),
            line1: text(),
            line2: text(),
            postal_code: text(),
            city: text(),
            region: text(),
            country,
        };
        let errors = errors(input);
        assert_eq!(errors.len(), 7);
        assert!(errors.iter().all(|error| error.2.starts_with("must not contain a card number")), "{country}");
    }
}

#[test]
fn a_stored_address_is_readable_whatever_its_countrys_rules_say_now() {
    let parts = AddressParts {
        name: "Yogi".to_owned(),
        company: None,
        line1: "4242 4242 4242 4242".to_owned(),
        line2: None,
        postal_code: Some("not one".to_owned()),
        city: None,
        region: Some("Bavaria".to_owned()),
        country: country("US"),
    };
    assert_eq!(Address::stored(parts.clone()).unwrap().parts(), &parts);
    let broken = |change: fn(&mut AddressParts)| {
        let mut parts = parts.clone();
        change(&mut parts);
        Address::stored(parts)
    };
    assert_eq!(broken(|parts| parts.name.clear()), Err(AddressField::Name));
    assert_eq!(broken(|parts| parts.city = Some(String::new())), Err(AddressField::City));
    assert_eq!(broken(|parts| parts.line1.push('\n')), Err(AddressField::Line1));
    assert_eq!(broken(|parts| parts.postal_code = Some("1".repeat(33))), Err(AddressField::PostalCode));
}

#[test]
fn nothing_of_an_address_is_shown_by_accident() {
    let input = input("US");
    let address = Address::parse(input.clone()).unwrap();
    let shown = format!("{input:?} {address:?} {:?}", address.parts());
    assert_eq!(shown, "AddressInput(redacted) Address(redacted) AddressParts(redacted)");
}

proptest! {
    #[test]
    fn a_kept_address_parses_to_itself(
        index in 0..AddressFormat::countries().count(),
        texts in prop::array::uniform7(prop::option::of("\\PC{0,12}|[0-9]{3,10}|[A-Za-z0-9 -]{2,9}")),
    ) {
        let country = AddressFormat::countries().nth(index).unwrap();
        let [name, company, line1, line2, postal_code, city, region] = texts;
        let input = AddressInput { name, company, line1, line2, postal_code, city, region, country };
        if let Ok(address) = Address::parse(input) {
            prop_assert_eq!(Address::stored(address.parts().clone()), Ok(address.clone()));
            prop_assert_eq!(Address::parse(address.clone().into_parts().into()), Ok(address));
        }
    }

    #[test]
    fn a_kept_postal_code_matches_its_countrys_pattern(index in 0..AddressFormat::countries().count(), text in "[A-Za-z0-9 -]{2,10}") {
        let country = AddressFormat::countries().nth(index).unwrap();
        let format = AddressFormat::of(country);
        let kept = format.postal_code(&text, country);
        if let (Some(kept), Some(pattern)) = (kept, format.postal_code_pattern()) {
            let whole = regex::Regex::new(&format!("^(?:{pattern})$")).unwrap();
            prop_assert!(whole.is_match(&kept));
            prop_assert_eq!(format.postal_code(&kept, country), Some(kept));
        }
    }
}
