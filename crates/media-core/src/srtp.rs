//! SRTP and SRTCP (RFC 3711, RFC 6188, RFC 7714), and the `a=crypto` values that carry their keys (RFC 4568).
//!
//! A call has an `SrtpSender` with the line that we wrote and an `SrtpReceiver` with the line that the peer wrote; both
//! are there with the `srtp` feature, the rest without it too.
//!
//! Nothing here reads a random source: key bytes come from the caller, who has to take them from the operating
//! system's. Nothing here prints a key but [`Crypto::print`](sdes::Crypto::print), whose text belongs into a session
//! description and nowhere else.

#[cfg(feature = "srtp")]
mod context;
mod key;
pub mod sdes;
mod suite;

#[cfg(feature = "srtp")]
pub use context::{
    FORMER_KEYS, MAX_PACKET_BYTES, MAX_SOURCES, MAX_TRAILER_BYTES, PREVIOUS_KEY_PACKETS, Rollover, SrtpError,
    SrtpReceiver, SrtpSender,
};
pub use key::{KeyLengthError, KeyMaterial, MasterKey, Mki};
pub use suite::Suite;
