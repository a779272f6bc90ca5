//! What becomes of a transfer of ours.

use std::time::Duration;

use sip_message::StatusCode;

use super::{event::CallEnd, machine::Facts};
use crate::{Decline, Failure, LearnedFrom, Outcome, OutcomeKind};

/// Why a transfer of ours did not come to pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The hold failed, with the status of the re-INVITE.
    Hold(Option<StatusCode>),
    /// The REFER was refused.
    Refused(Option<StatusCode>),
    /// 405 or 501, or the peer has said before that it does not take REFER.
    NotSupported(Option<StatusCode>),
    /// The REFER was not answered.
    ReferTimeout,
    /// The REFER could not be sent.
    Unreachable,
    /// No NOTIFY after the 2xx.
    NoNotify,
    /// A final sipfrag that is no success.
    Target(StatusCode),
    /// `terminated` without a status.
    NoResult,
    /// The subscription ran out.
    Expired,
    /// T-GUARD.
    Guard,
    /// The consultation call was refused with this status, or not answered, or its target cannot be reached.
    Consult(Option<StatusCode>),
    /// The consultation call ended.
    ConsultEnded,
    /// The target was asked for too long.
    TalkLimit,
    /// Nobody supports Replaces.
    NoReplaces,
    /// The two calls could not be joined here.
    Bridge,
    /// The application gave it up.
    Cancelled,
}

impl Cause {
    pub(super) const fn code(self) -> Option<StatusCode> {
        match self {
            Self::Hold(code) | Self::Refused(code) | Self::NotSupported(code) | Self::Consult(code) => code,
            Self::Target(code) => Some(code),
            Self::ReferTimeout
            | Self::Unreachable
            | Self::NoNotify
            | Self::NoResult
            | Self::Expired
            | Self::Guard
            | Self::ConsultEnded
            | Self::TalkLimit
            | Self::NoReplaces
            | Self::Bridge
            | Self::Cancelled => None,
        }
    }

    /// The outcome when the call was kept, or was not.
    pub(super) const fn outcome(self, call_kept: bool) -> Outcome {
        let (failure, learned_from) = match self {
            Self::Hold(_) => (Failure::Hold, LearnedFrom::Local),
            Self::Refused(_) => (Failure::Refused, LearnedFrom::Local),
            Self::NotSupported(_) => (Failure::NotSupported, LearnedFrom::Local),
            Self::ReferTimeout => (Failure::ReferTimeout, LearnedFrom::Guard),
            Self::Unreachable => (Failure::Unreachable, LearnedFrom::Local),
            Self::NoNotify => (Failure::NoNotify, LearnedFrom::Guard),
            Self::Target(_) => (Failure::Target, LearnedFrom::Notify),
            Self::NoResult => (Failure::NoResult, LearnedFrom::Terminated),
            Self::Expired => (Failure::NoResult, LearnedFrom::Guard),
            Self::Guard => (Failure::Guard, LearnedFrom::Guard),
            Self::Consult(_) => (Failure::Consultation, LearnedFrom::Local),
            Self::ConsultEnded => (Failure::ConsultationEnded, LearnedFrom::Bye),
            Self::TalkLimit => (Failure::TalkLimit, LearnedFrom::Guard),
            Self::NoReplaces => (Failure::NoReplaces, LearnedFrom::Local),
            Self::Bridge => (Failure::Bridge, LearnedFrom::Local),
            Self::Cancelled => (Failure::Cancelled, LearnedFrom::Local),
        };
        let kind = match self {
            Self::Cancelled => OutcomeKind::Cancelled,
            Self::Guard | Self::NoNotify | Self::Expired | Self::TalkLimit => OutcomeKind::TimedOut,
            Self::Hold(_)
            | Self::Refused(_)
            | Self::NotSupported(_)
            | Self::ReferTimeout
            | Self::Unreachable
            | Self::Target(_)
            | Self::Consult(_)
            | Self::ConsultEnded
            | Self::NoReplaces
            | Self::Bridge
            | Self::NoResult => {
                if call_kept {
                    OutcomeKind::Recovered
                } else {
                    OutcomeKind::Failed
                }
            }
        };
        Outcome {
            kind,
            learned_from,
            code: self.code(),
            failure: Some(failure),
            call_kept,
            on_hold: false,
            retry_after: None,
        }
    }

    /// The outcome when the call is up, and its party refuses to be taken back.
    pub(super) const fn on_hold(self) -> Outcome {
        Outcome { on_hold: true, ..self.outcome(false) }
    }
}

impl Outcome {
    /// With the time that whoever refused asks for, if it was a refusal that brought it.
    pub(super) fn after(self, retry_after: Option<Duration>) -> Self {
        match self.failure {
            Some(Failure::Refused | Failure::Consultation) => Self { retry_after, ..self },
            Some(_) | None => self,
        }
    }

    /// What was given up is told as what the target did not want.
    pub(super) fn declined(self, reason: Decline) -> Self {
        if self.kind != OutcomeKind::Cancelled {
            return self;
        }
        let kept = if self.call_kept { OutcomeKind::Recovered } else { OutcomeKind::Failed };
        let (kind, failure, learned_from) = match reason {
            Decline::Declined => (kept, Failure::Declined, LearnedFrom::Local),
            Decline::TimedOut => (OutcomeKind::TimedOut, Failure::Undecided, LearnedFrom::Guard),
            Decline::Impossible => (kept, Failure::NoReplaces, LearnedFrom::Local),
        };
        Self { kind, learned_from, failure: Some(failure), ..self }
    }
}

/// What says that the party was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    /// A report.
    Reported(StatusCode),
    /// Nothing but the acceptance, and the end of a call by somebody else if that was seen.
    Unreported { seen: bool },
}

impl Moved {
    /// The same, after one of the calls has ended.
    pub(super) const fn or_seen(self, end: CallEnd) -> Self {
        match (self, end) {
            (Self::Unreported { .. }, CallEnd::HungUp) => Self::Unreported { seen: true },
            (Self::Unreported { .. } | Self::Reported(_), _) => self,
        }
    }

    pub(super) const fn outcome(self, facts: Facts) -> Outcome {
        let (kind, learned_from, code) = match self {
            Self::Reported(code) => (OutcomeKind::Succeeded, LearnedFrom::Notify, Some(code)),
            Self::Unreported { seen } => (
                OutcomeKind::AcceptedWithoutProgress,
                if seen { LearnedFrom::Bye } else { LearnedFrom::Local },
                facts.accepted,
            ),
        };
        Outcome {
            kind,
            learned_from,
            code,
            failure: None,
            call_kept: false,
            on_hold: false,
            retry_after: None,
        }
    }
}

/// The party could not be moved for this cause, and the two calls were joined here.
pub(super) const fn bridged(cause: Cause) -> Outcome {
    Outcome { kind: OutcomeKind::Bridged, ..cause.outcome(false) }
}

/// The party hung up and nothing was heard of the referred call.
pub(super) const fn peer_hung_up() -> Outcome {
    Outcome {
        kind: OutcomeKind::PeerHungUp,
        learned_from: LearnedFrom::Bye,
        code: None,
        failure: Some(Failure::CallEnded),
        call_kept: false,
        on_hold: false,
        retry_after: None,
    }
}

/// The call ended otherwise: from our side, or because it was found to be dead.
pub(super) const fn call_ended() -> Outcome {
    Outcome {
        kind: OutcomeKind::Failed,
        learned_from: LearnedFrom::Local,
        code: None,
        failure: Some(Failure::CallEnded),
        call_kept: false,
        on_hold: false,
        retry_after: None,
    }
}
