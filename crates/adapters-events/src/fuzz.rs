//! Whatever is given as a webhook's URL: nothing panics, and what is accepted leads to no address that is not allowed.

use std::net::IpAddr;

use proptest::prelude::*;

use crate::networks::{AllowedNetworks, Scheme};
use crate::target::{Target, literal};

fn url() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        "[a-z0-9.-]{1,30}",
        "[0-9]{1,3}(\\.[0-9]{1,3}){3}",
        "(0x[0-9a-f]{1,9}|0[0-7]{1,12}|[0-9]{1,10})(\\.(0x[0-9a-f]{1,4}|0[0-7]{1,4}|[0-9]{1,3})){0,3}\\.?",
        "\\[[0-9a-f:.%]{2,40}\\]",
        "\\[::ffff:[0-9]{1,3}(\\.[0-9]{1,3}){3}\\]",
        any::<[u8; 16]>().prop_map(|bytes| format!("[{}]", IpAddr::from(bytes))),
        any::<[u8; 4]>().prop_map(|bytes| IpAddr::from(bytes).to_string()),
        "(%[0-9a-f]{2}|[\u{FF10}-\u{FF19}]|\u{3002}|[0-9.]|localhost|xn--[a-z0-9]{0,8}){1,12}",
    ];
    let rest = prop_oneof![4 => "(:[0-9]{0,6})?(/[a-z0-9%._~ -]{0,20}){0,3}", 1 => "[/?#:@\\\\]?\\PC{0,30}"];
    let begin = prop_oneof![8 => "https://", 3 => "http://", 1 => "[a-z]{0,6}:?/{0,3}", 1 => "https:\\\\\\\\|https:/|https://[a-z]{0,3}(:[a-z]{0,3})?@"];
    prop_oneof![9 => (begin, host, rest).prop_map(|(begin, host, rest)| begin + &host + &rest), 1 => ".{0,80}"]
}

proptest! {
    #[test]
    fn an_accepted_url_is_read_again_as_itself_and_leads_to_no_address_that_is_not_allowed(text in url()) {
        for networks in [AllowedNetworks::default(), AllowedNetworks::loopback()] {
            let target = match Target::read(&text, &networks) {
                Err(refused) => {
                    prop_assert!(refused.requirement().starts_with("must "));
                    continue;
                }
                Ok(target) => target,
            };
            let again = Target::read(target.url.as_str(), &networks);
            prop_assert_eq!(again.map(|again| again.url).ok(), Some(target.url.clone()));
            // What is dialled is what was judged.
            let scheme = if target.url.scheme() == "https" { Scheme::Https } else { Scheme::Http };
            if let Some(address) = literal(&target.uri) {
                prop_assert!(networks.check(scheme, address).is_ok());
            }
            let host = target.url.host_str().unwrap();
            prop_assert_eq!(target.uri.host(), Some(host));
            prop_assert!(host.parse::<IpAddr>().is_err() || literal(&target.uri).is_some());
            prop_assert!(target.url.username().is_empty() && target.url.password().is_none());
            prop_assert!(scheme == Scheme::Https || !networks.is_empty());
        }
    }
}
