//! A nonce that we were given, and how often we have used it.

use std::{net::IpAddr, sync::Arc};

use sip_message::{BuildError, DigestCredentialsBuf, HeaderId, Protection, Qop};
use sip_transport::Random;

use super::{
    choice::Choice,
    hash::{self, Subject, Terms},
    keyring::Credential,
};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// The user agent server, a registrar among them (RFC 3261 §22.2).
    Server,
    /// A proxy (RFC 3261 §22.3).
    Proxy,
}

impl Place {
    pub(crate) const ALL: [Self; 2] = [Self::Server, Self::Proxy];

    /// The header of the challenge.
    pub(crate) const fn challenge(self) -> HeaderId {
        match self {
            Self::Server => HeaderId::WwwAuthenticate,
            Self::Proxy => HeaderId::ProxyAuthenticate,
        }
    }

    /// The header of the answer.
    pub(crate) const fn credentials(self) -> HeaderId {
        match self {
            Self::Server => HeaderId::Authorization,
            Self::Proxy => HeaderId::ProxyAuthorization,
        }
    }

    /// The header that may bring the next nonce.
    pub(crate) const fn info(self) -> HeaderId {
        match self {
            Self::Server => HeaderId::AuthenticationInfo,
            Self::Proxy => HeaderId::ProxyAuthenticationInfo,
        }
    }
}

/// A challenge with the credential that answers it, for one request after the other.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) place: Place,
    pub(crate) choice: Choice,
    pub(crate) credential: Arc<Credential>,
    /// The host that the challenge came from.
    pub(crate) host: IpAddr,
    /// One for the nonce, so that a session form hashes the same on both ends, however they read RFC 7616 §3.4.2.
    cnonce: String,
    nc: u32,
}

impl Session {
    pub(crate) fn new(
        place: Place,
        choice: Choice,
        credential: Arc<Credential>,
        host: IpAddr,
        random: &mut dyn Random,
    ) -> Self {
        Self { place, choice, credential, host, cnonce: cnonce(random), nc: 0 }
    }

    pub(crate) fn realm(&self) -> &str {
        &self.choice.challenge.realm
    }

    pub(crate) fn nonce(&self) -> &str {
        &self.choice.challenge.nonce
    }

    /// Takes the nonce that the server wants to see next (RFC 7616 §3.5).
    pub(crate) fn renew(&mut self, nonce: String, random: &mut dyn Random) {
        self.choice.challenge.nonce = nonce;
        self.cnonce = cnonce(random);
        self.nc = 0;
    }

    /// The credentials for the next request, with a count of their own. `None` when the nonce is used up or the peer's
    /// words cannot be repeated in a header.
    pub(crate) fn credentials(&mut self, subject: &Subject<'_>) -> Option<String> {
        self.nc = self.nc.checked_add(1)?;
        self.written(subject).ok().flatten()
    }

    fn written(&self, subject: &Subject<'_>) -> Result<Option<String>, BuildError> {
        let challenge = &self.choice.challenge;
        let (algorithm, realm, user) = (challenge.algorithm, self.realm(), self.credential.user());
        let Some(ha1) = self.credential.secret().ha1(algorithm, user, realm) else { return Ok(None) };
        let (qop, nc, cnonce) = (self.choice.qop, self.nc, &*self.cnonce);
        let terms = Terms { algorithm, nonce: &challenge.nonce, qop, nc, cnonce };
        let username = if challenge.userhash { hash::user(algorithm, user, realm) } else { user.into() };
        DigestCredentialsBuf {
            username,
            realm: realm.into(),
            nonce: challenge.nonce.clone(),
            uri: subject.uri.into(),
            response: hash::response(&ha1, &terms, subject),
            algorithm: self.choice.named.then_some(algorithm),
            opaque: challenge.opaque.clone(),
            protection: qop.map(|qop: Qop| Protection { qop, nc, cnonce: cnonce.into() }),
            userhash: challenge.userhash,
        }
        .encode()
        .map(Some)
    }
}

/// 128 random bits (RFC 7616 §5.12).
fn cnonce(random: &mut dyn Random) -> String {
    format!("{:016x}{:016x}", random.next_u64(), random.next_u64())
}
