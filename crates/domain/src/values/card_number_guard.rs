//! Keeps card numbers out of texts in which nobody would look for them.

use super::phone::decimal_digit;
use super::text::{is_dash, is_invisible};

/// What is said of a text with a card number in it, as the rest of a sentence.
pub const CARD_NUMBER_REFUSED: &str = "must not contain a card number: send it to nobody but the card form";

/// How many digits a card's number has (ISO/IEC 7812-1 and, for the least, old numbers that are still about).
const DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// How many separators may stand between two groups of a number's digits: a dash with a space on either side.
const MOST_SEPARATORS: usize = 4;

/// Whether a text contains what can be a card's number: 13 to 19 digits with the right check digit (Luhn's, ISO/IEC
/// 7812-1 annex B).
///
/// The digits are those of any script, and may stand in groups with spaces, dashes or other punctuation between them. A number begins and ends with a group; only within one of more than 19 digits it may be anywhere.
/// About one in ten texts with so many digits that are no card's number is taken for one.
///
/// ```
/// use domain::contains_card_number;
///
/// assert!(contains_card_number("my card: 4242-4242-4242-4242, thanks"));
/// assert!(!contains_card_number("call +33 6 12 34 56 78"));
/// ```
pub fn contains_card_number(text: &str) -> bool {
    let mut run = Run::default();
    let mut separators = 0;
    for character in text.chars().filter(|character| !is_invisible(*character)) {
        if let Some(digit) = decimal_digit(character).and_then(|digit| digit.to_digit(10)) {
            if separators > 0 {
                run.begin_group();
            }
            run.digits.push(digit);
            separators = 0;
        } else {
            separators += 1;
            if separators > MOST_SEPARATORS || !is_separator(character) {
                if run.contains_card_number() {
                    return true;
                }
                run = Run::default();
            }
        }
    }
    run.contains_card_number()
}

/// Groups of digits that may be parts of one number.
#[derive(Default)]
struct Run {
    /// The digits of all groups.
    digits: Vec<u32>,
    /// Where groups begin, but for the first.
    starts: Vec<usize>,
}

impl Run {
    fn begin_group(&mut self) {
        // Separators before the first digit begin nothing.
        if !self.digits.is_empty() {
            self.starts.push(self.digits.len());
        }
    }

    fn contains_card_number(&self) -> bool {
        if self.digits.len() < *DIGITS.start() {
            return false;
        }
        let mut bounds = vec![0];
        bounds.extend(&self.starts);
        bounds.push(self.digits.len());
        let slice = |start: usize, end: usize| self.digits.get(start..end).unwrap_or_default();
        let groups = bounds.iter().zip(bounds.iter().skip(1)).map(|(start, end)| slice(*start, *end));
        let mut long_groups = groups.filter(|group| group.len() > *DIGITS.end());
        long_groups.any(|group| DIGITS.into_iter().any(|length| group.windows(length).any(has_right_check_digit)))
            || bounds.iter().enumerate().any(|(index, start)| {
                let ends = bounds.iter().skip(index + 1).take_while(|end| *end - start <= *DIGITS.end());
                ends.map(|end| slice(*start, *end))
                    .any(|digits| DIGITS.contains(&digits.len()) && has_right_check_digit(digits))
            })
    }
}

/// Whether Luhn's sum of digits is a multiple of ten.
fn has_right_check_digit(digits: &[u32]) -> bool {
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let places = digits.iter().rev().enumerate();
    places.map(|(place, digit)| if place % 2 == 1 { doubled(*digit) } else { *digit }).sum::<u32>() % 10 == 0
}

/// What may stand between the groups of a number's digits.
fn is_separator(character: char) -> bool {
    let is_line_end = matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}');
    (character.is_whitespace() && !is_line_end)
        || is_dash(character)
        // An at sign parts two texts of which neither goes on in the other.
        || (character.is_ascii_punctuation() && character != '@')
        || matches!(
            character,
            '\u{FF0C}' | '\u{3001}' | '\u{FF0E}' | '\u{FF0F}' | '\u{FF3F}' | '\u{2044}' | '\u{2215}' | '·' | '・'
        )
}

#[cfg(test)]
mod tests;
