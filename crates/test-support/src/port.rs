//! Ports that are kept for a server that goes and comes back.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::ErrorKind;
use std::net::TcpListener;

/// Listens on a free port of this machine below the range that systems give out by themselves, so that no connection
/// takes it in passing while its server is down.
pub(crate) fn listen() -> TcpListener {
    for _ in 0..100 {
        let chance = RandomState::new().hash_one(std::process::id()) % 10_000;
        let port = 20_000 + u16::try_from(chance).expect("it is below 10,000");
        match TcpListener::bind(("127.0.0.1", port)) {
            Ok(listener) => return listener,
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => panic!("port {port} cannot be listened on: {error}"),
        }
    }
    panic!("of 100 ports between 20000 and 29999 none is free");
}
