//! TLS: whom to trust, who we are, and the checks of RFC 5922.
//!
//! ```no_run
//! use sip_transport::{
//!     Transport,
//!     io::{
//!         SocketConfig, Sockets,
//!         tls::{ClientCertificates, Pem, Roots, TlsConfig, TlsIdentity},
//!     },
//! };
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let identity = TlsIdentity::new(Pem::file("chain.pem"), Pem::file("key.pem"))?;
//! let tls = TlsConfig::builder(Roots::Pinned(vec![Pem::file("ca.pem")]))
//!     .identity(identity.clone())
//!     .client_certificates(ClientCertificates::Optional);
//! let mut config = SocketConfig::default();
//! config.tls = Some(tls.build()?);
//! let mut sockets = Sockets::new(config);
//! sockets.listen(Transport::Tls, "[::]:5061".parse()?)?;
//!
//! // When the files have changed:
//! identity.reload()?;
//! # Ok(())
//! # }
//! ```

mod config;
mod identity;
mod names;
mod pem;
mod verify;

use rustls::{CertificateError, Error, pki_types::ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

pub use self::{
    config::{ClientCertificates, TlsBuilder, TlsConfig, TlsError},
    identity::TlsIdentity,
    pem::{Pem, Roots},
};
use super::config::SocketConfig;
use crate::{boundary::CloseCause, flow::PeerIdentity};

/// A connection by TLS.
pub(super) type Stream = TlsStream<TcpStream>;

/// The handshake of a server.
pub(super) async fn accept(
    stream: TcpStream,
    config: &SocketConfig,
) -> Result<(Stream, Option<PeerIdentity>), CloseCause> {
    let acceptor = config.tls.as_ref().and_then(TlsConfig::acceptor).ok_or(CloseCause::Handshake)?;
    let stream = acceptor.accept(stream).await.map_err(|error| failed(&error))?;
    // Only certificates that were verified are kept; without one the client is nobody in particular (RFC 5922 §7.4).
    let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let peer = certificate.and_then(names::of);
    Ok((stream.into(), peer))
}

/// The handshake of a client, with somebody of this name.
pub(super) async fn connect(
    stream: TcpStream,
    name: &str,
    config: &SocketConfig,
) -> Result<(Stream, Option<PeerIdentity>), CloseCause> {
    let Some(tls) = &config.tls else {
        tracing::error!(name, "TLS is asked for, and there are no settings for it");
        return Err(CloseCause::Handshake);
    };
    // A certificate cannot show what is no name.
    let server = ServerName::try_from(name.to_owned()).map_err(|_| CloseCause::WrongName)?;
    if tls.accepts_any() {
        tracing::warn!(name, "this connection is to whoever answers: certificates are not verified");
    }
    let stream = tls.connector().connect(server.clone(), stream).await.map_err(|error| failed(&error))?;
    let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let peer =
        if tls.accepts_any() { None } else { certificate.and_then(|shown| names::of_server(shown, &server)) };
    Ok((stream.into(), peer))
}

/// What an error of the handshake means.
fn failed(error: &std::io::Error) -> CloseCause {
    tracing::debug!(%error, "the TLS handshake failed");
    cause(error).unwrap_or(CloseCause::Handshake)
}

/// What an error of TLS means; `None` if it is none.
pub(super) fn cause(error: &std::io::Error) -> Option<CloseCause> {
    let error = error.get_ref()?.downcast_ref::<Error>()?;
    Some(match error {
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => CloseCause::WrongName,
        Error::InvalidCertificate(_) => CloseCause::Untrusted,
        _ => CloseCause::Handshake,
    })
}
