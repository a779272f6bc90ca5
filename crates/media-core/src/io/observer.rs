//! What an observer of a pump sees: every datagram, at the socket.

#![expect(clippy::disallowed_types, reason = "datagrams are seen in real time")]

use std::net::SocketAddr;
use std::time::Instant;

use crate::streams::PacketKind;

/// Which way a datagram went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The system took it from us.
    Sent,
    /// It arrived.
    Received,
}

/// Shows one datagram of a pump, whoever sent it and whatever is in it.
///
/// Of a datagram that arrived, `bytes` are what was read: 8,192 at most.
#[derive(Debug, Clone, Copy)]
pub struct SeenDatagram<'a> {
    /// When: of a sent one just before it went to the system, so that no answer can seem to be earlier.
    pub at: Instant,
    /// Which way.
    pub way: Way,
    /// Which of a stream's two sockets.
    pub kind: PacketKind,
    /// Our address.
    pub local: SocketAddr,
    /// The other address.
    pub remote: SocketAddr,
    /// What was in it.
    pub bytes: &'a [u8],
}

/// Says of each datagram of a pump whether it is lost on purpose; in the pump's thread.
pub type DatagramLoss = Box<dyn FnMut(Way) -> bool + Send>;

/// What is let into a pump's thread besides its own work.
#[derive(Default)]
pub struct Hooks {
    /// Looks at the datagrams that are not lost.
    pub observer: Option<DatagramObserver>,
    /// Loses some of them.
    pub loss: Option<DatagramLoss>,
}

/// Looks at the datagrams of a pump, in its thread: what it waits for, every stream waits for.
pub type DatagramObserver = Box<dyn FnMut(SeenDatagram<'_>) + Send>;
