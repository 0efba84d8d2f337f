//! From which address a request comes.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use actix_web::http::header::{HeaderMap, X_FORWARDED_FOR};
use ipnet::IpNet;

/// The networks of the proxies in front of the service: from these alone `X-Forwarded-For` is believed. Empty by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Reads networks, separated by commas, each as CIDR or as a single address. White space and empty entries are no
    /// part of them.
    ///
    /// # Errors
    /// What the text must be, as the rest of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let networks = entries.map(|entry| {
            let network = entry.parse::<IpNet>().ok().or_else(|| entry.parse::<IpAddr>().ok().map(IpNet::from));
            network.map(|network| network.trunc()).ok_or_else(|| {
                format!(
                    "must be the addresses of proxies, separated by commas, such as \"10.0.0.0/8, ::1\"; {entry:?} is \
                     none"
                )
            })
        });
        networks.collect::<Result<_, _>>().map(Self)
    }

    /// The address of the client who sends these headers by this peer.
    pub(crate) fn client_of(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> IpAddr {
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
        let forwarded: Vec<&str> =
            headers.get_all(X_FORWARDED_FOR).map(|value| value.to_str().unwrap_or("unreadable")).collect();
        self.client(peer, forwarded.into_iter())
    }

    /// The client's address: the peer's, or, where the peer is a trusted proxy, what the proxies say by the values of
    /// `X-Forwarded-For`, each in front of what the next one added. The last that is no trusted proxy is the client; where
    /// an entry is no address, what stands before it cannot be believed.
    fn client<'a>(&self, peer: IpAddr, forwarded: impl DoubleEndedIterator<Item = &'a str>) -> IpAddr {
        let mut client = peer.to_canonical();
        for entry in forwarded.flat_map(|value| value.split(',')).rev() {
            if !self.contain(client) {
                break;
            }
            let Some(before) = address(entry.trim()) else { break };
            client = before.to_canonical();
        }
        client
    }

    fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// An address, which some proxies write with a port.
fn address(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    bare.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(proxies: &str, peer: &str, forwarded: &[&str]) -> String {
        let proxies = TrustedProxies::parse(proxies).unwrap();
        proxies.client(peer.parse().unwrap(), forwarded.iter().copied()).to_string()
    }

    #[test]
    fn nobody_is_believed_who_is_no_trusted_proxy() {
        assert_eq!(client("", "192.0.2.1", &["198.51.100.1"]), "192.0.2.1");
        assert_eq!(client("10.0.0.0/8", "192.0.2.1", &["198.51.100.1"]), "192.0.2.1");
        assert_eq!(client("10.0.0.0/8", "10.1.1.1", &["198.51.100.1, 192.0.2.1"]), "192.0.2.1");
    }

    #[test]
    fn behind_trusted_proxies_the_last_who_is_none_is_the_client() {
        let proxies = "10.0.0.0/8, ::1";
        assert_eq!(client(proxies, "10.1.1.1", &["192.0.2.1"]), "192.0.2.1");
        assert_eq!(client(proxies, "::1", &["203.0.113.9, 192.0.2.1 , 10.2.2.2"]), "192.0.2.1");
        assert_eq!(client(proxies, "10.1.1.1", &["203.0.113.9", "192.0.2.1, 10.2.2.2"]), "192.0.2.1", "joined");
        assert_eq!(client(proxies, "::ffff:10.1.1.1", &["2001:db8::1"]), "2001:db8::1");
        assert_eq!(client(proxies, "10.1.1.1", &["192.0.2.1:4711"]), "192.0.2.1");
        assert_eq!(client(proxies, "10.1.1.1", &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(client(proxies, "10.1.1.1", &["[2001:db8::1]"]), "2001:db8::1");
    }

    #[test]
    fn what_stands_before_garbage_is_not_believed() {
        let proxies = "10.0.0.0/8";
        assert_eq!(client(proxies, "10.1.1.1", &["192.0.2.1, unknown, 10.2.2.2"]), "10.2.2.2");
        assert_eq!(client(proxies, "10.1.1.1", &["192.0.2.1,"]), "10.1.1.1");
        assert_eq!(client(proxies, "10.1.1.1", &[]), "10.1.1.1");
        assert_eq!(client(proxies, "10.1.1.1", &["10.2.2.2"]), "10.2.2.2");
    }

    #[test]
    fn networks_are_read_or_refused_with_a_reason() {
        assert_eq!(TrustedProxies::parse(" , "), Ok(TrustedProxies::default()));
        assert_eq!(TrustedProxies::parse("10.1.2.3/8"), TrustedProxies::parse("10.0.0.0/8,"));
        let refused = TrustedProxies::parse("10.0.0.0/8, proxy").unwrap_err();
        assert!(refused.starts_with("must be") && refused.contains("\"proxy\""), "{refused}");
    }
}
