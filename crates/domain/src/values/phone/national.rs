//! From digits to a national number: which calling code they have, and which prefixes come off.

use std::borrow::Cow;

use super::numbering_plan::{Length, NumberingPlan, NumberingPlans};
use super::spelling::Spelling;
use super::{PhoneNumber, PhoneNumberError};
use crate::CountryCode;

/// A national number under its calling code.
#[derive(Debug)]
pub(super) struct NationalNumber<'plans, 'digits> {
    calling_code: u16,
    /// The main region's plan. Where regions share a calling code, it knows the lengths of all.
    main: &'plans NumberingPlan,
    /// The plan of the region that the number belongs to.
    own: Option<&'plans NumberingPlan>,
    /// Its digits. Leading zeros stay: they are a part of Italian numbers.
    digits: Cow<'digits, str>,
}

/// The fewest and the most digits that libphonenumber's parser takes for a national number.
const READABLE: std::ops::RangeInclusive<usize> = 2..=17;

impl<'plans, 'digits> NationalNumber<'plans, 'digits> {
    /// Takes calling code and prefixes off, as they are dialled in a region (the steps of libphonenumber's `parse`).
    /// Without a region, only a number that says its calling code is read.
    ///
    /// # Errors
    /// [`PhoneNumberError::UnknownCallingCode`].
    pub(super) fn read(
        spelling: &'digits Spelling,
        country: Option<CountryCode>,
        plans: &'plans NumberingPlans,
    ) -> Result<Self, PhoneNumberError> {
        let plan_of = |country| plans.of_region(country).ok_or(PhoneNumberError::UnknownCallingCode);
        let dialled_in = country.map(plan_of).transpose()?;
        let (plan, rest) = take_calling_code(spelling, dialled_in, plans)?;
        let digits = without_prefix_before_number(plan, rest);
        let calling_code = plan.calling_code;
        let sharing = plans.of_calling_code(calling_code);
        let own = match sharing {
            [only] => Some(only),
            several => several.iter().find(|plan| plan.claims(&digits)),
        };
        Ok(Self { calling_code, main: sharing.first().unwrap_or(plan), own, digits })
    }

    /// Whether it can be a number at all: of two digits, and of at most 15 with its calling code (ITU-T E.164 §6).
    ///
    /// # Errors
    /// [`PhoneNumberError::TooShort`] and [`PhoneNumberError::TooLong`].
    pub(super) fn check_readable(&self) -> Result<(), PhoneNumberError> {
        let calling_code = self.calling_code;
        match self.digits.len() {
            length if length < *READABLE.start() => {
                Err(PhoneNumberError::TooShort { calling_code, least: *READABLE.start() })
            }
            length if length > self.most() => Err(PhoneNumberError::TooLong { calling_code, most: self.most() }),
            _ => Ok(()),
        }
    }

    /// Whether it has a length that numbers of its calling code have (libphonenumber's possible numbers). Which of the
    /// regions that share a code it is of cannot be told of a number that is possible but not valid.
    ///
    /// # Errors
    /// What is wrong with the length.
    pub(super) fn check_length(&self) -> Result<(), PhoneNumberError> {
        let (calling_code, lengths) = (self.calling_code, self.main.lengths);
        match self.main.length(self.digits.len()) {
            Length::Possible => self.check_readable(),
            Length::LocalOnly => Err(PhoneNumberError::AreaCodeMissing { calling_code }),
            Length::TooShort => Err(PhoneNumberError::TooShort { calling_code, least: lengths.least() }),
            Length::TooLong => Err(PhoneNumberError::TooLong { calling_code, most: lengths.most().min(self.most()) }),
            Length::Between => Err(PhoneNumberError::ImpossibleLength { calling_code }),
        }
    }

    /// Whether it is in the numbering plan of its region (libphonenumber's valid numbers).
    ///
    /// # Errors
    /// What is wrong with the length, where that is the reason, else [`PhoneNumberError::NotInNumberingPlan`].
    pub(super) fn check_plan(&self) -> Result<(), PhoneNumberError> {
        if self.own.is_some_and(|plan| plan.is_valid(&self.digits)) {
            return self.check_readable();
        }
        self.check_length()?;
        Err(PhoneNumberError::NotInNumberingPlan { calling_code: self.calling_code })
    }

    /// Whether everybody who reads it in E.164 form, wherever he is, reads the same number.
    ///
    /// # Errors
    /// [`PhoneNumberError::AmbiguousPrefix`].
    pub(super) fn check_unambiguous(&self) -> Result<(), PhoneNumberError> {
        let again = without_prefix_before_number(self.main, Cow::Borrowed(&self.digits));
        if again == self.digits { Ok(()) } else { Err(PhoneNumberError::AmbiguousPrefix) }
    }

    /// The region that it belongs to; none for a non-geographic number, and where several regions share the calling
    /// code and none of them has such a number (libphonenumber's region of a number).
    pub(super) fn region(&self) -> Option<CountryCode> {
        self.own.and_then(|plan| plan.region)
    }

    /// The number with its calling code (ITU-T E.164 §6).
    pub(super) fn to_e164(&self) -> PhoneNumber {
        PhoneNumber(format!("+{}{}", self.calling_code, self.digits))
    }

    /// The most digits that fit beside the calling code, and that are read.
    fn most(&self) -> usize {
        (PhoneNumber::MAX_DIGITS - digits_of(self.calling_code)).min(*READABLE.end())
    }
}

/// The plan by which the digits are read, and those that follow the calling code, if there is one (libphonenumber's
/// extraction of the country code).
fn take_calling_code<'plans, 'digits>(
    spelling: &'digits Spelling,
    dialled_in: Option<&'plans NumberingPlan>,
    plans: &'plans NumberingPlans,
) -> Result<(&'plans NumberingPlan, Cow<'digits, str>), PhoneNumberError> {
    let digits = spelling.digits.as_str();
    if spelling.plus
        && let Some((main, rest)) = international(digits, plans)
    {
        return Ok((main, Cow::Borrowed(rest)));
    }
    let dialled_in = dialled_in.ok_or(PhoneNumberError::UnknownCallingCode)?;
    // Some write the prefix that they dial after the plus: +00 44 …
    if let Some(after) = without_international_prefix(dialled_in, digits) {
        let (main, rest) = international(after, plans).ok_or(PhoneNumberError::UnknownCallingCode)?;
        return Ok((main, Cow::Borrowed(rest)));
    }
    if let Some(rest) = without_own_calling_code(dialled_in, digits) {
        return Ok((plans.of_calling_code(dialled_in.calling_code).first().unwrap_or(dialled_in), rest));
    }
    if spelling.plus { Err(PhoneNumberError::UnknownCallingCode) } else { Ok((dialled_in, Cow::Borrowed(digits))) }
}

/// The main region of the calling code with which the digits of an international number begin, and those after it. No
/// code is the beginning of another (ITU-T E.164 §6.2.1), so the first that is assigned is the one.
fn international<'plans, 'digits>(
    digits: &'digits str,
    plans: &'plans NumberingPlans,
) -> Option<(&'plans NumberingPlan, &'digits str)> {
    (1..=3).find_map(|length| {
        let (code, rest) = digits.split_at_checked(length)?;
        Some((plans.of_calling_code(code.parse().ok().filter(|_| !code.starts_with('0'))?).first()?, rest))
    })
}

/// The digits after what is dialled in a region for abroad (the international prefix of ITU-T E.164). A calling code
/// does not begin with 0: before one, the prefix is none.
fn without_international_prefix<'digits>(plan: &NumberingPlan, digits: &'digits str) -> Option<&'digits str> {
    let prefix = plan.international_prefix.as_ref()?.regex()?.find(digits)?;
    Some(&digits[prefix.end()..]).filter(|rest| !rest.starts_with('0'))
}

/// The digits after the region's own calling code, written without a plus. As in libphonenumber, they must be the
/// better reading: a number while the whole is none, or the whole is too long for one. Else the number begins with
/// these digits by chance, as Indian ones may with 91.
fn without_own_calling_code<'digits>(plan: &NumberingPlan, digits: &'digits str) -> Option<Cow<'digits, str>> {
    let (code, rest) = digits.split_at_checked(digits_of(plan.calling_code))?;
    if code.parse() != Ok(plan.calling_code) {
        return None;
    }
    let rest = without_national_prefix(plan, rest);
    let better = !plan.has_general(digits) && plan.has_general(&rest);
    (better || plan.length(digits.len()) == Length::TooLong).then_some(rest)
}

/// The digits without the national prefix, if what is left may be a number: else the prefix was none, and began a short
/// number (libphonenumber strips it on the same condition).
fn without_prefix_before_number<'digits>(plan: &NumberingPlan, digits: Cow<'digits, str>) -> Cow<'digits, str> {
    let stripped = match &digits {
        Cow::Borrowed(digits) => without_national_prefix(plan, digits),
        Cow::Owned(digits) => Cow::Owned(without_national_prefix(plan, digits).into_owned()),
    };
    match plan.length(stripped.len()) {
        Length::Possible | Length::TooLong => stripped,
        Length::LocalOnly | Length::TooShort | Length::Between => digits,
    }
}

/// The digits without what is dialled before a national number (the national prefix of ITU-T E.164), or as they are:
/// when there is none, or when only with it they are a number.
fn without_national_prefix<'digits>(plan: &NumberingPlan, digits: &'digits str) -> Cow<'digits, str> {
    let Some(prefix) = &plan.national_prefix else { return Cow::Borrowed(digits) };
    let Some(stripped) = prefix.strip(digits) else { return Cow::Borrowed(digits) };
    if plan.has_general(digits) && !plan.has_general(&stripped) { Cow::Borrowed(digits) } else { stripped }
}

fn digits_of(calling_code: u16) -> usize {
    match calling_code {
        0..10 => 1,
        10..100 => 2,
        _ => 3,
    }
}
