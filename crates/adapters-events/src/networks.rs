//! Which addresses events may be sent to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The networks that webhooks may go to beyond public addresses. Empty by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedNetworks(Vec<IpNet>);

/// How a URL is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// In the clear: within networks that the operator names.
    Http,
    /// Under TLS.
    Https,
}

impl AllowedNetworks {
    /// Reads networks, separated by commas, each as CIDR or as a single address. White space and empty entries are no
    /// part of them.
    ///
    /// # Errors
    /// What the text must be, as the rest of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(network).collect::<Result<_, _>>().map(Self)
    }

    /// The machine itself.
    pub fn loopback() -> Self {
        let v4 = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);
        let v6 = Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128);
        Self(vec![v4.into(), v6.into()])
    }

    /// Whether no network is allowed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the machine itself may be sent to.
    pub(crate) fn allow_loopback(&self) -> bool {
        self.contain(Ipv4Addr::LOCALHOST.into()) || self.contain(Ipv6Addr::LOCALHOST.into())
    }

    /// Whether an address may be sent to; else what kind of address it is.
    pub(crate) fn check(&self, scheme: Scheme, address: IpAddr) -> Result<(), &'static str> {
        if self.contain(address) {
            return Ok(());
        }
        match (refused_kind(address), scheme) {
            (Some(kind), _) => Err(kind),
            (None, Scheme::Http) => Err("public, and http is for allowed networks only"),
            (None, Scheme::Https) => Ok(()),
        }
    }

    /// Whether an address lies in one of the networks. The kernel connects a mapped address to the IPv4 address in it,
    /// so that one counts too.
    fn contain(&self, address: IpAddr) -> bool {
        let mapped = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address) || network.contains(&mapped))
    }
}

fn network(entry: &str) -> Result<IpNet, String> {
    let network = entry.parse::<IpNet>().ok().or_else(|| entry.parse::<IpAddr>().ok().map(IpNet::from));
    network.map(|network| network.trunc()).ok_or_else(|| {
        format!("must be networks separated by commas, such as 10.1.0.0/16,fd12:3456::/48; {entry:?} is none")
    })
}

/// IPv4 addresses that are no public unicast addresses (IANA's registry of special-purpose addresses), and one that is
/// public in name only.
const REFUSED_V4: [([u8; 4], u8, &str); 18] = [
    ([0, 0, 0, 0], 8, "of this network"),
    ([10, 0, 0, 0], 8, "private"),
    ([100, 64, 0, 0], 10, "shared by a carrier's NAT"),
    ([127, 0, 0, 0], 8, "loopback"),
    ([169, 254, 0, 0], 16, "link-local, where clouds keep their metadata"),
    ([172, 16, 0, 0], 12, "private"),
    ([192, 0, 0, 0], 24, "of protocol assignments"),
    ([192, 0, 2, 0], 24, "of documentation"),
    ([192, 88, 99, 0], 24, "of a 6to4 relay"),
    ([192, 168, 0, 0], 16, "private"),
    ([198, 18, 0, 0], 15, "of benchmarks"),
    ([198, 51, 100, 0], 24, "of documentation"),
    ([203, 0, 113, 0], 24, "of documentation"),
    ([224, 0, 0, 0], 4, "multicast"),
    ([255, 255, 255, 255], 32, "broadcast"),
    ([240, 0, 0, 0], 4, "reserved"),
    // Azure answers each virtual machine about itself there.
    ([168, 63, 129, 16], 32, "a cloud's own service"),
    // AS112's sink for queries about private addresses: nobody's server.
    ([192, 175, 48, 0], 24, "of a name service's sink"),
];

/// IPv6 networks that are refused, each before a wider one. What is left of IPv6 must lie in `2000::/3`, the only part
/// that holds public unicast addresses, so that a network of a kind that is made later is refused until it is known.
///
/// Addresses with an IPv4 address in them (mapped, compatible, NAT64, 6to4, Teredo) are refused whatever that is: they
/// lead where a translator on the way takes them, and no receiver needs one, since it can be named by the address in
/// it.
const REFUSED_V6: [([u16; 8], u8, &str); 18] = [
    ([0, 0, 0, 0, 0, 0, 0, 0], 128, "unspecified"),
    ([0, 0, 0, 0, 0, 0, 0, 1], 128, "loopback"),
    ([0, 0, 0, 0, 0, 0xffff, 0, 0], 96, "IPv4 written as IPv6"),
    ([0, 0, 0, 0, 0, 0, 0, 0], 96, "IPv4 written as IPv6"),
    ([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96, "translated to IPv4"),
    ([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48, "translated to IPv4"),
    ([0x100, 0, 0, 0, 0, 0, 0, 0], 64, "discarded"),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, "a tunnel to IPv4"),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, "of protocol assignments"),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, "of documentation"),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, "a tunnel to IPv4"),
    ([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48, "of a name service's sink"),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, "of documentation"),
    ([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16, "of segment routing"),
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, "unique-local"),
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, "link-local"),
    ([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, "site-local"),
    ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, "multicast"),
];

/// What kind of address it is, where it is no public unicast address.
fn refused_kind(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => {
            let lies_in = |octets: [u8; 4], prefix| Ipv4Net::new_assert(octets.into(), prefix).contains(&address);
            REFUSED_V4.iter().find(|(octets, prefix, _)| lies_in(*octets, *prefix)).map(|(.., kind)| *kind)
        }
        IpAddr::V6(address) => {
            let lies_in = |groups: [u16; 8], prefix| Ipv6Net::new_assert(groups.into(), prefix).contains(&address);
            let kind = REFUSED_V6.iter().find(|(groups, prefix, _)| lies_in(*groups, *prefix)).map(|(.., kind)| *kind);
            kind.or_else(|| (!lies_in([0x2000, 0, 0, 0, 0, 0, 0, 0], 3)).then_some("reserved"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(networks: &str, scheme: Scheme, address: &str) -> Result<(), &'static str> {
        AllowedNetworks::parse(networks).unwrap().check(scheme, address.parse().unwrap())
    }

    #[test]
    fn public_unicast_addresses_are_reached_by_https_only() {
        for address in
            ["8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.0", "100.128.0.0", "223.255.255.255", "2606:4700::1111"]
        {
            assert_eq!(check("", Scheme::Https, address), Ok(()), "{address}");
            assert!(check("", Scheme::Http, address).is_err(), "{address}");
        }
    }

    #[test]
    fn every_other_kind_of_address_is_refused_at_both_of_its_ends() {
        let refused = [
            ("0.0.0.0", "0.255.255.255", "of this network"),
            ("10.0.0.0", "10.255.255.255", "private"),
            ("100.64.0.0", "100.127.255.255", "shared by a carrier's NAT"),
            ("127.0.0.0", "127.255.255.255", "loopback"),
            ("169.254.0.0", "169.254.255.255", "link-local, where clouds keep their metadata"),
            ("169.254.169.254", "169.254.170.2", "link-local, where clouds keep their metadata"),
            ("172.16.0.0", "172.31.255.255", "private"),
            ("192.0.0.0", "192.0.0.192", "of protocol assignments"),
            ("192.0.2.0", "192.0.2.255", "of documentation"),
            ("192.168.0.0", "192.168.255.255", "private"),
            ("198.18.0.0", "198.19.255.255", "of benchmarks"),
            ("198.51.100.0", "203.0.113.255", "of documentation"),
            ("224.0.0.0", "239.255.255.255", "multicast"),
            ("240.0.0.0", "255.255.255.254", "reserved"),
            ("255.255.255.255", "255.255.255.255", "broadcast"),
            ("168.63.129.16", "168.63.129.16", "a cloud's own service"),
            ("::", "::", "unspecified"),
            ("::1", "::1", "loopback"),
            ("::2", "::7f00:1", "IPv4 written as IPv6"),
            ("::ffff:0.0.0.0", "::ffff:8.8.8.8", "IPv4 written as IPv6"),
            ("64:ff9b::7f00:1", "64:ff9b:1:ffff::1", "translated to IPv4"),
            ("2001::", "2001:0:ffff::1", "a tunnel to IPv4"),
            ("2001:1::", "2001:1ff:ffff::", "of protocol assignments"),
            ("2001:db8::", "2001:db8:ffff::1", "of documentation"),
            ("2002:7f00:1::", "2002:ffff::1", "a tunnel to IPv4"),
            ("3fff::", "3fff:fff::1", "of documentation"),
            ("fc00::", "fdff:ffff::1", "unique-local"),
            ("fd00:ec2::254", "fd00:ec2::23", "unique-local"),
            ("fe80::1", "febf::1", "link-local"),
            ("fec0::1", "feff::1", "site-local"),
            ("ff00::", "ff02::1", "multicast"),
            ("4000::", "e000::1", "reserved"),
        ];
        for (first, last, kind) in refused {
            assert_eq!(check("", Scheme::Https, first), Err(kind), "{first}");
            assert_eq!(check("", Scheme::Https, last), Err(kind), "{last}");
        }
    }

    #[test]
    fn an_allowed_network_is_reached_by_both_schemes_and_its_neighbours_are_not() {
        for scheme in [Scheme::Http, Scheme::Https] {
            for address in ["10.1.0.0", "10.1.255.255", "::ffff:10.1.2.3", "192.168.0.7", "fd12:3456::1"] {
                assert_eq!(check("10.1.9.9/16, 192.168.0.7,fd12:3456::/48,", scheme, address), Ok(()), "{address}");
            }
            for address in ["10.2.0.0", "::ffff:10.2.0.0", "192.168.0.8", "fd12:3457::1", "64:ff9b::10.1.0.0"] {
                assert!(check("10.1.0.0/16,192.168.0.7,fd12:3456::/48", scheme, address).is_err(), "{address}");
            }
        }
    }

    #[test]
    fn the_loopback_networks_are_the_machine_itself() {
        let loopback = AllowedNetworks::loopback();
        assert_eq!(AllowedNetworks::parse("127.0.0.0/8,::1/128"), Ok(loopback.clone()));
        assert!(loopback.allow_loopback() && !AllowedNetworks::default().allow_loopback());
    }

    #[test]
    fn what_is_no_network_is_named() {
        for text in ["10.0.0.0/33", "example.com", "10.0.0.0/8;10.0.0.0/8", "10.0.0"] {
            let error = AllowedNetworks::parse(&format!("10.0.0.0/8, {text}")).unwrap_err();
            assert!(error.starts_with("must be networks") && error.contains(&format!("{text:?}")), "{error}");
        }
        assert_eq!(AllowedNetworks::parse(" , "), Ok(AllowedNetworks::default()));
    }
}
