//! Whatever is sent for a phone number: nothing panics, and what is accepted keeps its promises.

use proptest::prelude::*;

use super::tests::EVERY;
use super::*;

fn any_region() -> impl Strategy<Value = CountryCode> {
    prop::sample::select(NumberingPlans::get().regions().collect::<Vec<_>>())
}

fn any_validation() -> impl Strategy<Value = PhoneValidation> {
    prop::sample::select(EVERY.to_vec())
}

/// What looks like a number, more or less.
fn any_spelling() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\+?[0-9 ()-]{5,20}",
        "\\+?[0-9]{7,16}",
        "0{0,3}[1-9][0-9]{5,14}",
        "(tel:)?[+]?[0-9. -]{3,20}(;phone-context=[+a-z0-9.-]{0,9})?",
        "[0-9\u{0660}-\u{0669}\u{FF10}-\u{FF19}\u{00A0} A-Z+-]{3,24}",
        mutated_number(),
    ]
}

/// A number that somebody may have, with characters put in, left out and changed.
fn mutated_number() -> impl Strategy<Value = String> {
    const NUMBERS: [&str; 16] = [
        "+14185810827",
        "(418) 581-0827",
        "1-800-FLOWERS",
        "+44 20 7946 0958",
        "020 7946 0958",
        "+54 9 11 2345-6789",
        "011 15-2345-6789",
        "+52 1 55 1234 5678",
        "+39 06 698 12345",
        "0039 06 698 12345",
        "8 (495) 123-45-67",
        "+86 138 0013 8000",
        "+800 1234 5678",
        "+882 16 123 45678",
        "tel:+1-201-555-0123;ext=5",
        "tel:5550123;phone-context=+1201",
    ];
    let edit = (any::<prop::sample::Index>(), 0..3_u8, "[0-9+()x#;=., -]|\\PC");
    (prop::sample::select(NUMBERS.to_vec()), prop::collection::vec(edit, 0..6)).prop_map(|(number, edits)| {
        let mut text: Vec<char> = number.chars().collect();
        for (place, kind, with) in edits {
            let place = place.index(text.len().max(1));
            match kind {
                0 => text.splice(place..place, with.chars()).for_each(drop),
                1 => text.splice(place..(place + 1).min(text.len()), with.chars()).for_each(drop),
                _ => text.drain(place..(place + 1).min(text.len())).for_each(drop),
            }
        }
        text.into_iter().collect()
    })
}

proptest! {
    #[test]
    fn what_is_accepted_parses_to_itself_in_any_region(
        spelling in any_spelling(),
        sent in any_region(),
        other in any_region(),
        validation in any_validation(),
    ) {
        if let Ok(phone) = Phone::read(&spelling, sent, validation) {
            prop_assert_eq!(&PhoneNumber::from_e164(phone.number.as_str()).unwrap(), &phone.number);
            let again = Phone::read(phone.number.as_str(), other, validation).unwrap();
            prop_assert_eq!(&again.number, &phone.number);
            // The region is its own, or the one that was sent.
            prop_assert!(again.country == phone.country || (phone.country == sent && again.country == other));
        }
    }

    #[test]
    fn what_is_accepted_is_found_by_its_spelling_and_by_its_number(
        spelling in any_spelling(),
        sent in any_region(),
        validation in any_validation(),
    ) {
        if let Ok(phone) = Phone::read(&spelling, sent, validation) {
            let kept = Ok(Some(phone.number.clone()));
            prop_assert_eq!(PhoneNumber::sought(&spelling, Some(sent)), kept.clone());
            prop_assert_eq!(PhoneNumber::sought(phone.number.as_str(), None), kept);
        }
    }

    #[test]
    fn a_stricter_mode_refuses_or_says_the_same(spelling in any_spelling(), sent in any_region()) {
        let [any, possible, valid] = EVERY.map(|validation| Phone::read(&spelling, sent, validation).ok());
        prop_assert!(possible.is_none() || possible == any);
        prop_assert!(valid.is_none() || valid == any);
    }

    #[test]
    fn no_text_panics(
        spelling in prop_oneof![
            ".{0,260}",
            "[+0-9 x#;,=*()-]{0,60}",
            "[0-9]{1,9}[;a-z+=.-]{0,40}",
            "([+0-9]|tel:|;phone-context=|;ext=|;isub=|[/\\\\] *x|\u{FF0B}|\u{0660}){0,80}",
            "[0-9+ -]{9000,10000}",
        ],
        country in any_region(),
        validation in any_validation(),
    ) {
        let _ = Phone::read(&spelling, country, validation);
        let _ = PhoneNumber::sought(&spelling, None);
    }
}
