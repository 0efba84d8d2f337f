//! A TCP proxy that stands for a network which fails.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

use crate::database_url;

/// A proxy on a port of its own before a server. It passes everything on until it is told to fail. Dropped, it ends
/// and closes its connections.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    mode: Mode,
    next: u64,
    /// Both ends of every open connection, by a number of its own.
    open: HashMap<u64, Vec<TcpStream>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Passing,
    Stalled,
    Cut,
    Ended,
}

impl FaultProxy {
    /// A proxy before the server at this address.
    pub fn before(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a proxy needs a port");
        let address = listener.local_addr().expect("a bound port has an address");
        let state = State { mode: Mode::Passing, next: 0, open: HashMap::new() };
        let shared = Arc::new(Shared { upstream, state: Mutex::new(state), changed: Condvar::new() });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &accepting));
        Self { address, shared }
    }

    /// A proxy before the server of a database URL.
    pub fn before_database(database_url: &str) -> Self {
        Self::before(database_url::address(database_url))
    }

    /// Where the proxy listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of the same database, reached through the proxy.
    pub fn url(&self, database_url: &str) -> String {
        database_url::with_address(database_url, self.address)
    }

    /// Closes all connections at once, and new ones as soon as they are made.
    pub fn cut(&self) {
        self.shared.switch(Mode::Cut);
    }

    /// Keeps connections open, and takes new ones, but passes nothing on.
    pub fn stall(&self) {
        self.shared.switch(Mode::Stalled);
    }

    /// Passes on again, also what was held while stalled.
    pub fn mend(&self) {
        self.shared.switch(Mode::Passing);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.switch(Mode::Ended);
        // Wakes the listener, which then sees that it has ended.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the proxy's state panics")
    }

    fn switch(&self, mode: Mode) {
        let mut state = self.state();
        state.mode = mode;
        if matches!(mode, Mode::Cut | Mode::Ended) {
            for stream in state.open.drain().flat_map(|(_, streams)| streams) {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        self.changed.notify_all();
    }

    /// Waits while the proxy is stalled.
    fn pass(&self) {
        let stalled = |state: &mut State| state.mode == Mode::Stalled;
        drop(self.changed.wait_while(self.state(), stalled).expect("no holder of the proxy's state panics"));
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        let Ok(client) = client else { continue };
        let Ok(copy) = client.try_clone() else { continue };
        let mut state = shared.state();
        match state.mode {
            Mode::Ended => return,
            Mode::Cut => {}
            Mode::Passing | Mode::Stalled => {
                let number = state.next;
                state.next += 1;
                state.open.insert(number, vec![copy]);
                let shared = Arc::clone(shared);
                thread::spawn(move || {
                    connect(&shared, number, &client);
                    shared.state().open.remove(&number);
                    let _ = client.shutdown(Shutdown::Both);
                });
            }
        }
    }
}

/// Passes on in both directions until both have ended.
fn connect(shared: &Shared, number: u64, client: &TcpStream) {
    let Ok(server) = TcpStream::connect(shared.upstream) else { return };
    let Ok(copy) = server.try_clone() else { return };
    // A connection that is no longer among the open ones was cut meanwhile.
    let Some(()) = shared.state().open.get_mut(&number).map(|streams| streams.push(copy)) else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    thread::scope(|scope| {
        scope.spawn(|| copy_stream(shared, client, &server));
        copy_stream(shared, &server, client);
    });
}

fn copy_stream(shared: &Shared, mut from: &TcpStream, mut to: &TcpStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        shared.pass();
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    // The end is news too: a stalled network does not tell it.
    shared.pass();
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}
