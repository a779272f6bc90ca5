//! SRTP and SRTCP (RFC 3711, RFC 6188, RFC 7714), and the `a=crypto` values that carry their keys (RFC 4568).
//!
//! [`Suite`], [`KeyMaterial`] and [`sdes`] are always here.
//!
//! Nothing here reads a random source: key bytes come from the caller, who has to take them from the operating
//! system's. Nothing here prints a key but [`Crypto::print`](sdes::Crypto::print), whose text belongs into a session
//! description and nowhere else.

mod key;
pub mod sdes;
mod suite;

pub use key::{KeyLengthError, KeyMaterial, MasterKey, Mki};
pub use suite::Suite;
