//! Database URLs, changed in one part: `postgres://user:password@host:port/database?parameters`.

use std::net::SocketAddr;

use reqwest::Url;

/// The URL of another database on the same server.
pub(crate) fn with_database(url: &str, name: &str) -> String {
    let mut url = parse(url);
    url.set_path(name);
    url.into()
}

/// The URL of the same database, reached at another address.
pub(crate) fn with_address(url: &str, address: SocketAddr) -> String {
    let mut url = parse(url);
    url.set_ip_host(address.ip()).and_then(|()| url.set_port(Some(address.port()))).unwrap_or_else(|()| {
        panic!("a database URL needs a host to be reached at another one: {url}");
    });
    url.into()
}

/// The address that the URL's host and port lead to.
pub(crate) fn address(url: &str) -> SocketAddr {
    let url = parse(url);
    url.socket_addrs(|| Some(5432))
        .ok()
        .and_then(|addresses| addresses.first().copied())
        .unwrap_or_else(|| panic!("no server is found at the database URL {url}"))
}

fn parse(url: &str) -> Url {
    Url::parse(url).unwrap_or_else(|error| panic!("`{url}` is no database URL: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_keeps_everything_else() {
        assert_eq!(
            with_database("postgres://me:se%40cret@db.example:5433/postgres?sslmode=disable", "test_1"),
            "postgres://me:se%40cret@db.example:5433/test_1?sslmode=disable"
        );
        assert_eq!(with_database("postgresql://me@localhost", "test_1"), "postgresql://me@localhost/test_1");
    }

    #[test]
    fn another_address_keeps_everything_else() {
        assert_eq!(
            with_address("postgres://me:secret@db.example/customers?a=b", "127.0.0.1:7000".parse().unwrap()),
            "postgres://me:secret@127.0.0.1:7000/customers?a=b"
        );
    }

    #[test]
    fn the_address_has_postgresqls_port_unless_it_says_its_own() {
        assert_eq!(address("postgres://me@127.0.0.1/a"), "127.0.0.1:5432".parse().unwrap());
        assert_eq!(address("postgres://me@127.0.0.1:99/a"), "127.0.0.1:99".parse().unwrap());
    }
}
