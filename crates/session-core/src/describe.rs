//! Outcomes and the ends of calls in the words of the public interfaces.

use std::borrow::Cow;

use dialog_core::{EndCause, EndReason, SubscriptionEnd};
use sip_message::{StatusCode, SubReason};
use transfer::{LearnedFrom, Outcome, OutcomeKind};

/// An outcome's name as the public interfaces spell it.
pub const fn outcome_name(kind: OutcomeKind) -> &'static str {
    match kind {
        OutcomeKind::Succeeded => "Succeeded",
        OutcomeKind::AcceptedWithoutProgress => "AcceptedWithoutProgress",
        OutcomeKind::Bridged => "Bridged",
        OutcomeKind::Failed => "Failed",
        OutcomeKind::Recovered => "Recovered",
        OutcomeKind::Cancelled => "Cancelled",
        OutcomeKind::TimedOut => "TimedOut",
        OutcomeKind::PeerHungUp => "PeerHungUp",
    }
}

/// The way an outcome was learned as the public interfaces spell it.
pub const fn learned_name(from: LearnedFrom) -> &'static str {
    match from {
        LearnedFrom::Notify => "notify",
        LearnedFrom::Terminated => "terminated",
        LearnedFrom::Bye => "bye",
        LearnedFrom::Guard => "guard",
        LearnedFrom::Local => "local",
    }
}

/// An outcome in words: what came of it, the status, what failed.
pub fn describe_outcome(outcome: &Outcome) -> String {
    let code = outcome.code.map(|code| format!(" ({code})")).unwrap_or_default();
    let failure = outcome.failure.map(|failure| format!(": {failure}")).unwrap_or_default();
    format!("{}{code}{failure}", outcome_name(outcome.kind))
}

/// The status behind the end of a call, where there is one.
pub fn cause_code(cause: &EndCause) -> Option<StatusCode> {
    match cause.reason {
        EndReason::Refused(status) | EndReason::Redirected { status, .. } => Some(status),
        EndReason::Bye
        | EndReason::Cancelled
        | EndReason::NoAnswer
        | EndReason::NoRoute(_)
        | EndReason::Unreachable
        | EndReason::Gone
        | EndReason::NoAck
        | EndReason::NoPrack
        | EndReason::SessionExpired
        | EndReason::NotAcceptable
        | EndReason::Overload => None,
    }
}

/// The end of a call in words.
pub fn describe_cause(cause: &EndCause) -> String {
    let words = match &cause.reason {
        EndReason::Bye => "hung up".to_owned(),
        EndReason::Cancelled => "cancelled before it was answered".to_owned(),
        EndReason::Refused(status) => format!("refused: {status} {}", status.reason_phrase()),
        EndReason::Redirected { status, .. } => format!("redirected: {status} {}", status.reason_phrase()),
        EndReason::NoAnswer => "not answered in time".to_owned(),
        EndReason::NoRoute(error) => error.to_string(),
        EndReason::Unreachable => "the peer cannot be reached".to_owned(),
        EndReason::Gone => "the peer does not know the call any more".to_owned(),
        EndReason::NoAck => "the answer was never acknowledged".to_owned(),
        EndReason::NoPrack => "the ringing was never acknowledged".to_owned(),
        EndReason::SessionExpired => "the session was not refreshed in time".to_owned(),
        EndReason::NotAcceptable => "no acceptable media".to_owned(),
        EndReason::Overload => "too many calls".to_owned(),
    };
    match &cause.header {
        Some(header) => format!("{words} ({})", printable(header)),
        None => words,
    }
}

/// The end of a subscription as the public interfaces spell it.
pub const fn subscription_end_name(end: SubscriptionEnd) -> &'static str {
    match end {
        SubscriptionEnd::Terminated => "terminated",
        SubscriptionEnd::Refused => "refused",
        SubscriptionEnd::NoNotify => "no_notify",
        SubscriptionEnd::Expired => "expired",
        SubscriptionEnd::NotifyFailed => "notify_failed",
        SubscriptionEnd::Unsubscribed => "unsubscribed",
        SubscriptionEnd::Suppressed => "suppressed",
    }
}

/// The end of a subscription in words.
pub fn describe_subscription(end: SubscriptionEnd, reason: Option<SubReason>) -> String {
    let words = match end {
        SubscriptionEnd::Terminated => "ended by its last NOTIFY",
        SubscriptionEnd::Refused => "the SUBSCRIBE was refused",
        SubscriptionEnd::NoNotify => "no NOTIFY came",
        SubscriptionEnd::Expired => "its time ran out",
        SubscriptionEnd::NotifyFailed => "a NOTIFY was refused or never answered",
        SubscriptionEnd::Unsubscribed => "the other side has unsubscribed",
        SubscriptionEnd::Suppressed => "none was asked for",
    };
    match reason.map(SubReason::as_str).filter(|reason| !reason.is_empty()) {
        Some(reason) => format!("{words}: {reason}"),
        None => words.to_owned(),
    }
}

/// A peer's text as one line of a log or a terminal: control characters are escaped as in a string literal, so that nothing
/// that was sent can end a line, make up another one or move a cursor (SEC-19).
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_unprintable(character) {
            line.extend(character.escape_unicode());
        } else {
            line.push(character);
        }
    }
    Cow::Owned(line)
}

/// C0, DEL and C1, the line ends of Unicode, and what changes the direction of the text around it (UAX #9 §2).
fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use dialog_core::By;

    use super::*;

    #[test]
    fn a_peers_text_stays_on_its_line_and_moves_no_cursor() {
        // covers: SEC-19
        for (sent, shown) in [
            ("Q.850;cause=16", "Q.850;cause=16"),
            ("a\r\nb", "a\\u{d}\\u{a}b"),
            ("\u{1b}[2J\u{9b}2J\u{7f}", "\\u{1b}[2J\\u{9b}2J\\u{7f}"),
            ("\u{202e}evil\u{2028}", "\\u{202e}evil\\u{2028}"),
            ("Zürich ☎", "Zürich ☎"),
        ] {
            assert_eq!(printable(sent), shown);
            let header = Some(sent.into());
            let cause = EndCause { by: By::Remote, reason: EndReason::Bye, header, details: Vec::new() };
            assert_eq!(describe_cause(&cause), format!("hung up ({shown})"));
        }
    }
}
