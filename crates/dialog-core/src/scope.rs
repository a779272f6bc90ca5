//! How far a failure response reaches: the table of RFC 5057 §5.1 (TR-241).

use sip_message::{Method, StatusCode};

/// What a failure response within a dialog ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Only the transaction.
    Transaction,
    /// The usage in which the request was sent.
    Usage,
    /// The dialog with all its usages.
    Dialog,
}

/// The scope of a final response of 300 or more. Codes that the table does not name follow the rule for their
/// class: only the transaction.
pub(crate) fn scope(status: StatusCode) -> Scope {
    match status.as_u16() {
        404 | 410 | 416 | 482..=485 | 502 | 604 => Scope::Dialog,
        405 | 480 | 481 | 489 | 501 => Scope::Usage,
        _ => Scope::Transaction,
    }
}

/// The scope of a response to a request of this method within a call: what complains of a method that the call does not live
/// by, or of an event package that the request has not, is about that request only (RFC 5057 §5.1, notes 3 and 12). An UPDATE
/// can be done by re-INVITE.
pub(crate) fn scope_of(method: Method, status: StatusCode) -> Scope {
    let integral = matches!(method, Method::Invite | Method::Ack | Method::Prack);
    match status.as_u16() {
        405 | 501 if !integral => Scope::Transaction,
        489 => Scope::Transaction,
        _ => scope(status),
    }
}

/// Whether a response to NOTIFY or to a refresh SUBSCRIBE ends the subscription (RFC 6665 §4.2.2, §4.1.2.2,
/// TR-047, TR-048): the same codes as those that end a usage or a dialog, without 502.
pub(crate) fn ends_subscription(status: StatusCode) -> bool {
    matches!(status.as_u16(), 404 | 405 | 410 | 416 | 480..=485 | 489 | 501 | 604)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(number: u16) -> StatusCode {
        StatusCode::new(number).expect("a status code")
    }

    #[test]
    fn every_code_of_the_table_has_its_scope() {
        const TRANSACTION: &[u16] = &[
            400, 401, 402, 403, 406, 407, 408, 412, 413, 414, 415, 417, 420, 421, 422, 423, 428, 429, 436,
            437, 438, 486, 487, 488, 491, 493, 494, 500, 503, 504, 505, 513, 580, 600, 603, 606,
        ];
        for number in TRANSACTION {
            assert_eq!(scope(code(*number)), Scope::Transaction, "{number}");
            assert!(!ends_subscription(code(*number)), "{number}");
        }
        for number in [405, 480, 481, 489, 501] {
            assert_eq!(scope(code(number)), Scope::Usage, "{number}");
            assert!(ends_subscription(code(number)), "{number}");
        }
        for number in [404, 410, 416, 482, 483, 484, 485, 502, 604] {
            assert_eq!(scope(code(number)), Scope::Dialog, "{number}");
            assert_eq!(ends_subscription(code(number)), number != 502, "{number}");
        }
    }
}
