//! Outcomes and the ends of calls in the words of the public interfaces.

use dialog_core::{EndCause, EndReason};
use sip_message::StatusCode;
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
        Some(header) => format!("{words} ({header})"),
        None => words,
    }
}
