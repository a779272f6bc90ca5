//! Which local UDP and TCP sockets are open, read from the kernel: a peer that says nothing when it is ready is ready
//! when its socket is there.

use std::{
    net::SocketAddrV4,
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

fn is_open(table: Table, address: SocketAddrV4) -> Result<bool, PeerError> {
    let path = match table {
        Table::Udp => "/proc/net/udp",
        Table::Tcp => "/proc/net/tcp",
    };
    let text = std::fs::read_to_string(path)
        .map_err(|source| PeerError::Environment { what: path.to_owned(), source })?;
    let wanted = kernel_form(address);
    Ok(text.lines().any(|line| line.split_whitespace().nth(1) == Some(wanted.as_str())))
}

/// An address as the kernel prints it: four bytes in the machine's own order, then the port, in hexadecimal.
fn kernel_form(address: SocketAddrV4) -> String {
    format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, UdpSocket};

    use super::*;

    #[test]
    fn an_open_socket_is_seen_and_a_closed_one_is_not() {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        let std::net::SocketAddr::V4(address) = socket.local_addr().expect("its address") else {
            panic!("IPv4")
        };
        assert!(is_open(Table::Udp, address).expect("the table"));
        drop(socket);
        assert!(!is_open(Table::Udp, address).expect("the table"));
    }
}
