//! Host names by the system's resolver.

use std::time::Duration;

use crate::{
    question::{Addresses, Answer, LookupError, Question, Records},
    targets::MAX_RECORDS,
};

use super::{LookUp, Resolver};

/// Longest wait for the system's resolver: the time it gives one unanswered query by itself.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an answer of the system's resolver may be kept: it tells no time to live, and what it says may come from a file
/// that somebody is editing. Long enough that the calls of one burst ask once.
pub const SYSTEM_TTL: Duration = Duration::from_secs(30);

/// The system's resolver, `hosts` file and search domains included. It knows addresses only: NAPTR and SRV records are
/// [`LookupError::Unsupported`].
///
/// Gives at most [`MAX_RECORDS`] addresses in the system's order (RFC 6724), without repeats. A question takes a thread of
/// the runtime's blocking pool, which may stay with it after the wait has ended.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn look_up(&self, question: Question) -> LookUp<'_> {
        Box::pin(ask(question))
    }
}

async fn ask(question: Question) -> Result<Answer, LookupError> {
    let Question::Addresses(host) = question else { return Err(LookupError::Unsupported) };
    // The port has no influence on the answer.
    let query = tokio::net::lookup_host((&*host, 0));
    let answer = match tokio::time::timeout(LOOKUP_TIMEOUT, query).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => return Err(LookupError::NotFound),
        Err(_) => return Err(LookupError::Timeout),
    };
    let mut addresses = Addresses::new();
    for ip in answer.map(|address| address.ip()) {
        if addresses.len() < MAX_RECORDS && !addresses.contains(&ip) {
            addresses.push(ip);
        }
    }
    if addresses.is_empty() {
        return Err(LookupError::NotFound);
    }
    Ok(Answer { records: Records::Addresses(addresses), ttl: SYSTEM_TTL })
}
