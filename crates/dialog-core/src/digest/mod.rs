//! Digest authentication (RFC 7616, for SIP RFC 3261 §22 and RFC 8760): pure, and for both ends.

pub(crate) mod choice;
pub(crate) mod hash;
pub(crate) mod info;
pub(crate) mod keyring;
pub(crate) mod nonce;
pub(crate) mod policy;
pub(crate) mod proof;
pub(crate) mod secret;
pub(crate) mod session;

#[cfg(test)]
mod tests;
