//! Host names by the system's resolver.

use std::time::Duration;

use crate::resolving::{Addresses, LookupError};

/// Longest wait for the system's resolver: the time it gives one unanswered query by itself.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// Most addresses taken from one answer; what [`Transports`](crate::Transports) makes hops of.
const MAX_ADDRESSES: usize = 4;

/// Looks a host name up by the system's resolver (`hosts` file included).
///
/// Gives at most four addresses in the order of the resolver (RFC 6724), without repeats. The port does not influence
/// the answer. Cancelling the future stops the wait; a thread of the runtime's blocking pool may stay with the query
/// until the system gives up.
pub async fn lookup(host: &str, port: u16) -> Result<Addresses, LookupError> {
    let query = tokio::net::lookup_host((host, port));
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
    if addresses.is_empty() { Err(LookupError::NotFound) } else { Ok(addresses) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_numeric_host_is_its_own_address() {
        let addresses = lookup("192.0.2.7", 5060).await.expect("numeric hosts need no resolver");
        assert_eq!(addresses.as_slice(), ["192.0.2.7".parse::<std::net::IpAddr>().expect("test address")]);
    }

    #[tokio::test]
    async fn localhost_is_loopback() {
        let addresses = lookup("localhost", 5060).await.expect("every host knows localhost");
        assert!(addresses.iter().all(std::net::IpAddr::is_loopback));
    }

    #[tokio::test]
    async fn what_is_no_name_has_no_address() {
        assert_eq!(lookup("not a host name", 5060).await, Err(LookupError::NotFound));
    }
}
