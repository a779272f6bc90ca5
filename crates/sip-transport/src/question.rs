//! Questions to the domain name system and their answers (RFC 3263, RFC 3403, RFC 2782).

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use smallvec::SmallVec;
use thiserror::Error;

/// What is asked of the resolver. Names are without a final dot and in lower case, so that equal questions are equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {
    /// The NAPTR records of a domain (RFC 3403): answered by [`Records::Naptr`].
    Naptr(Box<str>),
    /// The SRV records of a service, as `_sip._udp.example.com` (RFC 2782): answered by [`Records::Srv`].
    Srv(Box<str>),
    /// The A and AAAA records of a host: answered by [`Records::Addresses`].
    Addresses(Box<str>),
}

impl Question {
    /// The name that is asked about.
    pub fn name(&self) -> &str {
        match self {
            Self::Naptr(name) | Self::Srv(name) | Self::Addresses(name) => name,
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Naptr(_) => "NAPTR",
            Self::Srv(_) => "SRV",
            Self::Addresses(_) => "A/AAAA",
        };
        write!(f, "{} {kind}", self.name())
    }
}

/// The addresses of a host name in the order to try.
pub type Addresses = SmallVec<[IpAddr; 4]>;

/// A NAPTR record, as far as SIP uses it (RFC 3263 §4.1): only those with the flag `s` and no regular expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naptr {
    /// Which record comes first; lower is earlier.
    pub order: u16,
    /// Which comes first of one order.
    pub preference: u16,
    /// The service, as `SIP+D2U`.
    pub service: Box<str>,
    /// The name whose SRV records to ask for.
    pub replacement: Box<str>,
}

/// An SRV record (RFC 2782).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Srv {
    /// Which record comes first; lower is earlier.
    pub priority: u16,
    /// The share of the requests among those of one priority.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host; `.` says that the service is not offered.
    pub target: Box<str>,
}

/// What the resolver found; never an empty list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Records {
    /// NAPTR records in any order.
    Naptr(Arc<[Naptr]>),
    /// SRV records in any order.
    Srv(Arc<[Srv]>),
    /// Addresses in the order to try (RFC 6724).
    Addresses(Addresses),
}

impl Records {
    /// The first `most` of the records.
    #[must_use]
    pub fn first(&self, most: usize) -> Self {
        match self {
            Self::Naptr(records) if records.len() > most => Self::Naptr(records[..most].into()),
            Self::Srv(records) if records.len() > most => Self::Srv(records[..most].into()),
            Self::Addresses(records) => Self::Addresses(records.iter().copied().take(most).collect()),
            Self::Naptr(_) | Self::Srv(_) => self.clone(),
        }
    }
}

/// An answer of the resolver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The records.
    pub records: Records,
    /// How long they may be kept: the least time to live of them.
    pub ttl: Duration,
}

/// Why the resolver has no records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LookupError {
    /// The name has no such record, or the resolver says that there is no such name.
    #[error("the name has no such record")]
    NotFound,
    /// The resolver did not answer in time, or with an error of its own.
    #[error("the resolver does not answer")]
    Timeout,
    /// The resolver cannot ask for records of this kind.
    #[error("the resolver does not ask for such records")]
    Unsupported,
}
