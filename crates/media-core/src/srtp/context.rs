//! Cryptographic contexts (RFC 3711 §3.2): what protects the packets of one direction, and what takes them.

mod counter_mode;
mod derivation;
mod error;
mod galois;
mod index;
mod packet;
mod receiver;
mod sender;
mod session;
mod sources;
#[cfg(test)]
mod tests;

pub use error::SrtpError;
pub use packet::{MAX_PACKET_BYTES, MAX_TRAILER_BYTES};
pub use receiver::{PREVIOUS_KEY_PACKETS, SrtpReceiver};
pub use sender::SrtpSender;
pub use sources::MAX_SOURCES;

use super::{KeyMaterial, MasterKey, Mki, Suite, sdes};

/// The lines before the one in force of which either side knows what their keys have protected: a receiver so that it
/// cannot come again, and a sender so that no part of a key stream is used twice, when one of them is taken back. Peers
/// that change keys at each hold have one or two; who takes back an older one draws keys out of a hat.
pub const FORMER_KEYS: usize = 8;

/// Tells what becomes of each source's roll-over counter when the master key changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rollover {
    /// The same stream under another key: the counter goes on (RFC 3711 §3.3.1, TM-103).
    Keep,
    /// The author of the line has given another address or port together with the new key: another stream, whose
    /// counter is 0 (RFC 4568 §7.1.4, TM-101).
    Restart,
}
