//! Which texts have a card number in them, and which have not.

use super::*;
use proptest::prelude::*;

/// Numbers that card companies and processors publish for tests.
const TEST_NUMBERS: [&str; 16] = [
    "4242424242424242",
    "4111111111111111",
    "4012888888881881",
    "4222222222222",
    "4000056655665556",
    "5555555555554444",
    "5105105105105100",
    "2223003122003222",
    "378282246310005",
    "371449635398431",
    "6011111111111117",
    "6011000990139424",
    "3056930009020004",
    "36227206271667",
    "3566002020360505",
    "6205500000000000004",
];

/// A number in groups of four, the last of which may be shorter.
fn in_fours(number: &str, separator: &str) -> String {
    let groups: Vec<_> = number.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
    groups.join(separator)
}

/// A number in the digits that follow a zero.
fn in_digits_of(number: &str, zero: char) -> String {
    number.bytes().filter_map(|b| char::from_u32(u32::from(zero) + u32::from(b - b'0'))).collect()
}

#[test]
fn the_well_known_test_numbers_are_seen() {
    for number in TEST_NUMBERS {
        assert!(contains_card_number(number), "{number}");
        for around in [("card ", " thanks"), ("№", "."), ("x", "y"), ("(", ")"), ("名", "様"), ("", "@example.com")]
        {
            let text = format!("{}{number}{}", around.0, around.1);
            assert!(contains_card_number(&text), "{text}");
        }
    }
}

#[test]
fn they_are_seen_in_groups() {
    let separators = [
        " ", "\u{a0}", "\u{202f}", "\u{2007}", "\u{3000}", "-", "\u{2010}", "\u{2011}", "\u{2013}", "\u{2014}",
        "\u{2212}", "\u{ff0d}", ".", "/", "_", "  ", " -", "- ", " - ", "--", " / ", "\u{ff0f}",
    ];
    for number in TEST_NUMBERS {
        for separator in separators {
            let text = in_fours(number, separator);
            assert!(contains_card_number(&text), "{text:?}");
        }
        let single: Vec<_> = number.chars().map(String::from).collect();
        assert!(contains_card_number(&single.join(" ")), "{number}");
    }
    assert!(contains_card_number("3782 822463 10005"));
}

#[test]
fn they_are_seen_in_the_digits_of_any_script() {
    for number in TEST_NUMBERS {
        for zero in ['\u{660}', '\u{6F0}', '\u{966}', '\u{E50}', '\u{FF10}', '\u{1D7CE}'] {
            let text = in_digits_of(number, zero);
            assert!(contains_card_number(&text), "{text}");
            assert!(contains_card_number(
                &in_digits_of(&number[..6], zero).chars().chain(number[6..].chars()).collect::<String>()
            ));
        }
    }
}

#[test]
fn they_are_seen_through_what_takes_no_room() {
    for invisible in ['\u{AD}', '\u{200B}', '\u{200D}', '\u{200F}', '\u{202E}', '\u{2060}', '\u{FEFF}', '\u{FE0F}'] {
        for number in TEST_NUMBERS {
            let text: String = number.chars().flat_map(|digit| [digit, invisible]).collect();
            assert!(contains_card_number(&text), "{text:?}");
            assert!(contains_card_number(&in_fours(number, &format!("{invisible} {invisible}"))));
        }
    }
}

#[test]
fn they_are_seen_beside_other_numbers() {
    for text in [
        "4242 4242 4242 4242 12/34 123",
        "12/34 4242424242424242",
        "1: 4242-4242-4242-4242; 2: none",
        "exp 12.34 4242.4242.4242.4242",
        "0000042424242424242420000000",
        "4242,4242,4242,4242",
        "4242 | 4242 | 4242 | 4242",
        "(4242) 4242: 4242+4242",
        "4242    4242    4242    4242",
    ] {
        assert!(contains_card_number(text), "{text}");
    }
}

#[test]
fn other_numbers_pass() {
    for text in [
        "",
        "no digits at all",
        "+33 6 12 34 56 78",
        "(418) 581-0827",
        "424242424242",
        "4242 4242 4242",
        "4242424242424241",
        "4242 4242 4242 4243",
        "5555-5555-5555-4445",
        "8 Yogi Berra Drive, Little Falls 07424-1234",
        "4242 4242 and 4242 4242",
        "4242     4242     4242     4242",
        "4242424@24242424.2",
        "4242x4242x4242x4242",
        "4242\n4242\n4242\n4242",
    ] {
        assert!(!contains_card_number(text), "{text}");
    }
}

#[test]
fn a_number_begins_and_ends_with_a_group() {
    // The last sixteen of these seventeen digits are a card's number; the whole is none.
    assert!(!contains_card_number("14242424242424242"));
    assert!(!contains_card_number("1424 2424 2424 2424 2"));
    assert!(contains_card_number("1 4242 4242 4242 4242"));
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in "[0-9\\PC]{0,300}") {
        contains_card_number(&text);
    }

    #[test]
    fn any_digits_with_a_check_digit_are_seen(digits in "[0-9]{12,18}", separator in "[ ./_-]{0,2}") {
        let check = (0..10).map(|check| format!("{digits}{check}"));
        let seen: Vec<_> = check.filter(|number| contains_card_number(number)).collect();
        prop_assert_eq!(seen.len(), 1);
        prop_assert!(contains_card_number(&in_fours(&seen[0], &separator)));
    }

    #[test]
    fn fewer_than_thirteen_digits_are_never_seen(text in "[0-9]{1,12}", separator in "[ .-]{0,2}") {
        prop_assert!(!contains_card_number(&in_fours(&text, &separator)));
    }
}
