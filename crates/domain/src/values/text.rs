//! What texts of all kinds have in common: dashes, digits, characters that cannot be seen.

use super::phone::decimal_digit;

/// Whether a character is a dash: Unicode's category Pd, and the minus sign.
pub(super) fn is_dash(character: char) -> bool {
    matches!(
        character,
        '-' | '\u{58A}' | '\u{5BE}' | '\u{1400}' | '\u{1806}' | '\u{2010}'
            ..='\u{2015}'
                | '\u{2212}'
                | '\u{2E17}'
                | '\u{2E1A}'
                | '\u{2E3A}'
                | '\u{2E3B}'
                | '\u{2E40}'
                | '\u{2E5D}'
                | '\u{301C}'
                | '\u{3030}'
                | '\u{30A0}'
                | '\u{FE31}'
                | '\u{FE32}'
                | '\u{FE58}'
                | '\u{FE63}'
                | '\u{FF0D}'
                | '\u{10D6E}'
                | '\u{10EAD}'
    )
}

/// Whether a character takes no room: it joins, divides or directs others, or chooses how they look.
pub(super) fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{AD}' | '\u{34F}'
            | '\u{61C}'
            | '\u{115F}'
            | '\u{1160}'
            | '\u{17B4}'
            | '\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{20E3}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

/// Whether a character moves or turns what stands around it: a control character, a line or paragraph separator, one
/// that embeds, overrides or isolates a direction. None is part of a line of text, and each can make one look like
/// another. The marks of Arabic and Hebrew text (U+061C, U+200E, U+200F) are no such characters.
pub(super) fn is_directive(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
        )
}

/// A text with ASCII's digits for those of other scripts.
pub(super) fn ascii_digits(text: &str) -> String {
    text.chars().map(|character| decimal_digit(character).unwrap_or(character)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_are_those_of_the_unicode_version_at_hand() {
        let dash = regex::Regex::new(r"^[\p{Pd}\u{2212}]$").unwrap();
        for character in '\0'..=char::MAX {
            assert_eq!(is_dash(character), dash.is_match(character.encode_utf8(&mut [0; 4])), "{character:?}");
        }
    }

    #[test]
    fn what_unicode_lets_be_ignored_is_invisible() {
        // But for those that no text has: of shorthand, of musical notation, and reserved.
        let rare =
            |c: char| matches!(c, '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{FFF0}'..='\u{FFF8}');
        let ignorable = regex::Regex::new(r"^[\p{Default_Ignorable_Code_Point}\u{20E3}]$").unwrap();
        for character in ('\0'..=char::MAX).filter(|c| !rare(*c)) {
            let is_ignorable = ignorable.is_match(character.encode_utf8(&mut [0; 4]));
            assert_eq!(is_invisible(character), is_ignorable, "{character:?}");
        }
    }
}
