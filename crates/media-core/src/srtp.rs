//! SRTP and SRTCP (RFC 3711, RFC 6188, RFC 7714), and the `a=crypto` values that carry their keys (RFC 4568).
//!
//! A call has a [`SrtpSender`] with the line that we wrote and a [`SrtpReceiver`] with the line that the peer wrote:
//!
//! ```
//! use media_core::srtp::{KeyMaterial, SrtpError, SrtpReceiver, SrtpSender, Suite, sdes::Crypto};
//!
//! let line = Crypto::new(1, KeyMaterial::new(Suite::AeadAes128Gcm, b"28 bytes of a random source.")?);
//! let mut alice = SrtpSender::new(&line)?;
//! let mut bob = SrtpReceiver::new(&Crypto::parse(&line.print())?)?;
//!
//! let mut packet = b"\x80\x00\x00\x01\x00\x00\x00\xA0\x12\x34\x56\x78hello".to_vec();
//! alice.protect_rtp(&mut packet)?;
//! assert_eq!(packet.len(), 12 + 5 + alice.rtp_overhead());
//! let mut copy = packet.clone();
//! let length = bob.unprotect_rtp(&mut packet)?;
//! assert_eq!(&packet[12..length], b"hello");
//! assert_eq!(bob.unprotect_rtp(&mut copy), Err(SrtpError::Replayed));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Suite`], [`KeyMaterial`] and [`sdes`] are there without the `srtp` feature, the contexts are not.
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
    MAX_PACKET_BYTES, MAX_SOURCES, MAX_TRAILER_BYTES, PREVIOUS_KEY_PACKETS, Rollover, SrtpError,
    SrtpReceiver, SrtpSender,
};
pub use key::{KeyLengthError, KeyMaterial, MasterKey, Mki};
pub use suite::Suite;
