//! The DNS itself, by hickory.

use std::{error::Error, fmt, net::SocketAddr, sync::Arc, time::Duration};

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig},
    lookup::Lookup,
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::rr::{Name, RData, Record, RecordType},
};
use thiserror::Error;

use crate::{
    question::{Addresses, Answer, LookupError, Naptr, Question, Records, Srv},
    targets::MAX_RECORDS,
};

use super::{LookUp, Resolver};

/// How often an attempt is repeated. With the default times all attempts fit into the limit, so that a host whose AAAA
/// records nobody answers for is still found by its A records.
const REPEATS: usize = 1;

/// The settings of [`DnsResolver`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsConfig {
    /// The name servers to ask; none: those of the system, with its `hosts` file and its search domains for host names
    /// without a dot.
    pub servers: Vec<SocketAddr>,
    /// Longest wait for one name server to answer once; 2 s, so that there is time to ask again.
    pub attempt: Duration,
    /// Longest wait for an answer in all, 5 s: what a system resolver takes for one unanswered try.
    pub limit: Duration,
}

impl Default for DnsConfig {
    fn default() -> Self {
        Self { servers: Vec::new(), attempt: Duration::from_secs(2), limit: Duration::from_secs(5) }
    }
}

/// The resolver cannot be set up: the system's configuration cannot be read, or names no name server.
#[derive(Debug, Error)]
#[error("the resolver cannot be set up: {0}")]
pub struct DnsSetupError(#[source] Box<dyn Error + Send + Sync>);

/// Asks name servers for NAPTR, SRV, A and AAAA records. An answer that does not fit into a datagram is asked for again by
/// TCP.
///
/// It keeps no answers, as the transport layer does. IPv6 addresses come before IPv4 ones (RFC 6724 §2.1, RFC 7984 §4). Its
/// sockets belong to the tokio runtime that asks first.
pub struct DnsResolver {
    resolver: TokioResolver,
    limit: Duration,
}

impl DnsResolver {
    /// Makes a resolver; asks nobody yet.
    pub fn new(config: &DnsConfig) -> Result<Self, DnsSetupError> {
        Self::build(config).map_err(|error| DnsSetupError(error.into()))
    }

    fn build(config: &DnsConfig) -> Result<Self, NetError> {
        let mut builder = if config.servers.is_empty() {
            TokioResolver::builder_tokio()?
        } else {
            let servers = config.servers.iter().map(|server| {
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                    connection.port = server.port();
                    connection
                });
                NameServerConfig::new(server.ip(), true, connections.into())
            });
            let servers = ResolverConfig::from_name_servers(servers.collect());
            let mut builder = TokioResolver::builder_with_config(servers, TokioRuntimeProvider::default());
            builder.options_mut().use_hosts_file = ResolveHosts::Never;
            builder
        };
        let options = builder.options_mut();
        options.cache_size = 0;
        options.ip_strategy = LookupIpStrategy::Ipv6AndIpv4;
        options.timeout = config.attempt;
        options.attempts = REPEATS;
        Ok(Self { resolver: builder.build()?, limit: config.limit })
    }

    async fn ask(&self, question: &Question) -> Result<Answer, LookupError> {
        // What is no domain name has no records.
        let mut name = Name::from_ascii(question.name()).map_err(|_| LookupError::NotFound)?;
        // Search domains are for short names of hosts; a service of another domain must not be looked for in ours.
        name.set_fqdn(name.num_labels() > 1 || !matches!(question, Question::Addresses(_)));
        let lookup = match question {
            Question::Naptr(_) => self.resolver.lookup(name, RecordType::NAPTR).await,
            Question::Srv(_) => self.resolver.lookup(name, RecordType::SRV).await,
            Question::Addresses(_) => self.resolver.lookup_ip(name).await.map(Lookup::from),
        };
        let lookup = lookup.map_err(|error| reason(&error))?;
        let records = match question {
            Question::Naptr(_) => some(lookup.answers().iter().filter_map(naptr)).map(Records::Naptr),
            Question::Srv(_) => some(lookup.answers().iter().filter_map(srv)).map(Records::Srv),
            Question::Addresses(_) => {
                let addresses: Addresses = lookup
                    .answers()
                    .iter()
                    .filter_map(|record| record.data.ip_addr())
                    .take(MAX_RECORDS)
                    .collect();
                (!addresses.is_empty()).then_some(Records::Addresses(addresses))
            }
        };
        // Of everything, aliases included.
        let ttl = lookup.answers().iter().map(|record| record.ttl).min().unwrap_or(0);
        let ttl = Duration::from_secs(ttl.into());
        records.map(|records| Answer { records, ttl }).ok_or(LookupError::NotFound)
    }
}

impl fmt::Debug for DnsResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DnsResolver").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl Resolver for DnsResolver {
    fn look_up(&self, question: Question) -> LookUp<'_> {
        Box::pin(async move {
            let answer = tokio::time::timeout(self.limit, self.ask(&question)).await;
            answer.unwrap_or(Err(LookupError::Timeout))
        })
    }
}

/// A name server that answers with an error is one that does not know, which is not the same as that there is nothing.
fn reason(error: &NetError) -> LookupError {
    if error.is_no_records_found() { LookupError::NotFound } else { LookupError::Timeout }
}

/// At most so many records as are looked at; `None` without any.
fn some<T>(records: impl Iterator<Item = T>) -> Option<Arc<[T]>> {
    let records: Arc<[T]> = records.take(MAX_RECORDS).collect();
    (!records.is_empty()).then_some(records)
}

/// A NAPTR record that ends at SRV records, as those of SIP do (RFC 3263 §4.1, RFC 3403 §4.1).
fn naptr(record: &Record) -> Option<Naptr> {
    let RData::NAPTR(naptr) = &record.data else { return None };
    if !naptr.flags.eq_ignore_ascii_case(b"s") || !naptr.regexp.is_empty() {
        return None;
    }
    Some(Naptr {
        order: naptr.order,
        preference: naptr.preference,
        service: str::from_utf8(&naptr.services).ok()?.into(),
        replacement: text(&naptr.replacement),
    })
}

fn srv(record: &Record) -> Option<Srv> {
    let RData::SRV(srv) = &record.data else { return None };
    Some(Srv { priority: srv.priority, weight: srv.weight, port: srv.port, target: text(&srv.target) })
}

/// The name without a final dot; `.` for the root.
fn text(name: &Name) -> Box<str> {
    let text = name.to_ascii();
    match text.strip_suffix('.') {
        Some(name) if !name.is_empty() => name.into(),
        _ => text.into(),
    }
}
