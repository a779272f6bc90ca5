//! An authority that issues certificates for peers and for us, as the PEM files that everybody reads.

use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};

use super::{PeerError, scratch};

/// An authority that exists for one test. Its files are gone when it is dropped.
pub struct Authority {
    folder: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Both in one file.
    pub both: PathBuf,
}

impl Authority {
    /// Makes one; `name` is that of its folder and stands in its certificate.
    pub fn new(name: &str) -> Result<Self, PeerError> {
        let folder = scratch(&format!("authority-{name}"))?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // OpenSSL finds the issuer by its name: two authorities of one name would be one to it.
        params.distinguished_name.push(DnType::CommonName, format!("Authority {name}"));
        let key = KeyPair::generate().map_err(unable)?;
        let own = params.self_signed(&key).map_err(unable)?.pem();
        write(&folder.join("ca.pem"), &own)?;
        Ok(Self { folder, issuer: Issuer::new(params, key) })
    }

    /// The file with its own certificate, for whoever is to trust it.
    pub fn roots(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Issues a certificate for these names: addresses, `sip:` URIs (RFC 5922 §7.1) and domain names, and after `dns:`
    /// whatever is to stand there as a domain name.
    pub fn issue(&self, file: &str, names: &[&str]) -> Result<Identity, PeerError> {
        let mut params = CertificateParams::default();
        for name in names {
            params.subject_alt_names.push(match name.parse::<IpAddr>() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) if name.starts_with("sip:") => SanType::URI((*name).try_into().map_err(unable)?),
                Err(_) => {
                    SanType::DnsName(name.strip_prefix("dns:").unwrap_or(name).try_into().map_err(unable)?)
                }
            });
        }
        let key = KeyPair::generate().map_err(unable)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(unable)?.pem();
        let key = key.serialize_pem();
        let place = |ending: &str| self.folder.join(format!("{file}.{ending}"));
        let identity = Identity { certificate: place("crt"), key: place("key"), both: place("pem") };
        write(&identity.certificate, &certificate)?;
        write(&identity.key, &key)?;
        write(&identity.both, &format!("{certificate}{key}"))?;
        Ok(identity)
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        // It holds only what was written here.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn unable(error: rcgen::Error) -> PeerError {
    PeerError::Environment { what: "a certificate".to_owned(), source: std::io::Error::other(error) }
}

fn write(path: &Path, text: &str) -> Result<(), PeerError> {
    fs::write(path, text)
        .map_err(|source| PeerError::Environment { what: path.display().to_string(), source })
}
