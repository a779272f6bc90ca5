//! An authority that issues certificates for tests.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType, date_time_ymd};
use sip_transport::io::{
    SocketConfig,
    tls::{Pem, Roots, TlsBuilder, TlsConfig, TlsIdentity},
};

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("signed").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Its own certificate.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// Its own certificate as the only one that is trusted.
    pub(crate) fn roots(&self) -> Roots {
        Roots::Pinned(vec![Pem::bytes(&self.pem)])
    }

    /// A certificate and its key for names as `dns:localhost`, `ip:127.0.0.1` or `uri:sip:example.com`.
    pub(crate) fn issue(&self, names: &[&str]) -> (Pem, Pem) {
        self.issue_until(names, 2999)
    }

    /// As [`Authority::issue`]; it is over in this year.
    pub(crate) fn issue_until(&self, names: &[&str], year: i32) -> (Pem, Pem) {
        let mut params = CertificateParams::default();
        params.not_after = date_time_ymd(year, 1, 1);
        params.subject_alt_names = names
            .iter()
            .map(|name| match name.split_once(':').expect("a kind") {
                ("uri", uri) => SanType::URI(uri.try_into().expect("ASCII")),
                ("dns", dns) => SanType::DnsName(dns.try_into().expect("ASCII")),
                (_, ip) => SanType::IpAddress(ip.parse().expect("an address")),
            })
            .collect();
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        (Pem::bytes(certificate.pem()), Pem::bytes(key.serialize_pem()))
    }

    pub(crate) fn identity(&self, names: &[&str]) -> TlsIdentity {
        let (chain, key) = self.issue(names);
        TlsIdentity::new(chain, key).expect("they belong together")
    }

    /// Trusts it and has a certificate of it.
    pub(crate) fn server(&self, names: &[&str]) -> SocketConfig {
        with(TlsConfig::builder(self.roots()).identity(self.identity(names)))
    }

    /// Trusts it and has none.
    pub(crate) fn client(&self) -> SocketConfig {
        with(TlsConfig::builder(self.roots()))
    }
}

pub(crate) fn with(tls: TlsBuilder) -> SocketConfig {
    let mut config = SocketConfig::default();
    config.tls = Some(tls.build().expect("settings"));
    config
}
