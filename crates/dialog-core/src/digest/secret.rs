//! What proves who somebody is: a password, or the hash that stands for it.

use std::fmt;

use sip_message::Algorithm;
use zeroize::Zeroizing;

use super::hash;

/// A password, or `H(user:realm:password)` for one or several algorithms. Printed by nothing; wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(Kind);

#[derive(Clone, PartialEq)]
enum Kind {
    Password(Zeroizing<String>),
    Hashed(Vec<(Algorithm, Zeroizing<String>)>),
}

/// A hash that is none: not hexadecimal, or not as long as the algorithm's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no hash of {0}")]
pub struct BadHash(pub Algorithm);

impl Secret {
    /// A password.
    pub fn password(text: impl Into<String>) -> Self {
        Self(Kind::Password(Zeroizing::new(text.into())))
    }

    /// Hashes (`HA1`, RFC 7616 §3.4.2) in hexadecimal, each with its algorithm; those of a session form are the plain
    /// one's. A challenge for another algorithm cannot be answered with them.
    pub fn hashed<'a>(hashes: impl IntoIterator<Item = (Algorithm, &'a str)>) -> Result<Self, BadHash> {
        let mut kept = Vec::new();
        for (algorithm, text) in hashes {
            let algorithm = hash::plain(algorithm);
            let whole = text.len() == hash::digits(algorithm);
            if !whole || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(BadHash(algorithm));
            }
            kept.push((algorithm, Zeroizing::new(text.to_ascii_lowercase())));
        }
        Ok(Self(Kind::Hashed(kept)))
    }

    /// Whether both are ours and the same; no peer sees how long that takes.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// Whether the algorithm can be used with it.
    pub(crate) fn knows(&self, algorithm: Algorithm) -> bool {
        match &self.0 {
            Kind::Password(_) => true,
            Kind::Hashed(kept) => kept.iter().any(|(known, _)| *known == hash::plain(algorithm)),
        }
    }

    /// The plain `HA1` of an algorithm; `None` if it is not known.
    pub(crate) fn ha1(&self, algorithm: Algorithm, user: &str, realm: &str) -> Option<Zeroizing<String>> {
        match &self.0 {
            Kind::Password(password) => Some(hash::ha1(algorithm, user, realm, password)),
            Kind::Hashed(kept) => {
                kept.iter().find(|(known, _)| *known == hash::plain(algorithm)).map(|(_, hash)| hash.clone())
            }
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
