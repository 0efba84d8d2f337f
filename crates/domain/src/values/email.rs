//! E-mail addresses.

use std::fmt;

use email_address::{EmailAddress, Options};

use super::card_number_guard::{CARD_NUMBER_REFUSED, contains_card_number};

/// An e-mail address whose syntax is right (RFC 5321, RFC 6531): `local@domain`, no display name, no address literal.
/// Nothing says that it exists. Personal data: `Debug` is redacted.
///
/// ```
/// use domain::Email;
///
/// assert_eq!(Email::parse(" yogi@berra.com ").unwrap().as_str(), "yogi@berra.com");
/// assert!(Email::parse("yogi").is_err());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Email(String);

/// Why a text is no e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// Longer than RFC 5321 lets a path be.
    #[error("must be at most {} characters", Email::MAX_CHARACTERS)]
    TooLong,
    /// Not the syntax of an address.
    #[error("must be an e-mail address, such as \"name@example.com\"")]
    Malformed,
    /// A card's number, which must not be kept among addresses.
    #[error("{CARD_NUMBER_REFUSED}")]
    CardNumber,
}

impl Email {
    /// RFC 5321 §4.5.3.1.3, less the angle brackets.
    pub const MAX_CHARACTERS: usize = 254;

    /// Reads an address; surrounding white space is no part of it.
    ///
    /// # Errors
    /// When it is too long, its syntax is wrong, or a card's number stands in it.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let email = Self::shaped(text)?;
        if contains_card_number(email.as_str()) { Err(EmailError::CardNumber) } else { Ok(email) }
    }

    /// For stores: an address that was kept once. One that looks like a card's number is given back, for it may be
    /// older than the rule against those.
    pub fn stored(text: &str) -> Option<Self> {
        Self::shaped(text).ok()
    }

    /// For whoever looks for an address: one that may have been kept, whatever the rules are by now.
    ///
    /// # Errors
    /// When no address ever had this form.
    pub fn sought(text: &str) -> Result<Self, EmailError> {
        Self::shaped(text)
    }

    fn shaped(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        if text.chars().count() > Self::MAX_CHARACTERS {
            return Err(EmailError::TooLong);
        }
        let options = Options::default().without_display_text().without_domain_literal();
        if text.chars().any(char::is_control) {
            return Err(EmailError::Malformed);
        }
        EmailAddress::parse_with_options(text, options).map_err(|_| EmailError::Malformed)?;
        Ok(Self(text.to_owned()))
    }

    /// The address in lower case (Unicode's, whatever the database): addresses that differ in case alone have the same.
    /// Mailboxes that differ in case alone are one, at all providers of note, though RFC 5321 §2.4 lets them differ.
    pub fn folded(&self) -> String {
        // Upper case first: letters that have two lower cases (σ and ς) become the same one.
        self.0.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
    }

    /// The address as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_plain_address_is_refused() {
        for text in
            ["", "@", "yogi", "yogi@", "@berra.com", "Yogi <yogi@berra.com>", "a b@c.d", "a@b\n.c", "a@[1.2.3.4]"]
        {
            assert_eq!(Email::parse(text), Err(EmailError::Malformed), "{text:?}");
        }
    }

    #[test]
    fn an_address_of_255_characters_is_too_long() {
        let text = format!("a@{}.com", "b".repeat(249));
        assert_eq!(text.len(), 255);
        assert_eq!(Email::parse(&text), Err(EmailError::TooLong));
    }

    #[test]
    fn a_card_number_is_no_address_but_one_that_is_stored_stays_readable() {
        let text = "4242-4242-4242-4242@berra.com";
        assert_eq!(Email::parse(text), Err(EmailError::CardNumber));
        assert_eq!(Email::stored(text).unwrap().as_str(), text);
        assert_eq!(Email::stored("yogi"), None);
    }

    #[test]
    fn addresses_that_differ_in_case_alone_fold_to_the_same() {
        let folded = |text| Email::parse(text).unwrap().folded();
        for (one, other) in [
            ("Yogi@Berra.COM", "yogi@berra.com"),
            ("ZO\u{cb}@EXAMPLE.FR", "zo\u{eb}@example.fr"),
            ("\u{418}\u{412}\u{410}\u{41d}@example.ru", "\u{438}\u{432}\u{430}\u{43d}@example.ru"),
            ("\u{39f}\u{394}\u{39f}\u{3a3}@example.gr", "\u{3bf}\u{3b4}\u{3bf}\u{3c3}@example.gr"),
        ] {
            assert_eq!(folded(one), other);
            assert_eq!(folded(other), other);
        }
        assert_eq!(
            folded("\u{3bf}\u{3b4}\u{3bf}\u{3c2}@example.gr"),
            folded("\u{39f}\u{394}\u{39f}\u{3a3}@example.gr")
        );
        assert_ne!(folded("zoe@example.fr"), folded("zo\u{eb}@example.fr"));
    }

    proptest! {
        #[test]
        fn a_kept_address_parses_to_itself(text in "\\PC{0,40}|[a-z.+]{1,9}@[a-z0-9.-]{1,20}") {
            if let Ok(email) = Email::parse(&text) {
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email.clone()));
                prop_assert_eq!(Email::stored(email.as_str()), Some(email));
            }
        }
    }
}
