//! What the system's errors at a UDP socket mean: to one datagram, to its remote, or to the socket.

use std::io;

use thiserror::Error;

/// How often in a row receiving may fail for a reason that is not known to pass before the socket is given up. A shortage
/// of memory or an error left by an earlier datagram is over sooner; a socket that is really gone fails for ever.
pub(super) const RECEIVE_FAILURES: u32 = 16;

// `std::io::ErrorKind` has no names for these two, see socket(7) and udp(7).
#[cfg(target_os = "linux")]
mod code {
    pub(super) const MESSAGE_SIZE: i32 = 90;
    pub(super) const NO_BUFFERS: i32 = 105;
}
#[cfg(all(unix, not(target_os = "linux")))]
mod code {
    pub(super) const MESSAGE_SIZE: i32 = 40;
    pub(super) const NO_BUFFERS: i32 = 55;
}
#[cfg(windows)]
mod code {
    pub(super) const MESSAGE_SIZE: i32 = 10_040;
    pub(super) const NO_BUFFERS: i32 = 10_055;
}

/// EPERM: a packet filter took the datagram. Unlike EACCES, where the routing table forbids the remote.
#[cfg(unix)]
const NOT_PERMITTED: i32 = 1;

/// What became of a datagram that was not sent.
#[derive(Debug, Error)]
pub enum SendError {
    /// The system has no room at the moment: the datagram may be kept until [`UdpFlow::writable`] says so, or left to the
    /// sender's retransmission.
    ///
    /// When it is the system that is short of buffers and not the socket, `writable` returns at once; do not try again
    /// in a loop.
    ///
    /// [`UdpFlow::writable`]: super::UdpFlow::writable
    #[error("the system has no room for the datagram")]
    Full,
    /// This one datagram is refused: it is too long (EMSGSIZE) or a packet filter of this host took it (EPERM). It says
    /// nothing about other datagrams to the remote, so do not report the remote; drop it.
    #[error("the datagram is refused")]
    Refused(#[source] io::Error),
    /// The remote cannot be reached from here: feed it back as
    /// [`TransportInput::SendFailed`](crate::TransportInput::SendFailed).
    #[error("the remote cannot be reached")]
    Unreachable(#[source] io::Error),
}

impl SendError {
    /// Sorts an error of `sendto`; EINTR and EWOULDBLOCK are the caller's.
    pub(super) fn of(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(code::NO_BUFFERS) => Self::Full,
            Some(code::MESSAGE_SIZE) => Self::Refused(error),
            #[cfg(unix)]
            Some(NOT_PERMITTED) => Self::Refused(error),
            _ if error.kind() == io::ErrorKind::OutOfMemory => Self::Full,
            _ => Self::Unreachable(error),
        }
    }
}

/// Counts the failures of receiving.
#[derive(Debug, Default)]
pub(super) struct ReceiveFaults {
    in_a_row: u32,
    total: u64,
}

impl ReceiveFaults {
    /// The socket gave a datagram, or said that it has none: it is alive.
    pub(super) const fn alive(&mut self) {
        self.in_a_row = 0;
    }

    /// Takes an error that is not known to pass; fails with it when it is time to give the socket up.
    pub(super) fn failed(&mut self, error: io::Error) -> io::Result<()> {
        self.total += 1;
        self.in_a_row += 1;
        if self.in_a_row < RECEIVE_FAILURES { Ok(()) } else { Err(error) }
    }

    pub(super) const fn total(&self) -> u64 {
        self.total
    }
}

/// Whether an error of `recvfrom` is the ICMP answer to an earlier datagram, which some systems report there; it says
/// nothing about the socket, and the next call goes on.
pub(super) fn is_about_a_remote(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
    )
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_systems_errors_are_sorted_by_what_they_concern() {
        let sorted = |code| SendError::of(io::Error::from_raw_os_error(code));
        for (code, name) in [(105, "ENOBUFS"), (12, "ENOMEM")] {
            assert!(matches!(sorted(code), SendError::Full), "{name}");
        }
        for (code, name) in [(1, "EPERM"), (90, "EMSGSIZE")] {
            assert!(matches!(sorted(code), SendError::Refused(_)), "{name}");
        }
        for (code, name) in [
            (101, "ENETUNREACH"),
            (113, "EHOSTUNREACH"),
            (111, "ECONNREFUSED"),
            (13, "EACCES"),
            (22, "EINVAL"),
        ] {
            assert!(matches!(sorted(code), SendError::Unreachable(_)), "{name}");
        }
    }
}
