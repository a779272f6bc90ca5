//! What the parties of a case speak: where ours listen, how they are called, and what they need for TLS.

use std::net::Ipv4Addr;

use patchcord_tests::peer::{
    PeerError,
    authority::{Authority, Identity},
    sockets::Table,
};

/// A transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Udp,
    Tcp,
    Tls,
    Ws,
    Wss,
}

impl Over {
    /// Its name in the table.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
        }
    }

    /// Its name in a URI and in `--listen`.
    pub(crate) const fn token(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }

    /// The port of whoever speaks it, kamailio too.
    pub(crate) const fn port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
            Self::Ws => 8080,
            Self::Wss => 8443,
        }
    }

    /// What `--listen` takes.
    pub(crate) fn listen(self, address: Ipv4Addr) -> String {
        format!("{}:{address}:{}", self.token(), self.port())
    }

    /// The URI of a user at an address or a name.
    pub(crate) fn uri(self, user: &str, host: &str) -> String {
        format!("sip:{user}@{host}:{};transport={}", self.port(), self.token())
    }

    /// The kernel's table of its sockets.
    pub(crate) const fn table(self) -> Table {
        match self {
            Self::Udp => Table::Udp,
            Self::Tcp | Self::Tls | Self::Ws | Self::Wss => Table::Tcp,
        }
    }

    /// Whether it has connections.
    pub(crate) const fn connects(self) -> bool {
        !matches!(self, Self::Udp)
    }
}

/// The options that show a certificate and trust an authority.
pub(crate) fn tls(identity: &Identity, roots: &std::path::Path) -> Vec<String> {
    let path = |path: &std::path::Path| path.display().to_string();
    ["--tls-cert".to_owned(), path(&identity.certificate), "--tls-key".to_owned(), path(&identity.key)]
        .into_iter()
        .chain(trust(roots))
        .collect()
}

/// The options that trust an authority and nobody else.
pub(crate) fn trust(roots: &std::path::Path) -> Vec<String> {
    vec!["--tls-ca".to_owned(), roots.display().to_string()]
}

/// Whom all of a case trust, and the certificate that all of them show.
pub(crate) struct Trust {
    pub(crate) authority: Authority,
    pub(crate) identity: Identity,
}

impl Trust {
    /// Keeps the authority's files by the name of `place`, which no other case has. linphonec takes an address only where it
    /// stands in the certificate as a domain name, and we only as an address.
    pub(crate) fn of(place: Ipv4Addr, addresses: &[Ipv4Addr]) -> Result<Self, PeerError> {
        let authority = Authority::new(&place.to_string())?;
        let names = addresses.iter().flat_map(|address| [address.to_string(), format!("dns:{address}")]);
        let names: Vec<String> = names.collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let identity = authority.issue("all", &names)?;
        Ok(Self { authority, identity })
    }

    /// The arguments of ours by which it listens and calls so.
    pub(crate) fn arguments(&self, over: Over) -> Vec<String> {
        if over == Over::Tls { tls(&self.identity, &self.authority.roots()) } else { Vec::new() }
    }
}
