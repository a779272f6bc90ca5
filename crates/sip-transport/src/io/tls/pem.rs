//! Certificates and keys as they come: PEM, in files or in memory (RFC 7468).

use std::{borrow::Cow, fmt, fs, path::PathBuf, sync::Arc};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::config::TlsError;

/// PEM text: a file, or bytes in memory.
#[derive(Clone)]
pub enum Pem {
    /// The file's name.
    File(PathBuf),
    /// The text itself.
    Bytes(Arc<[u8]>),
}

impl Pem {
    /// A file, read when it is needed.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::File(path.into())
    }

    /// Text in memory.
    pub fn bytes(text: impl AsRef<[u8]>) -> Self {
        Self::Bytes(text.as_ref().into())
    }

    fn read(&self) -> Result<Cow<'_, [u8]>, TlsError> {
        match self {
            Self::File(path) => match fs::read(path) {
                Ok(text) => Ok(Cow::Owned(text)),
                Err(source) => Err(TlsError::Read { path: path.clone(), source }),
            },
            Self::Bytes(text) => Ok(Cow::Borrowed(text)),
        }
    }

    /// All certificates in it; never none.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let text = self.read()?;
        let all = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
        match all {
            Ok(all) if !all.is_empty() => Ok(all),
            Ok(_) => Err(TlsError::NoCertificate(self.clone())),
            Err(_) => Err(TlsError::Malformed(self.clone())),
        }
    }

    /// The first private key in it.
    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        PrivateKeyDer::from_pem_slice(&self.read()?).map_err(|_| TlsError::NoKey(self.clone()))
    }
}

/// Says where it comes from, never what is in it: that may be a key.
impl fmt::Display for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Bytes(text) => write!(f, "{} bytes in memory", text.len()),
        }
    }
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pem({self})")
    }
}

/// Whose word is taken for who the other side is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Roots {
    /// The authorities that the system trusts.
    System,
    /// These certificates of authorities and no others: a private authority.
    Pinned(Vec<Pem>),
    /// Anybody's: certificates are not verified, and whoever is between the two sides can read and change everything.
    ///
    /// For laboratories only. It is logged as a warning when the settings are made and for each connection. Nobody's name
    /// is verified then, and client certificates are not asked for.
    AcceptAny,
}

impl Roots {
    /// The authorities; `None` if anybody is accepted.
    pub(super) fn store(&self) -> Result<Option<RootCertStore>, TlsError> {
        let mut store = RootCertStore::empty();
        match self {
            Self::System => {
                let found = rustls_native_certs::load_native_certs();
                for error in &found.errors {
                    tracing::warn!(%error, "some of the system's certificates cannot be read");
                }
                // A system's list may hold some that nothing here can read; the others are of use.
                let (_, unusable) = store.add_parsable_certificates(found.certs);
                if unusable > 0 {
                    tracing::debug!(unusable, "some of the system's certificates are not understood");
                }
            }
            Self::Pinned(pems) => {
                for pem in pems {
                    for certificate in pem.certificates()? {
                        store
                            .add(certificate)
                            .map_err(|source| TlsError::Root { pem: pem.clone(), source })?;
                    }
                }
            }
            Self::AcceptAny => return Ok(None),
        }
        if store.is_empty() { Err(TlsError::NoRoots) } else { Ok(Some(store)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_a_pem_is_never_shown() {
        let pem = Pem::bytes("-----BEGIN PRIVATE KEY-----");
        assert_eq!(format!("{pem} {pem:?}"), "27 bytes in memory Pem(27 bytes in memory)");
    }

    #[test]
    fn what_cannot_be_used_is_told_by_its_place() {
        let missing = Pem::file("/nonexistent/ca.pem");
        assert!(
            matches!(missing.certificates(), Err(TlsError::Read { path, .. }) if path.ends_with("ca.pem"))
        );
        assert!(matches!(Pem::bytes("").certificates(), Err(TlsError::NoCertificate(_))));
        assert!(matches!(Pem::bytes("").key(), Err(TlsError::NoKey(_))));
        let broken = Pem::bytes("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n");
        assert!(matches!(broken.certificates(), Err(TlsError::Malformed(_))));
        assert!(matches!(Roots::Pinned(Vec::new()).store(), Err(TlsError::NoRoots)));
    }
}
