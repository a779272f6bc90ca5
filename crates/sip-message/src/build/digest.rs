use core::fmt::{self, Display};

use super::quoted;
use crate::{Algorithm, BuildError, DigestChallenge, Qop};

/// A Digest challenge to write or to keep; every text is plain, without quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestChallengeBuf {
    /// For which users and passwords it asks.
    pub realm: String,
    /// The server's unique text.
    pub nonce: String,
    /// What is to be sent back unchanged.
    pub opaque: Option<String>,
    /// Whether only the nonce was too old.
    pub stale: bool,
    /// The algorithm, always written.
    pub algorithm: Algorithm,
    /// The qualities of protection on offer; RFC 8760 §2.6 demands at least one of a server.
    pub qop: Vec<Qop>,
    /// Whether hashed user names are taken.
    pub userhash: bool,
}

impl DigestChallengeBuf {
    /// The value of WWW-Authenticate or Proxy-Authenticate; [`BuildError::ControlCharacter`] names the
    /// parameter that holds one.
    pub fn encode(&self) -> Result<String, BuildError> {
        let mut out = Digest::new();
        out.quoted("realm", &self.realm)?;
        out.quoted("nonce", &self.nonce)?;
        out.optional("opaque", self.opaque.as_deref())?;
        if self.stale {
            out.token("stale", "true");
        }
        out.token("algorithm", self.algorithm);
        if !self.qop.is_empty() {
            let names: Vec<_> = self.qop.iter().map(|qop| qop.as_str()).collect();
            out.quoted("qop", &names.join(","))?;
        }
        if self.userhash {
            out.token("userhash", "true");
        }
        Ok(out.text)
    }
}

impl DigestChallenge<'_> {
    /// Copies the challenge, without `domain`, `charset` and extensions; `None` if the algorithm is not
    /// understood, so that there is nothing to answer.
    pub fn to_owned(&self) -> Option<DigestChallengeBuf> {
        Some(DigestChallengeBuf {
            realm: self.realm().into(),
            nonce: self.nonce().into(),
            opaque: self.opaque().map(Into::into),
            stale: self.stale(),
            algorithm: self.algorithm()?,
            qop: self.qop().collect(),
            userhash: self.userhash(),
        })
    }
}

/// Digest credentials to write; every text is plain, without quotes.
#[derive(Clone, PartialEq, Eq)]
pub struct DigestCredentialsBuf {
    /// The user, or the hash of it.
    pub username: String,
    /// The realm of the challenge.
    pub realm: String,
    /// The nonce of the challenge.
    pub nonce: String,
    /// The URI that was hashed.
    pub uri: String,
    /// The proof: hexadecimal digits.
    pub response: String,
    /// The algorithm, if the challenge named one.
    pub algorithm: Option<Algorithm>,
    /// What the challenge wanted back.
    pub opaque: Option<String>,
    /// What goes with a quality of protection; `None` if the challenge offered none.
    pub protection: Option<Protection>,
    /// Whether `username` is a hash.
    pub userhash: bool,
}

/// The quality of protection that was chosen, and what must stand beside it (RFC 7616 §3.4).
#[derive(Clone, PartialEq, Eq)]
pub struct Protection {
    /// The quality.
    pub qop: Qop,
    /// How often the nonce was used, this time included.
    pub nc: u32,
    /// The client's unique text.
    pub cnonce: String,
}

impl DigestCredentialsBuf {
    /// The value of Authorization or Proxy-Authorization; [`BuildError::ControlCharacter`] names the
    /// parameter that holds one, [`BuildError::Parameter`] a response that is not hexadecimal.
    pub fn encode(&self) -> Result<String, BuildError> {
        if !self.response.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(BuildError::Parameter("response".into()));
        }
        let mut out = Digest::new();
        out.quoted("username", &self.username)?;
        out.quoted("realm", &self.realm)?;
        out.quoted("nonce", &self.nonce)?;
        out.quoted("uri", &self.uri)?;
        out.quoted("response", &self.response)?;
        if let Some(algorithm) = self.algorithm {
            out.token("algorithm", algorithm);
        }
        out.optional("opaque", self.opaque.as_deref())?;
        if let Some(Protection { qop, nc, cnonce }) = &self.protection {
            out.token("qop", qop);
            out.token("nc", format_args!("{nc:08x}"));
            out.quoted("cnonce", cnonce)?;
        }
        if self.userhash {
            out.token("userhash", "true");
        }
        Ok(out.text)
    }
}

/// Shows the realm alone: the rest says who is calling and proves it, and must not reach a log.
impl fmt::Debug for DigestCredentialsBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigestCredentialsBuf").field("realm", &self.realm).finish_non_exhaustive()
    }
}

/// Shows the quality alone.
impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protection").field("qop", &self.qop).finish_non_exhaustive()
    }
}

/// `Digest name=value, name=value`, with quotes where RFC 7616 demands them and none where it forbids them.
struct Digest {
    text: String,
}

impl Digest {
    const SCHEME: &str = "Digest";

    fn new() -> Digest {
        Digest { text: String::from(Self::SCHEME) }
    }

    fn name(&mut self, name: &str) {
        self.text.push_str(if self.text == Self::SCHEME { " " } else { ", " });
        self.text.push_str(name);
        self.text.push('=');
    }

    fn token(&mut self, name: &str, value: impl Display) {
        self.name(name);
        self.text.push_str(&value.to_string());
    }

    fn quoted(&mut self, name: &str, value: &str) -> Result<(), BuildError> {
        self.name(name);
        quoted::push(&mut self.text, name, value)
    }

    fn optional(&mut self, name: &str, value: Option<&str>) -> Result<(), BuildError> {
        value.map_or(Ok(()), |value| self.quoted(name, value))
    }
}
