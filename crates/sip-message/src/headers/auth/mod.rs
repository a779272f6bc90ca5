//! Challenges and credentials: Digest (RFC 7616, for SIP RFC 3261 §22.4 and RFC 8760), and other schemes kept as they
//! are.

mod algorithm;
mod challenge;
mod credentials;
mod info;
mod other;
mod params;

pub use algorithm::{Algorithm, Qop};
pub use challenge::{Challenge, DigestChallenge};
pub use credentials::{Credentials, DigestCredentials};
pub use info::AuthenticationInfo;
pub use other::OtherAuth;
pub use params::AuthParams;
