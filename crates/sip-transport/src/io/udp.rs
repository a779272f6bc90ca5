//! UDP sockets.

use std::{
    io,
    net::SocketAddr,
    task::{Context, Poll},
};

use bytes::Bytes;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::{io::Interest, net::UdpSocket};

use super::{
    config::SocketConfig,
    fault::{ReceiveFaults, SendError, is_about_a_remote},
    listen::{ListenError, on_each_address},
};
use crate::transports::MAX_DATAGRAM;

/// Most datagrams that one turn takes from one socket, so that timers and other sockets get theirs in between.
pub const RECEIVE_BUDGET: usize = 64;

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
/// timers B and F. Errors that the system knows when sending (no route, no such interface) come back at once as
/// [`SendError::Unreachable`].
#[derive(Debug)]
pub struct UdpFlow {
    socket: UdpSocket,
    local: SocketAddr,
    receive_buffer: usize,
    faults: ReceiveFaults,
    scratch: Box<[u8]>,
}

impl UdpFlow {
    /// Opens a socket on one address; port 0 takes a free one. Has to be called inside a tokio runtime.
    pub fn bind(address: SocketAddr) -> Result<Self, ListenError> {
        if address.ip().is_unspecified() {
            return Err(ListenError::Wildcard(address));
        }
        Self::open(address, &SocketConfig::default()).map_err(|source| ListenError::Bind { address, source })
    }

    /// Opens one socket for each address that the listen address stands for, so that Via, Contact and `c=` always have
    /// one address that is true.
    ///
    /// With port 0 the first socket's free port is used for the others too; where it is taken, another is tried. An address
    /// that vanishes meanwhile, or on which a given port is taken, fails the whole call.
    pub fn listen(address: SocketAddr) -> Result<Vec<Self>, ListenError> {
        Self::listen_with(address, &SocketConfig::default())
    }

    /// As [`UdpFlow::listen`], with the settings for buffers and mark.
    pub fn listen_with(address: SocketAddr, config: &SocketConfig) -> Result<Vec<Self>, ListenError> {
        on_each_address(address, |address| Self::open(address, config), Self::local)
    }

    fn open(address: SocketAddr, config: &SocketConfig) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_recv_buffer_size(config.udp_receive_buffer)?;
        socket.set_send_buffer_size(config.udp_send_buffer)?;
        if let Some(dscp) = config.dscp {
            dscp.mark(&SockRef::from(&socket), address)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let receive_buffer = socket.recv_buffer_size()?;
        let socket = UdpSocket::from_std(socket.into())?;
        let local = socket.local_addr()?;
        let scratch = vec![0; MAX_DATAGRAM].into_boxed_slice();
        Ok(Self { socket, local, receive_buffer, faults: ReceiveFaults::default(), scratch })
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

    /// How often receiving failed since the socket is open for a reason that is not known to pass.
    pub const fn receive_failures(&self) -> u64 {
        self.faults.total()
    }

    /// Takes what has arrived, at most `budget` datagrams (see [`RECEIVE_BUDGET`]); returns how many were taken.
    ///
    /// A failure ends the turn and is counted; the next call tries again. An error means that the socket is of no use any
    /// more: it failed 16 times in a row and neither gave a datagram nor said that it has none.
    pub fn try_receive(&mut self, budget: usize, sink: impl FnMut(Datagram)) -> io::Result<usize> {
        let Self { socket, faults, scratch, .. } = self;
        receive(budget, faults, || socket.try_recv_from(scratch).map(|got| datagram(scratch, got)), sink)
    }

    /// Sends one datagram.
    pub fn try_send(&self, remote: SocketAddr, bytes: &[u8]) -> Result<(), SendError> {
        let remote = remote.into();
        // Past tokio, which takes a new socket for full until its reactor has run.
        match uninterrupted(|| SockRef::from(&self.socket).send_to(bytes, &remote)) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                // Tells tokio, so that `writable` waits.
                let full = || Err::<(), _>(io::Error::from(io::ErrorKind::WouldBlock));
                match self.socket.try_io(Interest::WRITABLE, full) {
                    Ok(()) | Err(_) => Err(SendError::Full),
                }
            }
            Err(error) => Err(SendError::of(error)),
        }
    }
}

fn datagram(scratch: &[u8], (length, source): (usize, SocketAddr)) -> Datagram {
    Datagram { source, bytes: Bytes::copy_from_slice(&scratch[..length]) }
}

/// Calls again as long as a signal came in between (EINTR).
fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// One turn of receiving: at most `budget` calls.
fn receive(
    budget: usize,
    faults: &mut ReceiveFaults,
    mut next: impl FnMut() -> io::Result<Datagram>,
    mut sink: impl FnMut(Datagram),
) -> io::Result<usize> {
    let mut taken = 0;
    for _ in 0..budget {
        match uninterrupted(&mut next) {
            Ok(datagram) => {
                faults.alive();
                taken += 1;
                sink(datagram);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                faults.alive();
                break;
            }
            Err(error) if is_about_a_remote(error.kind()) => {}
            Err(error) => {
                faults.failed(error)?;
                break;
            }
        }
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::super::{config::Dscp, fault::RECEIVE_FAILURES};
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
        assert!(matches!(one.try_send(two.local(), &text), Err(SendError::Refused(_))));
        one.try_send(two.local(), &text[..MAX_DATAGRAM]).expect("loopback sends");
        assert_eq!(take(&mut two, RECEIVE_BUDGET, 1).await[0].bytes.len(), MAX_DATAGRAM);
    }

    /// Turns of receiving on a socket that answers as the script says: an error's number, 0 for a datagram.
    fn turns(script: &[i32]) -> (Vec<io::Result<usize>>, u64) {
        let mut faults = ReceiveFaults::default();
        let mut script = script.iter().copied().peekable();
        let mut results = Vec::new();
        while script.peek().is_some() {
            let next = || match script.next() {
                Some(0) => Ok(Datagram { source: ([192, 0, 2, 1], 5060).into(), bytes: Bytes::new() }),
                Some(code) => Err(io::Error::from_raw_os_error(code)),
                None => Err(io::ErrorKind::WouldBlock.into()),
            };
            results.push(receive(RECEIVE_BUDGET, &mut faults, next, |_| {}));
        }
        (results, faults.total())
    }

    const NO_MEMORY: i32 = 12;
    const INTERRUPTED: i32 = 4;
    const AGAIN: i32 = 11;
    const REFUSED: i32 = 111;

    #[test]
    fn an_unknown_error_ends_the_turn_and_not_the_socket() {
        let (results, total) = turns(&[0, NO_MEMORY, 0, 0]);
        assert!(matches!(results[..], [Ok(1), Ok(2)]), "{results:?}");
        assert_eq!(total, 1);
    }

    #[test]
    fn errors_that_do_not_end_give_the_socket_up() {
        let most = RECEIVE_FAILURES as usize - 1;
        let (results, _) = turns(&vec![NO_MEMORY; most]);
        assert!(results.iter().all(|result| matches!(result, Ok(0))), "{results:?}");
        let (results, total) = turns(&vec![NO_MEMORY; most + 1]);
        assert!(matches!(results.last(), Some(Err(error)) if error.raw_os_error() == Some(NO_MEMORY)));
        assert_eq!((results.len(), total), (most + 1, u64::from(RECEIVE_FAILURES)));
        // A datagram, or the word that there is none, starts the count anew.
        for alive in [0, AGAIN] {
            let script = [vec![NO_MEMORY; most], vec![alive], vec![NO_MEMORY; most]].concat();
            let (results, _) = turns(&script);
            assert!(results.iter().all(Result::is_ok), "{results:?}");
        }
    }

    #[test]
    fn signals_and_icmp_answers_are_passed_over() {
        let (results, total) = turns(&[INTERRUPTED, 0, REFUSED, INTERRUPTED, 0]);
        assert!(matches!(results[..], [Ok(2)]), "{results:?}");
        assert_eq!(total, 0);
        let mut calls = 0;
        let sent = uninterrupted(|| {
            calls += 1;
            if calls < 3 { Err(io::Error::from_raw_os_error(INTERRUPTED)) } else { Ok(calls) }
        });
        assert_eq!(sent.expect("sent at last"), 3);
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
    async fn the_settings_reach_the_socket() {
        let config = SocketConfig {
            udp_receive_buffer: 64 << 10,
            udp_send_buffer: 32 << 10,
            dscp: Some(Dscp::CS3),
            ..SocketConfig::default()
        };
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let flows = UdpFlow::listen_with(address.parse().expect("test address"), &config)
                .expect("loopback is there");
            let socket = SockRef::from(&flows[0].socket);
            // The kernel doubles them for its own book-keeping, see socket(7).
            assert_eq!(flows[0].receive_buffer(), 128 << 10);
            assert_eq!(socket.send_buffer_size().expect("open socket"), 64 << 10);
            let mark = if flows[0].local().is_ipv4() { socket.tos_v4() } else { socket.tclass_v6() };
            assert_eq!(mark.expect("open socket"), 24 << 2);
        }
    }

    #[tokio::test]
    async fn a_taken_port_is_a_typed_error() {
        let flow = loopback();
        assert!(
            matches!(UdpFlow::bind(flow.local()), Err(ListenError::Bind { address, .. }) if address == flow.local())
        );
    }
}
