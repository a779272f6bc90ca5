//! Our own certificate, which can be changed while connections are open.

use std::{fmt, sync::Arc};

use rustls::{
    SignatureScheme,
    client::ResolvesClientCert,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::sync::watch;

use super::{
    config::{TlsError, provider},
    pem::Pem,
};

/// Our certificate with its chain and key.
///
/// Clones are the same identity: [`TlsIdentity::reload`] on one changes them all, wherever they are in use.
#[derive(Clone)]
pub struct TlsIdentity {
    source: Arc<(Pem, Pem)>,
    current: Arc<watch::Sender<Arc<CertifiedKey>>>,
}

impl TlsIdentity {
    /// Reads a chain, our own certificate first, and its private key (PKCS #8, PKCS #1 or SEC 1).
    pub fn new(chain: Pem, key: Pem) -> Result<Self, TlsError> {
        let certified = certified(&chain, &key)?;
        let (current, _) = watch::channel(Arc::new(certified));
        Ok(Self { source: Arc::new((chain, key)), current: Arc::new(current) })
    }

    /// Reads the files again. Handshakes from now on show the new certificate; connections that are open stay as they are,
    /// and a client that resumes an earlier session sees none. After an error everything stays as it was.
    ///
    /// Blocks until the files are read.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.replace(&self.source.0, &self.source.1)
    }

    /// As [`TlsIdentity::reload`], from another source this once.
    pub fn replace(&self, chain: &Pem, key: &Pem) -> Result<(), TlsError> {
        self.current.send_replace(Arc::new(certified(chain, key)?));
        Ok(())
    }

    fn current(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.current.borrow())
    }
}

fn certified(chain: &Pem, key: &Pem) -> Result<CertifiedKey, TlsError> {
    CertifiedKey::from_der(chain.certificates()?, key.key()?, &provider()).map_err(|source| TlsError::Key {
        chain: chain.clone(),
        key: key.clone(),
        source,
    })
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsIdentity")
            .field("chain", &self.source.0)
            .field("key", &self.source.1)
            .finish_non_exhaustive()
    }
}

impl ResolvesServerCert for TlsIdentity {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

impl ResolvesClientCert for TlsIdentity {
    fn resolve(&self, _roots: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }

    fn has_certs(&self) -> bool {
        true
    }
}
