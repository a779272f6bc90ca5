//! Host names by the system's resolver.

use std::time::Duration;

use crate::question::{Addresses, Answer, LookupError, Question, Records};

/// Longest wait for the system's resolver: the time it gives one unanswered query by itself.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// Most addresses taken from one answer; what [`Transports`](crate::Transports) makes hops of.
const MAX_ADDRESSES: usize = 4;

/// Looks a host name up by the system's resolver (`hosts` file included).
///
/// Gives at most four addresses in the order of the resolver (RFC 6724), without repeats. The port does not influence
/// the answer. Cancelling the future stops the wait; a thread of the runtime's blocking pool may stay with the query
/// until the system gives up.
pub async fn lookup(question: &Question) -> Result<Answer, LookupError> {
    let Question::Addresses(host) = question else { return Err(LookupError::Unsupported) };
    let query = tokio::net::lookup_host((&**host, 0));
    let answer = match tokio::time::timeout(LOOKUP_TIMEOUT, query).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => return Err(LookupError::NotFound),
        Err(_) => return Err(LookupError::Timeout),
    };
    let mut addresses = Addresses::new();
    for ip in answer.map(|address| address.ip()) {
        if addresses.len() < MAX_ADDRESSES && !addresses.contains(&ip) {
            addresses.push(ip);
        }
    }
    if addresses.is_empty() {
        return Err(LookupError::NotFound);
    }
    Ok(Answer { records: Records::Addresses(addresses), ttl: Duration::ZERO })
}
