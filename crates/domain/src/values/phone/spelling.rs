//! From what people write to digits: finding the number in a text, and reading its characters.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::PhoneNumberError;
use super::digits::decimal_digit;

/// A number as it was written, without all that does not dial.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spelling {
    /// It began with `+`: international notation (ITU-T E.123 §2.4).
    pub(super) plus: bool,
    /// Its ASCII digits.
    pub(super) digits: String,
}

impl Spelling {
    /// Finds the number in a text.
    ///
    /// # Errors
    /// [`PhoneNumberError::NotANumber`] and [`PhoneNumberError::Extension`].
    pub(super) fn read(text: &str) -> Result<Self, PhoneNumberError> {
        let number = number_in(text).ok_or(PhoneNumberError::NotANumber)?;
        if has_extension(&number) {
            return Err(PhoneNumberError::Extension);
        }
        if !is_viable(&number) {
            return Err(PhoneNumberError::NotANumber);
        }
        let dialled = number.trim_start_matches(is_plus);
        Ok(Self { plus: dialled.len() < number.len(), digits: keyed(dialled) })
    }
}

/// The part of a text that may be a number: of a `tel:` URI the number under its `phone-context`, without its
/// subaddress (RFC 3966 §5.1.5 and §5.2), else what stands out of the text. None when the context is malformed.
fn number_in(text: &str) -> Option<Cow<'_, str>> {
    const CONTEXT: &str = ";phone-context=";
    const SUBADDRESS: &str = ";isub=";
    let number = match text.split_once(CONTEXT) {
        Some((number, parameters)) => {
            let context = parameters.split_once(';').map_or(parameters, |(context, _)| context);
            let number = number.split_once("tel:").map_or(number, |(_, number)| number);
            if is_global_number(context) {
                Cow::Owned(format!("{context}{number}"))
            } else if is_domain_name(context) {
                Cow::Borrowed(number)
            } else {
                return None;
            }
        }
        None => Cow::Borrowed(cut_out(text)),
    };
    Some(match (number.find(SUBADDRESS), number) {
        (None | Some(0), number) => number,
        (Some(end), Cow::Borrowed(number)) => Cow::Borrowed(&number[..end]),
        (Some(end), Cow::Owned(mut number)) => {
            number.truncate(end);
            Cow::Owned(number)
        }
    })
}

/// From the first `+` or digit to the last letter, digit or `#`, and of several extensions, as in
/// `555-0100 x302/x2303`, the first alone (libphonenumber's extraction of a possible number).
fn cut_out(text: &str) -> &str {
    let Some(start) = text.find(|c| is_plus(c) || decimal_digit(c).is_some()) else { return "" };
    let number = text[start..].trim_end_matches(|c: char| c != '#' && !c.is_alphanumeric());
    let second = number
        .match_indices(['/', '\\'])
        .find(|(index, _)| number[index + 1..].trim_start_matches(' ').starts_with('x'));
    second.map_or(number, |(index, _)| &number[..index])
}

/// A context that is the beginning of the number: `+`, digits and visual separators (RFC 3966 §3,
/// `global-number-digits`).
fn is_global_number(context: &str) -> bool {
    context.strip_prefix('+').is_some_and(|rest| {
        rest.chars().all(|c| decimal_digit(c).is_some() || matches!(c, '-' | '.' | '(' | ')'))
            && rest.chars().any(|c| decimal_digit(c).is_some())
    })
}

/// A context that names who knows the number, and says nothing about its digits (RFC 3966 §3, `domainname`): labels of
/// letters, digits and inner hyphens, the last of which begins with a letter.
fn is_domain_name(context: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_alphabetic() || decimal_digit(c).is_some();
    let is_label = |label: &str| {
        label.starts_with(alphanumeric)
            && label.ends_with(alphanumeric)
            && label.chars().all(|c| alphanumeric(c) || c == '-')
    };
    let name = context.strip_suffix('.').unwrap_or(context);
    let top = name.rsplit('.').next().unwrap_or_default();
    name.split('.').all(is_label) && top.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// Whether it looks like a number: two digits alone, or any number of `+`, then three digits with punctuation between
/// them, then punctuation, digits and letters (libphonenumber's viable number).
fn is_viable(number: &str) -> bool {
    if number.chars().all(|c| decimal_digit(c).is_some()) {
        return number.chars().nth(1).is_some();
    }
    let mut digits = 0;
    number.trim_start_matches(is_plus).chars().all(|c| {
        digits += usize::from(decimal_digit(c).is_some());
        decimal_digit(c).is_some() || is_punctuation(c) || digits >= 3 && c.is_ascii_alphabetic()
    }) && digits >= 3
}

/// Whether a number within a company follows the number: `ext. 5`, `x5`, `;ext=5`, `,,5`, `- 5#`.
fn has_extension(number: &str) -> bool {
    // Hardly any number has a character with which an extension could be written.
    if number.bytes().all(|byte| byte.is_ascii_digit() || b"+ -()./".contains(&byte)) {
        return false;
    }
    EXTENSION.find(number).is_some_and(|extension| is_viable(&number[..extension.start()]))
}

/// The ways of libphonenumber's documentation to write an extension. The less a label says, the fewer digits may follow
/// it: else two numbers beside each other would be taken for one and its extension.
static EXTENSION: LazyLock<Regex> = LazyLock::new(|| {
    let gap = r"[\ \u00A0\t,]*";
    let after = r"[:.\uFF0E]?[\ \u00A0\t,-]*";
    let word = r"(?:e?xt(?:ensi(?:o\u0301?|\u00F3))?n?|\uFF45?\uFF58\uFF54\uFF4E?|\u0434\u043E\u0431|anexo)";
    let sign = r"(?:[x\uFF58\#\uFF03~\uFF5E]|int|\uFF49\uFF4E\uFF54)";
    let ways = [
        // RFC 3966 §5.3.
        r";ext=\d{1,20}".to_owned(),
        format!(r"{gap}{word}{after}\d{{1,20}}\#?"),
        format!(r"{gap}{sign}{after}\d{{1,9}}\#?"),
        // As it is written in America.
        r"[-\ ]+\d{1,6}\#".to_owned(),
        // What makes a telephone pause and dial on.
        format!(r"[\ \u00A0\t]*(?:,,|;){after}\d{{1,15}}\#?"),
        format!(r"[\ \u00A0\t]*,+{after}\d{{1,9}}\#?"),
    ];
    #[expect(clippy::expect_used, reason = "the pattern is a constant, and tests use it")]
    Regex::new(&format!("(?xi)(?:{})$", ways.join("|"))).expect("the pattern compiles")
});

/// The digits. In a vanity number, which has at least three letters, letters are the digits of their keys
/// (ITU-T E.161); fewer are taken for a slip, or stand for a carrier's code, and say nothing.
fn keyed(number: &str) -> String {
    let vanity = number.bytes().filter(u8::is_ascii_alphabetic).nth(2).is_some();
    let key = |letter: char| match letter.to_ascii_uppercase() {
        'A'..='C' => Some('2'),
        'D'..='F' => Some('3'),
        'G'..='I' => Some('4'),
        'J'..='L' => Some('5'),
        'M'..='O' => Some('6'),
        'P'..='S' => Some('7'),
        'T'..='V' => Some('8'),
        'W'..='Z' => Some('9'),
        _ => None,
    };
    number.chars().filter_map(|c| decimal_digit(c).or_else(|| if vanity { key(c) } else { None })).collect()
}

fn is_plus(character: char) -> bool {
    matches!(character, '+' | '\u{FF0B}')
}

/// What stands between digits and does not dial, full-width forms included (libphonenumber's valid punctuation, and the
/// star). The letter x stands for a carrier's code.
fn is_punctuation(character: char) -> bool {
    matches!(character,
        ' ' | '-' | '.' | '/' | '(' | ')' | '[' | ']' | '~' | '*' | 'x' | 'X'
        | '\u{00A0}' | '\u{00AD}' | '\u{200B}' | '\u{2060}' | '\u{3000}'
        | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30FC}' | '\u{FF0D}'..='\u{FF0F}'
        | '\u{FF08}' | '\u{FF09}' | '\u{FF3B}' | '\u{FF3D}'
        | '\u{2053}' | '\u{223C}' | '\u{FF5E}')
}
