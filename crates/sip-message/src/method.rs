use core::fmt;
use core::str::FromStr;

use crate::lex;
use crate::{ParseError, ParseErrorKind};

/// The method of a request; compared case-sensitively (RFC 3261 §7.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// RFC 3261 §13.
    Invite,
    /// RFC 3261 §13.2.2.4, §17.1.1.3.
    Ack,
    /// RFC 3261 §15.
    Bye,
    /// RFC 3261 §9.
    Cancel,
    /// RFC 3261 §11.
    Options,
    /// RFC 3261 §10.
    Register,
    /// RFC 3515.
    Refer,
    /// RFC 6665 §4.1.3.
    Notify,
    /// RFC 6665 §4.1.2.
    Subscribe,
    /// RFC 3262.
    Prack,
    /// RFC 3311.
    Update,
    /// RFC 6086.
    Info,
    /// RFC 3428.
    Message,
    /// RFC 3903.
    Publish,
    /// Any other token.
    Other(OtherMethod),
}

/// The token of a method without a name of its own; held inline, so that [`Method`] stays `Copy`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OtherMethod {
    len: u8,
    bytes: [u8; Method::MAX_LEN],
}

impl OtherMethod {
    /// The token as it was written.
    #[expect(clippy::missing_panics_doc, reason = "cannot happen: see the invariant")]
    pub fn as_str(&self) -> &str {
        // invariant: only `Method::parse` builds this type, from a token, and tokens are ASCII.
        core::str::from_utf8(&self.bytes[..usize::from(self.len)]).expect("invariant: method is ASCII")
    }
}

impl fmt::Debug for OtherMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl Method {
    /// Longest method token that is taken; registered names have nine bytes at most.
    pub const MAX_LEN: usize = 47;

    /// Reads a method token; case-sensitive, so `invite` is [`Method::Other`].
    ///
    /// Fails with [`ParseErrorKind::Method`] if the text is no token or is longer than [`Self::MAX_LEN`].
    pub fn parse(text: &str) -> Result<Method, ParseError> {
        Method::of_bytes(text.as_bytes()).ok_or(ParseError::new(ParseErrorKind::Method, 0))
    }

    pub(crate) fn of_bytes(text: &[u8]) -> Option<Method> {
        Some(match text {
            b"INVITE" => Method::Invite,
            b"ACK" => Method::Ack,
            b"BYE" => Method::Bye,
            b"CANCEL" => Method::Cancel,
            b"OPTIONS" => Method::Options,
            b"REGISTER" => Method::Register,
            b"REFER" => Method::Refer,
            b"NOTIFY" => Method::Notify,
            b"SUBSCRIBE" => Method::Subscribe,
            b"PRACK" => Method::Prack,
            b"UPDATE" => Method::Update,
            b"INFO" => Method::Info,
            b"MESSAGE" => Method::Message,
            b"PUBLISH" => Method::Publish,
            other if other.len() <= Self::MAX_LEN && lex::is_token_bytes(other) => {
                let mut bytes = [0; Self::MAX_LEN];
                bytes[..other.len()].copy_from_slice(other);
                Method::Other(OtherMethod { len: other.len() as u8, bytes })
            }
            _ => return None,
        })
    }

    /// The method as it stands on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Method::Invite => "INVITE",
            Method::Ack => "ACK",
            Method::Bye => "BYE",
            Method::Cancel => "CANCEL",
            Method::Options => "OPTIONS",
            Method::Register => "REGISTER",
            Method::Refer => "REFER",
            Method::Notify => "NOTIFY",
            Method::Subscribe => "SUBSCRIBE",
            Method::Prack => "PRACK",
            Method::Update => "UPDATE",
            Method::Info => "INFO",
            Method::Message => "MESSAGE",
            Method::Publish => "PUBLISH",
            Method::Other(token) => token.as_str(),
        }
    }
}

impl FromStr for Method {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Method::parse(text)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
