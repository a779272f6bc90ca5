//! With what we answer challenges.

use std::{fmt, sync::Arc};

use sip_message::{Uri, UriBuf};

use super::secret::Secret;

/// A user name with its secret, and for whom it is meant.
///
/// Inside a dialog the peer may be anybody, and a challenge to a BYE or REFER is a way to steal a proof (SEC-15). There a
/// credential answers only if its realm was named here, and one without a realm, or a
/// [`guarded`](Self::guarded) one, only the host that has taken it outside of a dialog before, in that realm: a 407 of that
/// host, and a 401 where it is the other end of the dialog (no route set, and its address in the Contact) or has asked by 401
/// for the same call before.
///
/// What cannot be told apart: behind a proxy that records its route, a 407 that the peer has made comes from the address of
/// the proxy as the proxy's own does, and is answered. Such a proof holds for one nonce, method and URI; against a peer who
/// tries passwords on it only a strong one helps, or a proxy that lets no 407 of others pass.
#[derive(Clone)]
pub struct Credential {
    realm: Option<Box<str>>,
    account: Option<UriBuf>,
    user: Box<str>,
    secret: Secret,
    guarded: bool,
}

impl Credential {
    /// For every challenge of a realm, whatever our From is.
    pub fn of_realm(realm: impl Into<Box<str>>, user: impl Into<Box<str>>, secret: Secret) -> Self {
        Self { realm: Some(realm.into()), account: None, user: user.into(), secret, guarded: false }
    }

    /// For requests whose From is this address of record, in whatever realm.
    pub fn of_account(account: UriBuf, user: impl Into<Box<str>>, secret: Secret) -> Self {
        Self { realm: None, account: Some(account), user: user.into(), secret, guarded: false }
    }

    /// Restricts it to one realm.
    #[must_use]
    pub fn in_realm(mut self, realm: impl Into<Box<str>>) -> Self {
        self.realm = Some(realm.into());
        self
    }

    /// Restricts it to requests whose From is this address of record.
    #[must_use]
    pub fn for_account(mut self, account: UriBuf) -> Self {
        self.account = Some(account);
        self
    }

    /// Inside a dialog answers only a host that has taken it outside of one before: for the credentials of a registrar
    /// whose realm everybody knows.
    #[must_use]
    pub const fn guarded(mut self) -> Self {
        self.guarded = true;
        self
    }

    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    pub(crate) const fn secret(&self) -> &Secret {
        &self.secret
    }

    pub(crate) const fn is_guarded(&self) -> bool {
        self.guarded || self.realm.is_none()
    }

    /// Whether it is the same in all that it says.
    fn is_same(&self, other: &Self) -> bool {
        self.realm == other.realm
            && self.account == other.account
            && self.user == other.user
            && self.secret.is_same(&other.secret)
            && self.guarded == other.guarded
    }

    /// How well it fits: the account counts more than the realm, because the realm is the peer's word. `None` if it does
    /// not fit.
    fn fits(&self, realm: &str, from: Option<&Uri<'_>>) -> Option<(bool, bool)> {
        let by_account = match (&self.account, from) {
            (None, _) => false,
            (Some(account), Some(from)) if is_same_record(&account.as_uri(), from) => true,
            (Some(_), _) => return None,
        };
        match &self.realm {
            None => Some((by_account, false)),
            Some(ours) if **ours == *realm => Some((by_account, true)),
            Some(_) => None,
        }
    }
}

/// Whether two URIs name one address of record: user and host, whatever the parameters (RFC 3261 §10.3).
fn is_same_record(one: &Uri<'_>, two: &Uri<'_>) -> bool {
    one.user() == two.user() && one.host().to_string().eq_ignore_ascii_case(&two.host().to_string())
}

/// Shows for whom it is meant, not who it is.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("realm", &self.realm).finish_non_exhaustive()
    }
}

/// All that we can answer challenges with.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    credentials: Vec<Arc<Credential>>,
}

/// A keyring that is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a keyring holds {} credentials at most", Keyring::CREDENTIALS)]
pub struct KeyringFull;

impl Keyring {
    /// Most credentials: a gateway has some hundred accounts, and each challenge looks through all of them.
    pub const CREDENTIALS: usize = 512;

    /// An empty one: no challenge is answered.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a credential. Of several that fit equally well the first one is used.
    pub fn add(&mut self, credential: Credential) -> Result<(), KeyringFull> {
        if self.credentials.len() >= Self::CREDENTIALS {
            return Err(KeyringFull);
        }
        self.credentials.push(Arc::new(credential));
        Ok(())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.credentials.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.credentials.is_empty()
    }

    /// The credential that says the same.
    pub(crate) fn same(&self, credential: &Credential) -> Option<&Arc<Credential>> {
        self.credentials.iter().find(|ours| ours.is_same(credential))
    }

    /// The credential for a challenge.
    pub(crate) fn find(&self, realm: &str, from: Option<&Uri<'_>>) -> Option<&Arc<Credential>> {
        let mut best: Option<((bool, bool), &Arc<Credential>)> = None;
        for credential in &self.credentials {
            let Some(fit) = credential.fits(realm, from) else { continue };
            if best.is_none_or(|(so_far, _)| fit > so_far) {
                best = Some((fit, credential));
            }
        }
        best.map(|(_, credential)| credential)
    }
}
