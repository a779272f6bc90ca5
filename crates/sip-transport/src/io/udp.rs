//! UDP sockets.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    task::{Context, Poll},
};

use bytes::Bytes;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use thiserror::Error;
use tokio::{io::Interest, net::UdpSocket};

use super::interfaces::local_addresses;
use crate::transports::MAX_DATAGRAM;

/// Most datagrams that one turn takes from one socket, so that timers and other sockets get theirs in between.
pub const RECEIVE_BUDGET: usize = 64;

/// Receive buffer asked of the system, in bytes: 2 s of 1,000 messages a second of 1 kB each, doubled for the kernel's
/// own book-keeping. The system may give less; what it gives is told by [`UdpFlow::receive_buffer`].
const RECEIVE_BUFFER: usize = 4 << 20;

/// How often a port is drawn that has to be free on every address; eight taken ones in a row mean a full host.
const FREE_PORT_TRIES: usize = 8;

/// Why a listen address cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ListenError {
    /// [`UdpFlow::bind`] was given a wildcard address; use [`UdpFlow::listen`].
    #[error("{0} is a wildcard; a flow needs one address")]
    Wildcard(SocketAddr),
    /// The addresses of this host cannot be found out; name one.
    #[error("the addresses of this host cannot be listed")]
    Interfaces(#[source] io::Error),
    /// This host has no address of the wildcard's family; name an address or use the other family.
    #[error("this host has no address for {0}")]
    NoAddress(SocketAddr),
    /// The system refuses the address: in use, not ours, or not permitted.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

/// What became of a datagram that was not sent.
#[derive(Debug, Error)]
pub enum SendError {
    /// The socket's buffer is full: keep the datagram and try again when [`UdpFlow::writable`] says so.
    #[error("the socket's buffer is full")]
    Full,
    /// The remote cannot be reached from here: feed it back as
    /// [`TransportInput::SendFailed`](crate::TransportInput::SendFailed).
    #[error("the datagram cannot be sent")]
    Unreachable(#[source] io::Error),
}

/// One received datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram {
    /// The sender.
    pub source: SocketAddr,
    /// The payload.
    pub bytes: Bytes,
}

/// One UDP socket on one address of ours.
///
/// The socket is not connected, so Linux reports an ICMP "port unreachable" to nobody: a dead remote shows itself by
/// timers B and F. Errors that the system knows when sending (no route, no such interface, refused by a filter) come back
/// at once as [`SendError::Unreachable`].
#[derive(Debug)]
pub struct UdpFlow {
    socket: UdpSocket,
    local: SocketAddr,
    receive_buffer: usize,
    scratch: Box<[u8]>,
}

impl UdpFlow {
    /// Opens a socket on one address; port 0 takes a free one. Has to be called inside a tokio runtime.
    pub fn bind(address: SocketAddr) -> Result<Self, ListenError> {
        if address.ip().is_unspecified() {
            return Err(ListenError::Wildcard(address));
        }
        Self::open(address).map_err(|source| ListenError::Bind { address, source })
    }

    /// Opens one socket for each address that the listen address stands for, so that Via, Contact and `c=` always have
    /// one address that is true.
    ///
    /// With port 0 the first socket's free port is used for the others too; where it is taken, another is tried. An address
    /// that vanishes meanwhile, or on which a given port is taken, fails the whole call.
    pub fn listen(address: SocketAddr) -> Result<Vec<Self>, ListenError> {
        let ips = local_addresses(address.ip()).map_err(ListenError::Interfaces)?;
        if ips.is_empty() {
            return Err(ListenError::NoAddress(address));
        }
        let mut tries = if address.port() == 0 { FREE_PORT_TRIES } else { 1 };
        loop {
            tries -= 1;
            match Self::bind_all(&ips, address.port()) {
                Err(ListenError::Bind { source, .. })
                    if tries > 0 && source.kind() == io::ErrorKind::AddrInUse => {}
                result => return result,
            }
        }
    }

    fn bind_all(ips: &[IpAddr], mut port: u16) -> Result<Vec<Self>, ListenError> {
        let mut flows = Vec::with_capacity(ips.len());
        for ip in ips {
            let flow = Self::bind(SocketAddr::new(*ip, port))?;
            port = flow.local.port();
            flows.push(flow);
        }
        Ok(flows)
    }

    fn open(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let receive_buffer = socket.recv_buffer_size()?;
        let socket = UdpSocket::from_std(socket.into())?;
        let local = socket.local_addr()?;
        Ok(Self { socket, local, receive_buffer, scratch: vec![0; MAX_DATAGRAM].into_boxed_slice() })
    }

    /// Our address.
    pub const fn local(&self) -> SocketAddr {
        self.local
    }

    /// The receive buffer that the system gave, in bytes.
    pub const fn receive_buffer(&self) -> usize {
        self.receive_buffer
    }

    /// Waits until there is something to receive. May wake for nothing.
    pub async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    /// Whether there is something to receive; wakes the task when there is. May wake for nothing.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_recv_ready(cx)
    }

    /// Waits until there is room to send. May wake for nothing.
    pub async fn writable(&self) -> io::Result<()> {
        self.socket.writable().await
    }

    /// Takes what has arrived, at most `budget` datagrams (see [`RECEIVE_BUDGET`]); returns how many were taken.
    ///
    /// Less than `budget` means that the socket is empty. An error means that the socket is of no use any more.
    pub fn try_receive(&mut self, budget: usize, mut sink: impl FnMut(Datagram)) -> io::Result<usize> {
        for taken in 0..budget {
            match self.socket.try_recv_from(&mut self.scratch) {
                Ok((length, source)) => {
                    sink(Datagram { source, bytes: Bytes::copy_from_slice(&self.scratch[..length]) });
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(taken),
                    // Some systems report the ICMP answer to an earlier datagram here; it says nothing about this socket.
                    io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::HostUnreachable
                    | io::ErrorKind::NetworkUnreachable
                    | io::ErrorKind::Interrupted => {}
                    _ => return Err(error),
                },
            }
        }
        Ok(budget)
    }

    /// Sends one datagram.
    pub fn try_send(&self, remote: SocketAddr, bytes: &[u8]) -> Result<(), SendError> {
        // Past tokio, which takes a new socket for full until its reactor has run.
        match SockRef::from(&self.socket).send_to(bytes, &remote.into()) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                // Tells tokio, so that `writable` waits.
                let full = || Err::<(), _>(io::Error::from(io::ErrorKind::WouldBlock));
                match self.socket.try_io(Interest::WRITABLE, full) {
                    Ok(()) | Err(_) => Err(SendError::Full),
                }
            }
            Err(error) => Err(SendError::Unreachable(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback() -> UdpFlow {
        UdpFlow::bind("127.0.0.1:0".parse().expect("test address")).expect("loopback is there")
    }

    async fn take(flow: &mut UdpFlow, budget: usize, count: usize) -> Vec<Datagram> {
        let mut taken = Vec::new();
        while taken.len() < count {
            flow.readable().await.expect("open socket");
            flow.try_receive(budget, |datagram| taken.push(datagram)).expect("open socket");
        }
        taken
    }

    #[tokio::test]
    async fn a_datagram_arrives_with_its_source() {
        let (one, mut two) = (loopback(), loopback());
        one.try_send(two.local(), b"OPTIONS").expect("loopback sends");
        let datagrams = take(&mut two, RECEIVE_BUDGET, 1).await;
        assert_eq!(datagrams, [Datagram { source: one.local(), bytes: Bytes::from_static(b"OPTIONS") }]);
    }

    #[tokio::test]
    async fn one_turn_takes_no_more_than_its_budget() {
        let (one, mut two) = (loopback(), loopback());
        for _ in 0..=RECEIVE_BUDGET {
            one.try_send(two.local(), b"x").expect("loopback sends");
        }
        two.readable().await.expect("open socket");
        let mut first = 0;
        assert_eq!(two.try_receive(RECEIVE_BUDGET, |_| first += 1).expect("open socket"), RECEIVE_BUDGET);
        assert_eq!(first, RECEIVE_BUDGET);
        assert_eq!(take(&mut two, RECEIVE_BUDGET, 1).await.len(), 1);
    }

    #[tokio::test]
    async fn the_longest_datagram_passes_and_a_longer_one_is_refused() {
        let (one, mut two) = (loopback(), loopback());
        let text = vec![b'x'; MAX_DATAGRAM + 1];
        assert!(matches!(one.try_send(two.local(), &text), Err(SendError::Unreachable(_))));
        one.try_send(two.local(), &text[..MAX_DATAGRAM]).expect("loopback sends");
        assert_eq!(take(&mut two, RECEIVE_BUDGET, 1).await[0].bytes.len(), MAX_DATAGRAM);
    }

    #[tokio::test]
    async fn a_remote_that_the_system_cannot_reach_is_told_at_once() {
        let flow = loopback();
        let remote = "192.0.2.1:5060".parse().expect("test address");
        assert!(matches!(flow.try_send(remote, b"x"), Err(SendError::Unreachable(_))));
    }

    #[tokio::test]
    async fn a_wildcard_becomes_one_socket_per_address_with_one_port() {
        let wildcard: SocketAddr = "0.0.0.0:0".parse().expect("test address");
        assert!(
            matches!(UdpFlow::bind(wildcard), Err(ListenError::Wildcard(address)) if address == wildcard)
        );
        let flows = UdpFlow::listen(wildcard).expect("the host has addresses");
        assert!(flows.iter().any(|flow| flow.local().ip().is_loopback()));
        assert!(flows.iter().all(|flow| !flow.local().ip().is_unspecified()));
        assert!(flows.iter().all(|flow| flow.local().port() == flows[0].local().port()));
    }

    #[tokio::test]
    async fn a_taken_port_is_a_typed_error() {
        let flow = loopback();
        assert!(
            matches!(UdpFlow::bind(flow.local()), Err(ListenError::Bind { address, .. }) if address == flow.local())
        );
    }
}
