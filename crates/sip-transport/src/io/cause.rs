//! What the system's errors at a connection mean.

use std::io::{Error, ErrorKind};

use crate::boundary::CloseCause;

/// Sorts an error of a connection, or of making one.
pub(super) fn cause(error: &Error) -> CloseCause {
    #[cfg(feature = "tls")]
    if let Some(cause) = super::tls::cause(error) {
        return cause;
    }
    match error.kind() {
        ErrorKind::ConnectionRefused => CloseCause::Refused,
        ErrorKind::TimedOut => CloseCause::TimedOut,
        // The last is an address of ours that is not there any more.
        ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::AddrNotAvailable => CloseCause::NoRoute,
        _ => CloseCause::Lost,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_systems_errors_are_told_by_what_they_mean() {
        for (code, name, expected) in [
            (111, "ECONNREFUSED", CloseCause::Refused),
            (110, "ETIMEDOUT", CloseCause::TimedOut),
            (113, "EHOSTUNREACH", CloseCause::NoRoute),
            (101, "ENETUNREACH", CloseCause::NoRoute),
            (99, "EADDRNOTAVAIL", CloseCause::NoRoute),
            (104, "ECONNRESET", CloseCause::Lost),
            (32, "EPIPE", CloseCause::Lost),
            (24, "EMFILE", CloseCause::Lost),
        ] {
            assert_eq!(cause(&Error::from_raw_os_error(code)), expected, "{name}");
        }
    }
}
