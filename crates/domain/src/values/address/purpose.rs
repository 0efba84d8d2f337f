//! What an address is for.

/// What a customer's address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AddressPurpose {
    /// It stands on bills.
    Billing,
    /// Goods are sent there.
    Shipping,
}

impl AddressPurpose {
    /// Every purpose.
    pub const ALL: [Self; 2] = [Self::Billing, Self::Shipping];

    /// Its name, in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Billing => "billing",
            Self::Shipping => "shipping",
        }
    }

    /// The purpose of a name, written just so.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purpose_is_read_by_its_name_and_by_no_other() {
        for purpose in AddressPurpose::ALL {
            assert_eq!(AddressPurpose::parse(purpose.as_str()), Some(purpose));
        }
        assert_eq!(AddressPurpose::parse("Billing"), None);
        assert_eq!(AddressPurpose::parse(""), None);
    }
}
