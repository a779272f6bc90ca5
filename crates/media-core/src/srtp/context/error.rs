//! Why a packet is not protected or not taken.

/// Tells why a packet is not sent or not taken; nothing of it may be used then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SrtpError {
    /// The bytes are no RTP or RTCP packet, or end before tag and index.
    #[error("a malformed packet")]
    Malformed,
    /// The packet is longer than a datagram.
    #[error("the packet is longer than a datagram")]
    TooLong,
    /// The tag is wrong: a forged or damaged packet, or one for another key.
    #[error("the packet is not authentic")]
    Unauthentic,
    /// The packet was received before, or is older than the window (RFC 3711 §3.3.2). For a sender: its sequence
    /// number was used before, and going on would use up the secrecy of both packets.
    #[error("the packet was seen before, or is too old")]
    Replayed,
    /// The packet names a master key that there is not.
    #[error("the packet names an unknown master key")]
    UnknownKey,
    /// The master key has protected as many packets as it may (RFC 3711 §9.2): only a new one helps.
    #[error("the master key's lifetime has ended")]
    KeyExpired,
    /// The packet is in clear though encryption was agreed (RFC 4568 §6.3.2).
    #[error("the packet is not encrypted")]
    Unencrypted,
    /// There are as many sources under this master key as a context holds.
    #[error("too many sources under one master key")]
    TooManySources,
    /// A context would start anew with a key that it has had, and so repeat the key stream (RFC 4568 §7.1.4).
    #[error("a restart needs a new master key")]
    KeyReused,
    /// The line asks for what contexts have not; see [`Crypto::is_usable`](super::sdes::Crypto::is_usable).
    #[error("the crypto line cannot be obeyed")]
    Unusable,
}
