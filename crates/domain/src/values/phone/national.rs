//! From digits to a national number: which calling code they have, and which prefixes come off.

use std::borrow::Cow;

use super::numbering_plan::{Length, NumberingPlan, NumberingPlans};
use super::spelling::Spelling;
use super::{PhoneNumber, PhoneNumberError};
use crate::CountryCode;

/// A national number under its calling code.
#[derive(Debug)]
pub(super) struct NationalNumber<'plans> {
    calling_code: u16,
    /// The plans that share the calling code, the main region's first.
    plans: &'plans [NumberingPlan],
    /// Its digits. Leading zeros stay: they are a part of Italian numbers.
    digits: String,
}

/// The fewest and the most digits that libphonenumber reads as a national number.
const READABLE: std::ops::RangeInclusive<usize> = 2..=17;

impl<'plans> NationalNumber<'plans> {
    /// Takes calling code and prefixes off, as they are dialled in a region.
    ///
    /// # Errors
    /// [`PhoneNumberError::UnknownCallingCode`], [`PhoneNumberError::AmbiguousPrefix`], and
    /// [`PhoneNumberError::TooShort`] and [`PhoneNumberError::TooLong`] when there are fewer or more digits than any
    /// number of the world has.
    pub(super) fn read(
        spelling: &Spelling,
        country: CountryCode,
        plans: &'plans NumberingPlans,
    ) -> Result<Self, PhoneNumberError> {
        let dialled_in = plans.of_region(country).ok_or(PhoneNumberError::UnknownCallingCode)?;
        let (plan, rest) = take_calling_code(spelling, dialled_in, plans)?;
        let calling_code = plan.calling_code;
        let digits = without_prefix_before_number(plan, &rest).into_owned();
        let number = Self { calling_code, plans: plans.of_calling_code(calling_code), digits };
        if number.digits.len() < *READABLE.start() {
            return Err(number.too_short());
        }
        if number.digits.len() > number.most() {
            return Err(PhoneNumberError::TooLong { calling_code, most: number.most() });
        }
        // Whoever reads the number in E.164 form must read the same number.
        match number.plans.first() {
            Some(main) if without_prefix_before_number(main, &number.digits) == number.digits => Ok(number),
            _ => Err(PhoneNumberError::AmbiguousPrefix),
        }
    }

    /// Whether it has a length that numbers of its calling code have. Where regions share one, the main region knows
    /// the lengths of all: which region it is cannot be told of a number that is possible but not valid.
    ///
    /// # Errors
    /// What is wrong with the length.
    pub(super) fn check_length(&self) -> Result<(), PhoneNumberError> {
        let calling_code = self.calling_code;
        let Some(main) = self.plans.first() else { return Err(PhoneNumberError::UnknownCallingCode) };
        match main.length(self.digits.len()) {
            Length::Possible => Ok(()),
            Length::LocalOnly => Err(PhoneNumberError::AreaCodeMissing { calling_code }),
            Length::TooShort => Err(self.too_short()),
            Length::TooLong => Err(PhoneNumberError::TooLong { calling_code, most: main.lengths.most() }),
            Length::Between => Err(PhoneNumberError::ImpossibleLength { calling_code }),
        }
    }

    /// Whether it is in the numbering plan of its region.
    ///
    /// # Errors
    /// What is wrong with the length, where that is the reason, else [`PhoneNumberError::NotInNumberingPlan`].
    pub(super) fn check_plan(&self) -> Result<(), PhoneNumberError> {
        if self.plan().is_some_and(|plan| plan.is_valid(&self.digits)) {
            return Ok(());
        }
        self.check_length()?;
        Err(PhoneNumberError::NotInNumberingPlan { calling_code: self.calling_code })
    }

    /// The region that it belongs to; none for a non-geographic number, and where several regions share the calling
    /// code and none of them has such a number.
    pub(super) fn region(&self) -> Option<CountryCode> {
        self.plan().and_then(|plan| plan.region)
    }

    /// The number with its calling code.
    pub(super) fn into_e164(self) -> PhoneNumber {
        PhoneNumber(format!("+{}{}", self.calling_code, self.digits))
    }

    fn plan(&self) -> Option<&'plans NumberingPlan> {
        match self.plans {
            [only] => Some(only),
            several => several.iter().find(|plan| plan.claims(&self.digits)),
        }
    }

    /// The most digits that fit beside the calling code (ITU-T E.164 §6), and that are read.
    fn most(&self) -> usize {
        (PhoneNumber::MAX_DIGITS - digits_of(self.calling_code)).min(*READABLE.end())
    }

    fn too_short(&self) -> PhoneNumberError {
        let least = self.plans.first().map_or(0, |main| main.lengths.least());
        PhoneNumberError::TooShort { calling_code: self.calling_code, least }
    }
}

/// The plan by which the digits are read, and those that follow the calling code, if there is one.
fn take_calling_code<'plans, 'digits>(
    spelling: &'digits Spelling,
    dialled_in: &'plans NumberingPlan,
    plans: &'plans NumberingPlans,
) -> Result<(&'plans NumberingPlan, Cow<'digits, str>), PhoneNumberError> {
    let digits = spelling.digits.as_str();
    if spelling.plus
        && let Some((main, rest)) = international(digits, plans)
    {
        return Ok((main, Cow::Borrowed(rest)));
    }
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

/// The digits after what is dialled in a region for abroad. A calling code does not begin with 0: before one, the
/// prefix is none.
fn without_international_prefix<'digits>(plan: &NumberingPlan, digits: &'digits str) -> Option<&'digits str> {
    let prefix = plan.international_prefix.as_ref()?.find(digits)?;
    Some(&digits[prefix.end()..]).filter(|rest| !rest.starts_with('0'))
}

/// The digits after the region's own calling code, written without a plus. They must be the better reading: a number
/// while the whole is none, or the whole is too long for one. Else the number begins with these digits by chance, as
/// 1 in 100 Indian ones do.
fn without_own_calling_code<'digits>(plan: &NumberingPlan, digits: &'digits str) -> Option<Cow<'digits, str>> {
    let code = plan.calling_code.to_string();
    let rest = without_national_prefix(plan, digits.strip_prefix(code.as_str())?);
    let better = !plan.has_general(digits) && plan.has_general(&rest);
    (better || plan.length(digits.len()) == Length::TooLong).then_some(rest)
}

/// The digits without the national prefix, if what is left may be a number: else the prefix was none, and began a short
/// number.
fn without_prefix_before_number<'digits>(plan: &NumberingPlan, digits: &'digits str) -> Cow<'digits, str> {
    let stripped = without_national_prefix(plan, digits);
    match plan.length(stripped.len()) {
        Length::Possible | Length::TooLong => stripped,
        Length::LocalOnly | Length::TooShort | Length::Between => Cow::Borrowed(digits),
    }
}

/// The digits without what is dialled before a national number, or as they are: when there is none, or when only with
/// it they are a number.
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
