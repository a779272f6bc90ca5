//! The settings of TLS.

use std::{fmt, io, path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig, Error, RootCertStore, ServerConfig,
    crypto::{CryptoProvider, ring},
    server::{VerifierBuilderError, WebPkiClientVerifier, danger::ClientCertVerifier},
    version::{TLS12, TLS13},
};
use thiserror::Error;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::{
    identity::TlsIdentity,
    pem::{Pem, Roots},
    verify::Domains,
};

/// Why there is no TLS with these settings.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// What stands there is no PEM.
    #[error("{0} is not PEM")]
    Malformed(Pem),
    /// There is no certificate in it.
    #[error("no certificate in {0}")]
    NoCertificate(Pem),
    /// There is no private key in it, or one that is encrypted.
    #[error("no private key in {0}")]
    NoKey(Pem),
    /// The certificate and the key do not belong together, or are of a kind that is not supported.
    #[error("the certificate in {chain} cannot be used with the key in {key}")]
    Key {
        /// Where the certificate comes from.
        chain: Pem,
        /// Where the key comes from.
        key: Pem,
        /// The reason.
        #[source]
        source: Error,
    },
    /// A certificate is of no use as that of an authority.
    #[error("a certificate in {pem} cannot be that of an authority")]
    Root {
        /// Where it comes from.
        pem: Pem,
        /// The reason.
        #[source]
        source: Error,
    },
    /// There is no authority to trust: the system has none, or none was given.
    #[error("there are no certificates of authorities")]
    NoRoots,
    /// Client certificates are asked for, and nothing is there to verify them by.
    #[error("client certificates cannot be verified where anybody is accepted")]
    NothingToVerifyBy,
    /// The versions and the algorithms of the provider do not go together.
    #[error("TLS cannot be set up")]
    Setup(#[source] Error),
    /// The authorities cannot be used to verify clients.
    #[error("client certificates cannot be verified")]
    Clients(#[source] VerifierBuilderError),
}

/// Whether a server asks for its clients' certificates: mutual TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientCertificates {
    /// Not asked for; the default, as most user agents have none.
    #[default]
    Ignored,
    /// Asked for; a client without one is nobody in particular, one with a wrong one is refused.
    Optional,
    /// Asked for; a client without one is refused.
    Required,
}

/// TLS for clients and servers: 1.2 and 1.3, by the provider `ring`, with the checks of RFC 5922.
///
/// As a client, a server's certificate is verified against the [`Roots`], then by the name that the request's URI has.
/// As a server, clients' certificates are verified against the same roots, and the domains in them become the
/// [`PeerIdentity`](crate::PeerIdentity) of what they send.
#[derive(Clone)]
pub struct TlsConfig {
    client: TlsConnector,
    server: Option<TlsAcceptor>,
    accepts_any: bool,
}

impl TlsConfig {
    /// Settings with these authorities.
    pub const fn builder(roots: Roots) -> TlsBuilder {
        TlsBuilder { roots, identity: None, client_certificates: ClientCertificates::Ignored }
    }

    /// Whether there is a certificate of ours, which a server needs.
    pub const fn can_serve(&self) -> bool {
        self.server.is_some()
    }

    /// Whether certificates are not verified ([`Roots::AcceptAny`]).
    pub const fn accepts_any(&self) -> bool {
        self.accepts_any
    }

    pub(super) const fn connector(&self) -> &TlsConnector {
        &self.client
    }

    pub(super) const fn acceptor(&self) -> Option<&TlsAcceptor> {
        self.server.as_ref()
    }
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfig")
            .field("can_serve", &self.can_serve())
            .field("accepts_any", &self.accepts_any)
            .finish_non_exhaustive()
    }
}

/// Makes a [`TlsConfig`].
#[derive(Debug, Clone)]
#[must_use]
pub struct TlsBuilder {
    roots: Roots,
    identity: Option<TlsIdentity>,
    client_certificates: ClientCertificates,
}

impl TlsBuilder {
    /// Our own certificate: shown to clients, and to servers that ask for one.
    pub fn identity(mut self, identity: TlsIdentity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Whether clients are asked for certificates.
    pub const fn client_certificates(mut self, asked: ClientCertificates) -> Self {
        self.client_certificates = asked;
        self
    }

    /// Reads what the authorities' files hold, and makes the settings.
    pub fn build(self) -> Result<TlsConfig, TlsError> {
        let roots = self.roots.store()?;
        let accepts_any = roots.is_none();
        if accepts_any {
            tracing::warn!(
                "TLS certificates are not verified: anybody can be the other side of a connection"
            );
        }
        let provider = provider();
        let server = match &self.identity {
            Some(identity) => {
                let clients = self.clients(roots.as_ref(), &provider)?;
                let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
                    .with_protocol_versions(&[&TLS13, &TLS12])
                    .map_err(TlsError::Setup)?
                    .with_client_cert_verifier(clients)
                    .with_cert_resolver(Arc::new(identity.clone()));
                Some(TlsAcceptor::from(Arc::new(config)))
            }
            None => None,
        };
        let algorithms = provider.signature_verification_algorithms;
        let client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(TlsError::Setup)?
            .dangerous() // as every verifier of one's own
            .with_custom_certificate_verifier(Arc::new(Domains { roots, algorithms }));
        let client = match self.identity {
            Some(identity) => client.with_client_cert_resolver(Arc::new(identity)),
            None => client.with_no_client_auth(),
        };
        Ok(TlsConfig { client: TlsConnector::from(Arc::new(client)), server, accepts_any })
    }

    fn clients(
        &self,
        roots: Option<&RootCertStore>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        if self.client_certificates == ClientCertificates::Ignored {
            return Ok(WebPkiClientVerifier::no_client_auth());
        }
        let roots = roots.ok_or(TlsError::NothingToVerifyBy)?;
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots.clone()), Arc::clone(provider));
        let verifier = match self.client_certificates {
            ClientCertificates::Optional => verifier.allow_unauthenticated(),
            ClientCertificates::Required | ClientCertificates::Ignored => verifier,
        };
        verifier.build().map_err(TlsError::Clients)
    }
}

/// The cryptography, named here and not taken from whatever else is in the program.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> TlsIdentity {
        let key = rcgen::generate_simple_self_signed(["example.com".to_owned()]).expect("a certificate");
        let (chain, key) = (Pem::bytes(key.cert.pem()), Pem::bytes(key.signing_key.serialize_pem()));
        TlsIdentity::new(chain, key).expect("they belong together")
    }

    #[test]
    fn who_accepts_anybody_cannot_ask_clients_for_certificates() {
        for asked in [ClientCertificates::Optional, ClientCertificates::Required] {
            let builder =
                TlsConfig::builder(Roots::AcceptAny).identity(identity()).client_certificates(asked);
            assert!(matches!(builder.build(), Err(TlsError::NothingToVerifyBy)), "{asked:?}");
        }
        let config = TlsConfig::builder(Roots::AcceptAny).identity(identity()).build().expect("settings");
        assert!(config.accepts_any() && config.can_serve());
        let client = TlsConfig::builder(Roots::AcceptAny).build().expect("settings");
        assert!(!client.can_serve());
    }

    #[test]
    fn a_key_of_another_certificate_is_refused_and_a_reload_keeps_what_was_there() {
        let one = rcgen::generate_simple_self_signed(["example.com".to_owned()]).expect("a certificate");
        let two = rcgen::generate_simple_self_signed(["example.com".to_owned()]).expect("a certificate");
        let (chain, key) = (Pem::bytes(one.cert.pem()), Pem::bytes(two.signing_key.serialize_pem()));
        assert!(matches!(TlsIdentity::new(chain.clone(), key.clone()), Err(TlsError::Key { .. })));
        let identity = identity();
        assert!(identity.replace(&chain, &key).is_err());
        identity.reload().expect("what it was made of is there");
    }
}
