//! Which local UDP and TCP sockets are open, read from the kernel: a peer that says nothing when it is ready is ready
//! when its socket is there. And which connections there are, or were a moment ago.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddrV4},
    time::{Duration, Instant},
};

use super::{PATIENCE, PeerError, process::Process};

/// How long the peer's output is read between two looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// A table of the kernel's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// UDP sockets.
    Udp,
    /// TCP sockets.
    Tcp,
}

/// Waits until a process has opened a socket.
pub fn wait_until_open(process: &mut Process, table: Table, address: SocketAddrV4) -> Result<(), PeerError> {
    let deadline = Instant::now() + PATIENCE;
    while !is_open(table, address)? {
        if !process.runs(BETWEEN_LOOKS) || Instant::now() >= deadline {
            return Err(process.missing(&format!("a {table:?} socket on {address}"), PATIENCE));
        }
    }
    Ok(())
}

/// A pair of ends, the lower address first.
pub type Connection = (SocketAddrV4, SocketAddrV4);

/// The TCP connections that come into being with an address at one end.
#[derive(Debug)]
pub struct Connections {
    of: Ipv4Addr,
    before: BTreeSet<Connection>,
}

impl Connections {
    /// Those of this address from now on.
    pub fn of(of: Ipv4Addr) -> Result<Self, PeerError> {
        Ok(Self { of, before: now(of)? })
    }

    /// Those there are. One that was closed is still among them for a minute (`TIME-WAIT`), one that was reset is not.
    pub fn since(&self) -> Result<BTreeSet<Connection>, PeerError> {
        Ok(&now(self.of)? - &self.before)
    }
}

fn now(of: Ipv4Addr) -> Result<BTreeSet<Connection>, PeerError> {
    let ends = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let (one, two) = (address(words.next()?)?, address(words.next()?)?);
        // A socket that listens has no other end.
        (!two.ip().is_unspecified()).then(|| (one.min(two), one.max(two)))
    };
    let all = rows(Table::Tcp)?;
    Ok(all.lines().filter_map(ends).filter(|(one, two)| *one.ip() == of || *two.ip() == of).collect())
}

fn is_open(table: Table, address: SocketAddrV4) -> Result<bool, PeerError> {
    let wanted = kernel_form(address);
    Ok(rows(table)?.lines().any(|line| line.split_whitespace().nth(1) == Some(wanted.as_str())))
}

fn rows(table: Table) -> Result<String, PeerError> {
    let path = match table {
        Table::Udp => "/proc/net/udp",
        Table::Tcp => "/proc/net/tcp",
    };
    std::fs::read_to_string(path).map_err(|source| PeerError::Environment { what: path.to_owned(), source })
}

/// An address as the kernel prints it: four bytes in the machine's own order, then the port, in hexadecimal.
fn kernel_form(address: SocketAddrV4) -> String {
    format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port())
}

/// The address that the kernel prints so.
fn address(kernel: &str) -> Option<SocketAddrV4> {
    let (ip, port) = kernel.split_once(':')?;
    let ip = Ipv4Addr::from(u32::from_str_radix(ip, 16).ok()?.to_ne_bytes());
    Some(SocketAddrV4::new(ip, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};

    use super::*;

    #[test]
    fn an_open_socket_is_seen_and_a_closed_one_is_not() {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        let SocketAddr::V4(address) = socket.local_addr().expect("its address") else { panic!("IPv4") };
        assert!(is_open(Table::Udp, address).expect("the table"));
        drop(socket);
        assert!(!is_open(Table::Udp, address).expect("the table"));
    }

    #[test]
    fn a_connection_is_seen_once_and_still_when_it_is_closed() {
        // An address that nothing else on this machine uses, but for this test a minute ago.
        let own = Ipv4Addr::new(127, 83, 41, 7);
        let connections = Connections::of(own).expect("the table");
        let listener = TcpListener::bind((own, 0)).expect("a socket");
        assert!(connections.since().expect("the table").is_empty());
        let client = TcpStream::connect(listener.local_addr().expect("its address")).expect("a connection");
        let ends = [client.local_addr().expect("its address"), client.peer_addr().expect("its address")];
        let seen = connections.since().expect("the table");
        assert_eq!(seen.len(), 1, "{seen:?}");
        for end in ends {
            assert!(seen.iter().any(|(one, two)| SocketAddr::V4(*one) == end || SocketAddr::V4(*two) == end));
        }
        drop(client);
        drop(listener.accept().expect("the other end"));
        assert_eq!(connections.since().expect("the table"), seen);
    }
}
