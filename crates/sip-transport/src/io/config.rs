//! The settings of the sockets.

use std::{io, net::SocketAddr, time::Duration};

use socket2::SockRef;

#[cfg(feature = "tls")]
use super::tls::TlsConfig;

/// The settings of [`Sockets`](super::Sockets).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SocketConfig {
    /// Receive buffer asked of the system for each UDP socket, in bytes. 4 MiB: 2 s of 1,000 messages a second of 1 kB
    /// each, doubled for the kernel's own book-keeping. The system may give less; what it gives is told by
    /// [`UdpFlow::receive_buffer`](super::UdpFlow::receive_buffer).
    pub udp_receive_buffer: usize,
    /// Send buffer asked of the system for each UDP socket, in bytes. 1 MiB: what one turn of the engine can write, a
    /// few messages of 1 kB for each of its 64 inputs, doubled for the kernel's own book-keeping. The system may give
    /// less.
    pub udp_send_buffer: usize,
    /// The mark of what is sent by UDP and by connections; `None` leaves the system's.
    pub dscp: Option<Dscp>,
    /// Connections that the system holds until they are accepted, for each listening socket. 1,024: those of a network
    /// whose users come back all at once; the system may hold fewer.
    pub backlog: u32,
    /// Most bytes that wait to be written to one connection; beyond it the connection ends with
    /// [`CloseCause::WriteQueue`](crate::CloseCause). 256 KiB: one second of 250 messages of 1 kB each, besides what the
    /// system holds.
    pub write_queue: usize,
    /// Most messages that wait to be written to one connection. 4,096: the answers to one piece of keep-alives
    /// ([`MAX_PIECE`](crate::MAX_PIECE) by four bytes).
    pub write_queue_messages: usize,
    /// Most connections that are closed here and still write what waits, or await the other side's end; beyond it the one that
    /// was closed first ends at once. 1,024: those of a busy server's two seconds, in a quarter of the files that usual limits
    /// allow to be open.
    pub lingering: usize,
    /// Longest time of the TLS and WebSocket handshakes together. 5 s: a few round trips with one loss each.
    pub handshake_timeout: Duration,
    /// Most handshakes of accepted connections at a time. Beyond it nothing is accepted by TLS, WS and WSS until one is
    /// over: the system's backlog holds what comes. 1,024: they take some 30 MiB, and a second or two of one core.
    pub handshakes: usize,
    /// Certificates and keys. Without it there is no TLS and no WSS.
    #[cfg(feature = "tls")]
    pub tls: Option<TlsConfig>,
    /// The path of the request for a WebSocket as a client, `/` by default; as a server every path is taken (RFC 7118
    /// names none).
    #[cfg(feature = "ws")]
    pub websocket_path: Box<str>,
    /// The origins from which a browser may come (RFC 6455 §10.2), as `https://phone.example.com`; `None` for any. A client
    /// that sends no origin is no browser and passes.
    #[cfg(feature = "ws")]
    pub websocket_origins: Option<Vec<Box<str>>>,
}

impl Default for SocketConfig {
    fn default() -> Self {
        Self {
            udp_receive_buffer: 4 << 20,
            udp_send_buffer: 1 << 20,
            dscp: None,
            backlog: 1024,
            write_queue: 256 << 10,
            write_queue_messages: 4096,
            lingering: 1024,
            handshake_timeout: Duration::from_secs(5),
            handshakes: 1024,
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(feature = "ws")]
            websocket_path: "/".into(),
            #[cfg(feature = "ws")]
            websocket_origins: None,
        }
    }
}

/// A differentiated services code point (RFC 2474 §3): how routers are to treat what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dscp(u8);

impl Dscp {
    /// Class selector 3, for signalling (RFC 4594 §2.3 has CS5 for it; most networks are set up for CS3).
    pub const CS3: Self = Self(24);
    /// Class selector 5, for signalling (RFC 4594 §4.2).
    pub const CS5: Self = Self(40);

    /// Makes a code point of its six bits; `None` above 63.
    pub const fn new(bits: u8) -> Option<Self> {
        if bits < 64 { Some(Self(bits)) } else { None }
    }

    /// Its six bits.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Marks what a socket on this address of ours sends. The code point is the upper six of eight bits.
    pub(super) fn mark(self, socket: &SockRef<'_>, local: SocketAddr) -> io::Result<()> {
        let field = u32::from(self.0) << 2;
        if local.is_ipv4() { socket.set_tos_v4(field) } else { socket.set_tclass_v6(field) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_point_has_six_bits() {
        assert_eq!(Dscp::new(63).map(Dscp::bits), Some(63));
        assert_eq!(Dscp::new(64), None);
    }
}
