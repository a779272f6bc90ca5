//! Whom we ask to prove who they are, and how (RFC 3261 §22.2, RFC 8760 §2.3).

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use sip_message::{Algorithm, BuildError, DigestChallengeBuf, Method, Qop};

use super::{hash, secret::Secret};

/// Users with their secrets.
#[derive(Clone, Default)]
pub struct Users {
    users: BTreeMap<Arc<str>, Secret>,
}

/// A table of users that is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a table holds {} users at most", Users::LIMIT)]
pub struct UsersFull;

impl Users {
    /// Most users: what one process can serve calls to; a table of this size takes a few megabytes.
    pub const LIMIT: usize = 20_000;

    /// Nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a user, or gives one that is there another secret.
    pub fn add(&mut self, user: impl Into<Arc<str>>, secret: Secret) -> Result<(), UsersFull> {
        let user = user.into();
        if self.users.len() >= Self::LIMIT && !self.users.contains_key(&user) {
            return Err(UsersFull);
        }
        self.users.insert(user, secret);
        Ok(())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }
}

/// Shows how many there are.
impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Users").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// The demand for proof: which requests are answered 401 until they bring it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Authentication {
    /// The methods that are challenged outside of a dialog; ACK and CANCEL never are (RFC 3261 §22.1). By default INVITE, REFER,
    /// SUBSCRIBE and MESSAGE, which cost somebody something; OPTIONS asks only whether we are there.
    pub methods: Vec<Method>,
    /// Whether a REFER within a dialog is challenged as well: it makes us call somebody.
    pub refers: bool,
    /// Whether an INVITE with Replaces is challenged whatever `methods` says: it ends somebody else's call (RFC 3891 §8, check 4
    /// of the transfer catalogue's table 2.4).
    pub replaces: bool,
    /// The algorithms on offer, in any order; the strongest is written first (RFC 8760 §2.3). By default SHA-256 and MD5, which
    /// most peers still need.
    pub algorithms: Vec<Algorithm>,
    /// The qualities of protection on offer; none is the form of RFC 2069, in which each nonce counts once. By default `auth`.
    pub qop: Vec<Qop>,
    /// How long a nonce may be used; afterwards the peer gets a new one with `stale=true`.
    pub nonce_lifetime: Duration,
    /// Of how many nonces the counts are remembered; beyond it the oldest are taken for stale.
    pub nonces: usize,
    realm: Box<str>,
    users: Users,
    /// Users by the hashes of their names, if hashed names are taken.
    hashed: BTreeMap<String, Arc<str>>,
}

impl Authentication {
    /// Default for [`nonce_lifetime`](Self::nonce_lifetime): longer than a call needs to be set up and moved, shorter than
    /// a stolen proof is of use.
    pub const NONCE_LIFETIME: Duration = Duration::from_mins(5);

    /// Default for [`nonces`](Self::nonces): one for each call that is set up within the lifetime; a nonce takes 32 bytes.
    pub const NONCES: usize = 20_000;

    /// A demand with the defaults.
    pub fn new(realm: impl Into<Box<str>>, users: Users) -> Self {
        Self {
            methods: vec![Method::Invite, Method::Refer, Method::Subscribe, Method::Message],
            refers: true,
            replaces: true,
            algorithms: vec![Algorithm::Sha256, Algorithm::Md5],
            qop: vec![Qop::Auth],
            nonce_lifetime: Self::NONCE_LIFETIME,
            nonces: Self::NONCES,
            realm: realm.into(),
            users,
            hashed: BTreeMap::new(),
        }
    }

    /// Takes hashed user names as well (RFC 7616 §3.4.4), and says so.
    #[must_use]
    pub fn with_hashed_names(mut self) -> Self {
        for user in self.users.users.keys() {
            for algorithm in [Algorithm::Md5, Algorithm::Sha256, Algorithm::Sha512_256] {
                self.hashed.insert(hash::user(algorithm, user, &self.realm), user.clone());
            }
        }
        self
    }

    /// The realm.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Whether a request is challenged; `replaces` of one with that header.
    pub(crate) fn demands(&self, method: Method, within: bool, replaces: bool) -> bool {
        match (method, within) {
            (Method::Ack | Method::Cancel, _) => false,
            (Method::Refer, true) => self.refers,
            (_, true) => false,
            (method, false) => self.methods.contains(&method) || replaces && self.replaces,
        }
    }

    /// A user with the secret, by name or by its hash.
    pub(crate) fn user(&self, name: &str, is_hash: bool) -> Option<(&Arc<str>, &Secret)> {
        if is_hash {
            let user = self.hashed.get(&name.to_ascii_lowercase())?;
            return self.users.users.get_key_value(user);
        }
        self.users.users.get_key_value(name)
    }

    /// The values of WWW-Authenticate, the strongest first.
    pub(crate) fn challenges(&self, nonce: &str, stale: bool) -> Result<Vec<String>, BuildError> {
        let mut algorithms = self.algorithms.clone();
        algorithms.sort_by_key(|algorithm| std::cmp::Reverse(hash::strength(*algorithm)));
        let challenge = |algorithm| {
            DigestChallengeBuf {
                realm: self.realm.clone().into(),
                nonce: nonce.into(),
                opaque: None,
                stale,
                algorithm,
                qop: self.qop.clone(),
                userhash: !self.hashed.is_empty(),
            }
            .encode()
        };
        algorithms.into_iter().map(challenge).collect()
    }
}
