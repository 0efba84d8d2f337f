//! Server-side request forgery: every spelling of an address that nothing may be sent to, when an endpoint is made and
//! when it is sent to.

use super::*;
use futures_util::future::join_all;

/// Hosts, with the kind of address that they are.
const REFUSED: [(&str, &str); 40] = [
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("2130706433", "loopback"),
    ("017700000001", "loopback"),
    ("0x7f000001", "loopback"),
    ("0177.0.0.1", "loopback"),
    ("0x7f.0x0.0x0.0x1", "loopback"),
    ("127.1", "loopback"),
    ("127.0.1", "loopback"),
    ("127.0.0.1.", "loopback"),
    ("%31%32%37.0.0.1", "loopback"),
    ("１２７.0.0.1", "loopback"),
    ("127。0。0。1", "loopback"),
    ("localhost", "loopback"),
    ("LOCALHOST.", "loopback"),
    ("a.localhost", "loopback"),
    ("[::1]", "loopback"),
    ("[0:0:0:0:0:0:0:1]", "loopback"),
    ("0", "of this network"),
    ("0.0.0.0", "of this network"),
    ("[::]", "unspecified"),
    ("[::ffff:127.0.0.1]", "IPv4 written as IPv6"),
    ("[::ffff:7f00:1]", "IPv4 written as IPv6"),
    ("[::ffff:8.8.8.8]", "IPv4 written as IPv6"),
    ("[::127.0.0.1]", "IPv4 written as IPv6"),
    ("[64:ff9b::127.0.0.1]", "translated to IPv4"),
    ("[2002:7f00:1::]", "a tunnel to IPv4"),
    ("[2001:0:7f00:1::]", "a tunnel to IPv4"),
    ("10.0.0.1", "private"),
    ("0xa000001", "private"),
    ("172.16.0.1", "private"),
    ("192.168.1.1", "private"),
    ("100.64.0.1", "shared by a carrier's NAT"),
    ("169.254.169.254", "link-local, where clouds keep their metadata"),
    ("2852039166", "link-local, where clouds keep their metadata"),
    ("[fd00:ec2::254]", "unique-local"),
    ("[fe80::1]", "link-local"),
    ("224.0.0.1", "multicast"),
    ("[ff02::1]", "multicast"),
    ("255.255.255.255", "broadcast"),
];

fn public_only(lookup: Lookup) -> WebhookClient {
    client_with(AllowedNetworks::default(), lookup, Limits::default())
}

fn not_allowed(kind: &str) -> Outcome {
    error(&format!("the address is not allowed: it is {kind}"))
}

#[tokio::test]
async fn no_spelling_of_an_address_that_is_not_allowed_is_taken_or_sent_to() {
    let trap = Receiver::accepting().await;
    let client = public_only(system_lookup());
    for scheme in ["http", "https"] {
        for (host, kind) in REFUSED {
            let url = format!("{scheme}://{host}:{}/", trap.address.port());
            let refused = client.check_url(&url).unwrap_err();
            assert!(refused.starts_with("must ") && refused.contains(kind), "{url}: {refused}");
            assert!(refused.contains("CUSTOMERS_WEBHOOK_ALLOWED_NETWORKS"), "{url}: {refused}");
            assert_eq!(send(&client, &url).await, not_allowed(kind), "{url}");
        }
    }
    assert_eq!(trap.connections(), 0);
}

#[tokio::test]
async fn the_connector_refuses_an_address_even_where_the_url_was_not_judged() {
    let trap = Receiver::accepting().await;
    let client = public_only(system_lookup());
    for scheme in ["http", "https"] {
        for host in ["127.0.0.1", "[::ffff:127.0.0.1]", "[::1]"] {
            let uri = format!("{scheme}://{host}:{}/", trap.address.port()).parse().unwrap();
            let error = client.client.get(uri).await.unwrap_err();
            let sentence = super::super::failure::sentence(&error, Duration::ZERO);
            assert!(sentence.starts_with("the address is not allowed"), "{sentence}");
        }
    }
    assert_eq!(trap.connections(), 0);
}

#[test]
fn what_is_no_url_of_a_webhook_is_refused_with_what_it_must_be() {
    let allowing = client_with(AllowedNetworks::loopback(), system_lookup(), Limits::default());
    for (url, requirement) in [
        ("", "must be a whole https URL"),
        ("/events", "must be a whole https URL"),
        ("example.com/events", "must be a whole https URL"),
        ("//example.com/events", "must be a whole https URL"),
        ("https://", "must be a whole https URL"),
        ("https://exa mple.com/", "must be a whole https URL"),
        ("https://example.com:99999/", "must be a whole https URL"),
        ("https://[::1%25eth0]/", "must be a whole https URL"),
        ("https://1.2.3.256/", "must be a whole https URL"),
        ("ftp://example.com/", "must be a whole https URL"),
        ("file:///etc/passwd", "must be a whole https URL"),
        ("gopher://127.0.0.1/", "must be a whole https URL"),
        ("http://example.com@127.0.0.1/", "must not hold a user name"),
        ("https://me:secret@example.com/", "must not hold a user name"),
        ("https://:secret@example.com/", "must not hold a user name"),
        ("https://example.com/#part", "must not have a fragment"),
        ("https://example.com/#", "must not have a fragment"),
        ("https://example.com:0/", "must not have the port 0"),
        ("https://exa\tmple.com/", "must not hold control characters"),
        ("https://example.com/\r\nx: y", "must not hold control characters"),
        (&format!("https://example.com/{}", "x".repeat(2048)), "must be at most 2048 bytes long"),
        (&format!("https://example.com/{}", "ä".repeat(500)), "must be at most 2048 bytes long"),
    ] {
        let refused = allowing.check_url(url).unwrap_err();
        assert!(refused.starts_with(requirement), "{url}: {refused}");
        assert!(!refused.contains("secret"), "{refused}");
    }
}

#[tokio::test]
async fn a_stored_url_that_is_none_is_not_sent_to() {
    let mut trap = Receiver::accepting().await;
    let none = error("the URL is not one that events are sent to");
    let port = trap.address.port();
    assert_eq!(send(&client(), format!("http://example.com@127.0.0.1:{port}/")).await, none);
    assert_eq!(send(&client(), format!("ftp://127.0.0.1:{port}/")).await, none);
    assert!(trap.requests.try_recv().is_err());
}

#[test]
fn urls_are_brought_to_their_normal_form() {
    let client = client();
    for (url, normal) in [
        ("https://Example.COM", "https://example.com/"),
        ("https://example.com:443/a/../b?q=ä b", "https://example.com/b?q=%C3%A4%20b"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        (" https://example.com/ ", "https://example.com/"),
        ("http://2130706433:8080/", "http://127.0.0.1:8080/"),
        ("http://0177.1/", "http://127.0.0.1/"),
        ("http://[0:0::1]/", "http://[::1]/"),
        ("http://localhost:3000/x", "http://localhost:3000/x"),
        ("https://example.com/{a}|b^c?`d`", "https://example.com/%7Ba%7D|b^c?`d`"),
    ] {
        let checked = client.check_url(url);
        assert_eq!(checked.as_deref(), Ok(normal));
        assert_eq!(client.check_url(normal).as_deref(), Ok(normal));
    }
}

#[test]
fn http_is_for_allowed_networks_only() {
    let https_only = public_only(system_lookup());
    for url in ["http://example.com/", "http://8.8.8.8/"] {
        let refused = https_only.check_url(url).unwrap_err();
        assert!(refused.contains("http is for") && refused.contains("ALLOWED_NETWORKS"), "{refused}");
    }
    assert!(https_only.check_url("https://8.8.8.8/").is_ok());
    let some = client();
    assert!(some.check_url("http://8.8.8.8/").is_err());
    assert!(some.check_url("http://example.com/").is_ok(), "where it leads is looked at when it is sent to");
    let no_loopback = client_with(AllowedNetworks::parse("10.0.0.0/8").unwrap(), system_lookup(), Limits::default());
    assert!(no_loopback.check_url("http://localhost/").unwrap_err().contains("loopback"));
}

/// What a name leads to, with the kind of address that is reported.
const REFUSED_ADDRESSES: [(&[&[&str]], &str); 5] = [
    (&[&["127.0.0.1"]], "loopback"),
    (&[&["::1"]], "loopback"),
    (&[&["::ffff:127.0.0.1"]], "IPv4 written as IPv6"),
    (&[&["169.254.169.254"]], "link-local, where clouds keep their metadata"),
    (&[&["10.0.0.1", "fd00::1"]], "unique-local"),
];

#[tokio::test]
async fn a_name_that_leads_to_an_address_that_is_not_allowed_is_not_sent_to() {
    let trap = Receiver::accepting().await;
    for (addresses, kind) in REFUSED_ADDRESSES {
        let client = public_only(lookup_of(addresses).0);
        let url = format!("https://receiver.example:{}/", trap.address.port());
        assert_eq!(client.check_url(&url).as_ref(), Ok(&url));
        assert_eq!(send(&client, url).await, not_allowed(kind));
    }
    let (lookup, _) = lookup_of(&[&["93.184.215.14"]]);
    let client = client_with(AllowedNetworks::loopback(), lookup, Limits::default());
    let public = not_allowed("public, and http is for allowed networks only");
    assert_eq!(send(&client, "http://receiver.example/").await, public);
    assert_eq!(trap.connections(), 0);
}

#[tokio::test]
async fn a_name_is_resolved_once_a_connection_and_a_rebound_one_leads_nowhere() {
    // What was judged first is allowed; what the name server says a moment later is not.
    let (lookup, asked) = lookup_of(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let networks = AllowedNetworks::parse("127.0.0.1").unwrap();
    let client = client_with(networks, lookup, Limits::default());
    let bye = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let mut receiver = Receiver::start(Play::AnswerOnce(bye.to_vec())).await;
    let port = receiver.address.port();
    let trap = Receiver::start_at(&format!("127.0.0.2:{port}"), Play::AnswerOnce(bye.to_vec())).await;

    let url = format!("http://receiver.example:{port}/");
    assert_eq!(send(&client, &url).await, status(200));
    assert_eq!(receiver.request().await.headers["host"], format!("receiver.example:{port}"));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert_eq!(send(&client, &url).await, not_allowed("loopback"));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert_eq!((receiver.connections(), trap.connections()), (1, 0));
}

#[tokio::test]
async fn of_a_name_that_leads_to_several_places_the_allowed_ones_are_used() {
    let receiver = Receiver::accepting().await;
    let (lookup, _) = lookup_of(&[&["169.254.169.254", "10.0.0.1", "127.0.0.1", "8.8.8.8"]]);
    let client = client_with(AllowedNetworks::loopback(), lookup, Limits::default());
    assert_eq!(send(&client, format!("http://receiver.example:{}/", receiver.address.port())).await, status(204));
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_not_followed() {
    let trap = Receiver::accepting().await;
    let redirect = format!("HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", trap.url());
    let receiver = Receiver::start(Play::Answer(redirect.into_bytes())).await;
    assert_eq!(send(&client(), receiver.url()).await, status(302));
    assert_eq!(trap.connections(), 0);
}

#[tokio::test]
async fn a_name_without_addresses_is_told_from_one_that_takes_too_long() {
    let unknown: Lookup = Arc::new(|_| Box::pin(std::future::ready(Err(io::ErrorKind::NotFound.into()))));
    let none = error("the name does not resolve");
    assert_eq!(send(&public_only(unknown), "https://receiver.example/").await, none);
    assert_eq!(send(&public_only(lookup_of(&[&[]]).0), "https://receiver.example/").await, none);
}

#[tokio::test]
async fn many_events_for_a_name_whose_server_is_silent_ask_once() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let silent: Lookup = Arc::new(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::pending())
    });
    let limits = Limits { connecting: Duration::from_millis(50), ..Limits::default() };
    let client = client_with(AllowedNetworks::default(), silent, limits);
    let slow = error("the name does not resolve within 0.05 seconds");
    let outcomes = join_all((0..10).map(|_| send(&client, "https://receiver.example/"))).await;
    assert!(outcomes.iter().all(|outcome| *outcome == slow), "{outcomes:?}");
    assert_eq!(send(&client, "https://receiver.example/").await, slow);
    assert_eq!(send(&client, "https://other.example/").await, slow);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}
