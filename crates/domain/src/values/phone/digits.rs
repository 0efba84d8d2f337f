//! Decimal digits of every script.

/// The zeros of all scripts in order. The Unicode standard (§4.6) keeps the ten digits of a script beside each other.
const ZEROS: [char; 76] = [
    '0',
    '\u{660}',
    '\u{6F0}',
    '\u{7C0}',
    '\u{966}',
    '\u{9E6}',
    '\u{A66}',
    '\u{AE6}',
    '\u{B66}',
    '\u{BE6}',
    '\u{C66}',
    '\u{CE6}',
    '\u{D66}',
    '\u{DE6}',
    '\u{E50}',
    '\u{ED0}',
    '\u{F20}',
    '\u{1040}',
    '\u{1090}',
    '\u{17E0}',
    '\u{1810}',
    '\u{1946}',
    '\u{19D0}',
    '\u{1A80}',
    '\u{1A90}',
    '\u{1B50}',
    '\u{1BB0}',
    '\u{1C40}',
    '\u{1C50}',
    '\u{A620}',
    '\u{A8D0}',
    '\u{A900}',
    '\u{A9D0}',
    '\u{A9F0}',
    '\u{AA50}',
    '\u{ABF0}',
    '\u{FF10}',
    '\u{104A0}',
    '\u{10D30}',
    '\u{10D40}',
    '\u{11066}',
    '\u{110F0}',
    '\u{11136}',
    '\u{111D0}',
    '\u{112F0}',
    '\u{11450}',
    '\u{114D0}',
    '\u{11650}',
    '\u{116C0}',
    '\u{116D0}',
    '\u{116DA}',
    '\u{11730}',
    '\u{118E0}',
    '\u{11950}',
    '\u{11BF0}',
    '\u{11C50}',
    '\u{11D50}',
    '\u{11DA0}',
    '\u{11F50}',
    '\u{16130}',
    '\u{16A60}',
    '\u{16AC0}',
    '\u{16B50}',
    '\u{16D70}',
    '\u{1CCF0}',
    '\u{1D7CE}',
    '\u{1D7D8}',
    '\u{1D7E2}',
    '\u{1D7EC}',
    '\u{1D7F6}',
    '\u{1E140}',
    '\u{1E2F0}',
    '\u{1E4F0}',
    '\u{1E5F1}',
    '\u{1E950}',
    '\u{1FBF0}',
];

/// The ASCII digit that a character of any script stands for, if it is a decimal digit.
pub(in crate::values) fn decimal_digit(character: char) -> Option<char> {
    if character.is_ascii() {
        return character.is_ascii_digit().then_some(character);
    }
    let zero = ZEROS.partition_point(|zero| *zero <= character).checked_sub(1).and_then(|index| ZEROS.get(index))?;
    char::from_digit(u32::from(character) - u32::from(*zero), 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_every_script_are_read() {
        for (text, digits) in [
            ("0123456789", "0123456789"),
            ("\u{0660}\u{0661}\u{0669}", "019"),
            ("\u{06F4}\u{06F1}\u{06F8}", "418"),
            ("\u{0967}\u{0968}", "12"),
            ("\u{FF10}\u{FF19}", "09"),
            ("\u{1D7CE}\u{1D7FF}", "09"),
        ] {
            assert_eq!(text.chars().map(decimal_digit).collect::<Option<String>>().as_deref(), Some(digits));
        }
    }

    #[test]
    fn they_are_those_of_the_unicode_version_at_hand() {
        let decimal = regex::Regex::new(r"^\d$").unwrap();
        for character in '\0'..=char::MAX {
            let is_decimal = decimal.is_match(character.encode_utf8(&mut [0; 4]));
            assert_eq!(decimal_digit(character).is_some(), is_decimal, "{character:?}");
        }
    }
}
