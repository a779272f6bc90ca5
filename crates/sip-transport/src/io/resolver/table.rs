//! A table in place of the DNS.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use crate::{
    question::{Addresses, Answer, LookupError, Naptr, Question, Records, Srv},
    targets::domain::domain_name,
};

use super::{LookUp, Resolver};

/// How long an answer from a table may be kept, if nothing else is said. It does not change; the time is short so that a
/// program which puts another table in its place need not wait long.
pub const TABLE_TTL: Duration = Duration::from_secs(30);

/// Answers from a table and asks nobody: for tests, and for networks whose hosts are known. What is not in it is
/// [`LookupError::NotFound`]. Names compare without regard to case and to a final dot.
///
/// ```
/// use sip_transport::{Srv, io::StaticResolver};
///
/// let table = StaticResolver::default()
///     .srv("_sip._udp.example.com", Srv { priority: 0, weight: 0, port: 5070, target: "a.example.com".into() })
///     .host("a.example.com", ["192.0.2.1".parse()?]);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Clone)]
pub struct StaticResolver {
    naptr: BTreeMap<Box<str>, Vec<Naptr>>,
    srv: BTreeMap<Box<str>, Vec<Srv>>,
    hosts: BTreeMap<Box<str>, Addresses>,
    failures: BTreeMap<Question, LookupError>,
    ttl: Duration,
}

impl Default for StaticResolver {
    fn default() -> Self {
        Self {
            naptr: BTreeMap::new(),
            srv: BTreeMap::new(),
            hosts: BTreeMap::new(),
            failures: BTreeMap::new(),
            ttl: TABLE_TTL,
        }
    }
}

impl StaticResolver {
    /// Adds addresses of a host, behind those it has.
    #[must_use]
    pub fn host(mut self, name: &str, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.hosts.entry(key(name)).or_default().extend(addresses);
        self
    }

    /// Adds an SRV record at a name such as `_sip._udp.example.com`.
    #[must_use]
    pub fn srv(mut self, name: &str, record: Srv) -> Self {
        self.srv.entry(key(name)).or_default().push(record);
        self
    }

    /// Adds a NAPTR record of a domain.
    #[must_use]
    pub fn naptr(mut self, domain: &str, record: Naptr) -> Self {
        self.naptr.entry(key(domain)).or_default().push(record);
        self
    }

    /// Lets a question fail, whatever else is said about it.
    #[must_use]
    pub fn failure(mut self, question: Question, error: LookupError) -> Self {
        self.failures.insert(question, error);
        self
    }

    /// How long the answers may be kept; [`TABLE_TTL`] if this is not called.
    #[must_use]
    pub const fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    fn answer(&self, question: &Question) -> Result<Answer, LookupError> {
        if let Some(error) = self.failures.get(question) {
            return Err(*error);
        }
        let records = match question {
            Question::Naptr(name) => self.naptr.get(name).map(|all| Records::Naptr(all.as_slice().into())),
            Question::Srv(name) => self.srv.get(name).map(|all| Records::Srv(all.as_slice().into())),
            Question::Addresses(name) => {
                self.hosts.get(name).filter(|all| !all.is_empty()).cloned().map(Records::Addresses)
            }
        };
        records.map(|records| Answer { records, ttl: self.ttl }).ok_or(LookupError::NotFound)
    }
}

/// The name as questions spell it; one that no question can have is kept as it is, and never found.
fn key(name: &str) -> Box<str> {
    domain_name(name).unwrap_or_else(|| name.into())
}

impl Resolver for StaticResolver {
    fn look_up(&self, question: Question) -> LookUp<'_> {
        Box::pin(std::future::ready(self.answer(&question)))
    }
}
