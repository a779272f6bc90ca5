//! Host names by the system's resolver.

use std::{io, time::Duration};

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

/// What the system says of a name that does not exist or has no address: getaddrinfo's texts in the C library of GNU, in
/// musl, and in those of BSD and Apple. The standard library keeps no number of these errors.
const UNKNOWN: [&str; 5] = [
    "not known",
    "No address associated with",
    "Address family for hostname not supported",
    "does not resolve",
    "has no usable address",
];

/// The numbers of the same in Windows: host not found, no data.
const UNKNOWN_CODES: [i32; 2] = [11_001, 11_004];

/// A name that does not exist, or a resolver that could not say: servers that are silent or fail, no room, no network.
fn meaning(error: &io::Error) -> LookupError {
    let text = error.to_string();
    let unknown = error.raw_os_error().map_or_else(
        || UNKNOWN.iter().any(|known| text.contains(known)),
        |code| cfg!(windows) && UNKNOWN_CODES.contains(&code),
    );
    if unknown { LookupError::NotFound } else { LookupError::Timeout }
}

async fn ask(question: Question) -> Result<Answer, LookupError> {
    let Question::Addresses(host) = question else { return Err(LookupError::Unsupported) };
    // The port has no influence on the answer.
    let query = tokio::net::lookup_host((&*host, 0));
    let answer = match tokio::time::timeout(LOOKUP_TIMEOUT, query).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(meaning(&error)),
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

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn what_the_resolver_could_not_say_is_no_missing_name() {
        let told =
            |text: &str| meaning(&Error::other(format!("failed to lookup address information: {text}")));
        for text in [
            "Name or service not known",
            "No address associated with hostname",
            "nodename nor servname provided, or not known",
            "Name does not resolve",
        ] {
            assert_eq!(told(text), LookupError::NotFound, "{text}");
        }
        for text in [
            "Temporary failure in name resolution",
            "Non-recoverable failure in name resolution",
            "Memory allocation failure",
            "Try again",
        ] {
            assert_eq!(told(text), LookupError::Timeout, "{text}");
        }
        assert_eq!(meaning(&ErrorKind::TimedOut.into()), LookupError::Timeout);
        // Too many open files.
        #[cfg(unix)]
        assert_eq!(meaning(&Error::from_raw_os_error(24)), LookupError::Timeout);
    }
}
