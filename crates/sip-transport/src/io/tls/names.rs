//! The SIP domains that a certificate is for (RFC 5922 §7.1), and their comparison (§7.2).

use std::net::IpAddr;

use rustls::pki_types::{CertificateDer, ServerName};
use sip_message::{Host, Scheme, Uri};
use webpki::EndEntityCert;

use crate::flow::PeerIdentity;

/// The identity of a verified certificate; `None` if it is for no domain.
pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<PeerIdentity> {
    PeerIdentity::new(domains(&EndEntityCert::try_from(certificate).ok()?))
}

/// The identity of a verified server, which we know by this name; an address stands behind the domains.
pub(super) fn of_server(certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> Option<PeerIdentity> {
    let mut domains = domains(&EndEntityCert::try_from(certificate).ok()?);
    if let ServerName::IpAddress(ip) = name {
        let ip = IpAddr::from(*ip).to_string().into_boxed_str();
        if !domains.contains(&ip) {
            domains.push(ip);
        }
    }
    PeerIdentity::new(domains)
}

/// Whether a certificate is that of the server with this name (RFC 5922 §7.3): compared whole and without regard to case,
/// never by wildcard. A numeric name is one of the addresses in the certificate.
pub(super) fn shows(certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    let Ok(certificate) = EndEntityCert::try_from(certificate) else { return false };
    let domains = domains(&certificate);
    match name {
        ServerName::DnsName(wanted) => {
            let wanted = wanted.as_ref();
            domains.iter().any(|domain| absolute(domain).eq_ignore_ascii_case(absolute(wanted)))
        }
        ServerName::IpAddress(ip) => {
            let wanted = IpAddr::from(*ip);
            domains.iter().any(|domain| domain.parse() == Ok(wanted))
                || certificate.verify_is_valid_for_subject_name(name).is_ok()
        }
        _ => false,
    }
}

/// A domain without the dot that may stand at its end.
fn absolute(domain: &str) -> &str {
    domain.strip_suffix('.').unwrap_or(domain)
}

/// Domains in lower case: those of SIP URIs, or if there are none the DNS names.
fn domains(certificate: &EndEntityCert<'_>) -> Vec<Box<str>> {
    let by_uri: Vec<_> = certificate.valid_uri_names().filter_map(domain_of).collect();
    if !by_uri.is_empty() {
        return by_uri;
    }
    // A wildcard is no domain: nothing is compared with it.
    let names = certificate.valid_dns_names().filter(|name| !name.contains('*'));
    names.map(|name| name.to_ascii_lowercase().into_boxed_str()).collect()
}

/// The domain of a SIP URI without user; one with a user is a person's.
fn domain_of(text: &str) -> Option<Box<str>> {
    let uri = Uri::parse(text).ok().filter(|_| !text.contains('@'))?;
    if uri.scheme() != Scheme::Sip {
        return None;
    }
    Some(match uri.host() {
        Host::Name(name) => name.to_ascii_lowercase().into(),
        Host::V4(ip) => ip.to_string().into(),
        Host::V6(ip) => ip.to_string().into(),
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::*;

    /// A certificate with these subject alternative names: `uri:`, `dns:` or `ip:`.
    fn certificate(names: &[&str]) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names
            .iter()
            .map(|name| match name.split_once(':').expect("a kind") {
                ("uri", uri) => SanType::URI(uri.try_into().expect("ASCII")),
                ("dns", dns) => SanType::DnsName(dns.try_into().expect("ASCII")),
                (_, ip) => SanType::IpAddress(ip.parse().expect("an address")),
            })
            .collect();
        let key = KeyPair::generate().expect("a key");
        params.self_signed(&key).expect("signed").der().clone()
    }

    fn is(names: &[&str], wanted: &str) -> bool {
        shows(&certificate(names), &ServerName::try_from(wanted.to_owned()).expect("a name"))
    }

    #[test]
    fn sip_uris_are_the_domains_and_dns_names_only_without_them() {
        let all = |names: &[&str]| {
            let peer = of(&certificate(names));
            peer.map(|peer| peer.domains().map(str::to_owned).collect::<Vec<_>>()).unwrap_or_default()
        };
        assert_eq!(all(&["dns:pc.example.com", "uri:sip:Example.COM"]), ["example.com"]);
        assert_eq!(all(&["dns:PC.example.com", "dns:example.org"]), ["pc.example.com", "example.org"]);
        assert_eq!(
            all(&["uri:sip:a.example", "uri:SIP:b.example:5061;transport=tls"]),
            ["a.example", "b.example"]
        );
        // A person's, another scheme's, and what is no URI are no domains: the DNS name counts.
        for other in
            ["uri:sip:alice@example.com", "uri:sips:example.com", "uri:https://example.com", "uri:sip:"]
        {
            assert_eq!(all(&["dns:pc.example.com", other]), ["pc.example.com"], "{other}");
        }
        assert!(all(&["dns:*.example.com"]).is_empty());
        assert!(all(&[]).is_empty());
    }

    #[test]
    fn names_are_compared_whole_and_without_regard_to_case() {
        for (names, wanted, expected) in [
            (&["dns:example.com"][..], "example.com", true),
            (&["dns:EXAMPLE.com"], "example.com", true),
            (&["dns:example.com"], "example.com.", true),
            (&["uri:sip:example.com"], "example.com", true),
            (&["dns:example.com"], "foo.example.com", false),
            (&["dns:foo.example.com"], "example.com", false),
            (&["dns:*.example.com"], "foo.example.com", false),
            (&["dns:*.example.com"], "example.com", false),
            // RFC 5922 §7.1: the DNS name is none of the identities here.
            (&["uri:sip:example.org", "dns:example.com"], "example.com", false),
            (&["uri:sip:alice@example.com"], "example.com", false),
            (&[], "example.com", false),
        ] {
            assert_eq!(is(names, wanted), expected, "{names:?} {wanted}");
        }
    }

    #[test]
    fn a_numeric_name_is_an_address_of_the_certificate() {
        for (names, wanted, expected) in [
            (&["ip:192.0.2.1"][..], "192.0.2.1", true),
            (&["ip:2001:db8::1"], "2001:db8:0::1", true),
            (&["uri:sip:192.0.2.1"], "192.0.2.1", true),
            (&["uri:sip:[2001:db8::1]"], "2001:db8::1", true),
            (&["uri:sip:example.com", "ip:192.0.2.1"], "192.0.2.1", true),
            (&["ip:192.0.2.1"], "192.0.2.2", false),
            (&["dns:example.com"], "192.0.2.1", false),
        ] {
            assert_eq!(is(names, wanted), expected, "{names:?} {wanted}");
        }
        let name = ServerName::try_from("192.0.2.1").expect("a name");
        let peer = of_server(&certificate(&["ip:192.0.2.1", "dns:example.com"]), &name).expect("names");
        assert_eq!(peer.domains().collect::<Vec<_>>(), ["example.com", "192.0.2.1"]);
    }
}
