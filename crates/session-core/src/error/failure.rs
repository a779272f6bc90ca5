//! Why a transfer did not come to pass: the one place where an outcome becomes an error.

use sip_message::StatusCode;
use thiserror::Error;
use transfer::{Failure, Outcome, OutcomeKind};

use super::RecoveryAction;

/// Why a transfer that had begun did not come to pass; [`TransferError::failure`](super::TransferError::failure) has it.
/// Whether the party is back is in the [`Outcome`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TransferFailure {
    /// The hold before the REFER failed.
    #[error("the call could not be held before the transfer{}; {advice}", code(*.0), advice = self.recovery())]
    HoldFailed(Option<StatusCode>),
    /// The peer refused the REFER.
    #[error("the REFER was refused{}; {advice}", code(*.0), advice = self.recovery())]
    Refused(Option<StatusCode>),
    /// The peer does not do REFER.
    #[error("the peer does not support REFER{}; {advice}", code(*.0), advice = self.recovery())]
    NotSupported(Option<StatusCode>),
    /// The peer did not answer the REFER.
    #[error("the REFER was not answered; {advice}", advice = self.recovery())]
    ReferTimeout,
    /// The REFER could not be delivered.
    #[error("the peer of the transfer cannot be reached; {advice}", advice = self.recovery())]
    Unreachable,
    /// The peer accepted the REFER, and nothing followed.
    #[error("no notification followed the acceptance of the REFER; {advice}", advice = self.recovery())]
    NoNotify,
    /// The target is busy.
    #[error("the target is busy{}; {advice}", code(Some(*.0)), advice = self.recovery())]
    TargetBusy(StatusCode),
    /// The target does not want the call.
    #[error("the target declined{}; {advice}", code(Some(*.0)), advice = self.recovery())]
    TargetDeclined(StatusCode),
    /// Nobody answered at the target.
    #[error("nobody answered at the target{}; {advice}", code(Some(*.0)), advice = self.recovery())]
    TargetNoAnswer(StatusCode),
    /// There is nobody at the target's address.
    #[error("there is nobody at the target's address{}; {advice}", code(Some(*.0)), advice = self.recovery())]
    TargetUnknown(StatusCode),
    /// The referred call failed otherwise.
    #[error("the referred call failed{}; {advice}", code(*.0), advice = self.recovery())]
    TargetFailed(Option<StatusCode>),
    /// The target did not take the consultation call.
    #[error("the target did not take the consultation call{}; {advice}", code(*.0), advice = self.recovery())]
    ConsultationFailed(Option<StatusCode>),
    /// The consultation call ended first.
    #[error("the consultation call ended before the transfer; {advice}", advice = self.recovery())]
    ConsultationEnded,
    /// The target of a warm transfer was asked, and does not take the call over.
    #[error("the target does not take the call over; {advice}", advice = self.recovery())]
    NotTakenOver,
    /// The target of a warm transfer was asked, and did not say in time whether it takes the call over.
    #[error("the target did not decide in time; {advice}", advice = self.recovery())]
    Undecided,
    /// The consultation took longer than is allowed.
    #[error("the consultation took too long; {advice}", advice = self.recovery())]
    TalkLimit,
    /// Nobody takes an INVITE with Replaces.
    #[error("the peer does not support Replaces; {advice}", advice = self.recovery())]
    NoReplaces,
    /// The subscription ended without a result.
    #[error("the subscription ended without saying what became of the transfer; {advice}", advice = self.recovery())]
    NoResult,
    /// The guard time passed.
    #[error("nothing definite was heard of the transfer in time; {advice}", advice = self.recovery())]
    TimedOut,
    /// A policy of ours forbids it.
    #[error("the transfer policy forbids it{}; {advice}", code(*.0), advice = self.recovery())]
    Policy(Option<StatusCode>),
    /// It was rejected by a decision.
    #[error("the transfer was rejected{}; {advice}", code(*.0), advice = self.recovery())]
    Rejected(Option<StatusCode>),
    /// The application gave it up.
    #[error("the transfer was cancelled; {advice}", advice = self.recovery())]
    Cancelled,
    /// The party hung up first.
    #[error("the party hung up before the outcome was known; {advice}", advice = self.recovery())]
    PeerHungUp,
    /// The call ended underneath.
    #[error("the call ended during the transfer; {advice}", advice = self.recovery())]
    CallEnded,
    /// It failed in a way that has no name here.
    #[error("{failure}{}; {advice}", code(*.status), advice = self.recovery())]
    Other {
        /// What failed.
        failure: Failure,
        /// The status behind it.
        status: Option<StatusCode>,
    },
}

fn code(status: Option<StatusCode>) -> String {
    status.map(|status| format!(" ({status} {})", status.reason_phrase())).unwrap_or_default()
}

impl TransferFailure {
    /// Why a transfer with this outcome did not come to pass; `None` if it did.
    pub fn of(outcome: &Outcome) -> Option<Self> {
        match outcome.kind {
            OutcomeKind::Succeeded | OutcomeKind::AcceptedWithoutProgress | OutcomeKind::Bridged => {
                return None;
            }
            OutcomeKind::Cancelled => return Some(Self::Cancelled),
            OutcomeKind::PeerHungUp => return Some(Self::PeerHungUp),
            OutcomeKind::Failed | OutcomeKind::Recovered | OutcomeKind::TimedOut => {}
        }
        let status = outcome.code;
        let Some(failure) = outcome.failure else { return Some(Self::NoResult) };
        Some(match failure {
            Failure::Hold => Self::HoldFailed(status),
            Failure::Refused => Self::Refused(status),
            Failure::NotSupported => Self::NotSupported(status),
            Failure::ReferTimeout => Self::ReferTimeout,
            Failure::Unreachable => Self::Unreachable,
            Failure::NoNotify => Self::NoNotify,
            Failure::Target => Self::target(status),
            Failure::Consultation => Self::ConsultationFailed(status),
            Failure::ConsultationEnded => Self::ConsultationEnded,
            Failure::Declined => Self::NotTakenOver,
            Failure::Undecided => Self::Undecided,
            Failure::TalkLimit => Self::TalkLimit,
            Failure::NoReplaces => Self::NoReplaces,
            Failure::NoResult => Self::NoResult,
            Failure::Guard => Self::TimedOut,
            Failure::Policy => Self::Policy(status),
            Failure::Rejected => Self::Rejected(status),
            Failure::Cancelled => Self::Cancelled,
            Failure::CallEnded => Self::CallEnded,
            failure => Self::Other { failure, status },
        })
    }

    /// What a final status of the referred call says of its target (RFC 3261 §21).
    fn target(status: Option<StatusCode>) -> Self {
        let Some(status) = status else { return Self::TargetFailed(None) };
        match status.as_u16() {
            486 | 600 => Self::TargetBusy(status),
            403 | 603 | 607 => Self::TargetDeclined(status),
            408 | 480 | 487 => Self::TargetNoAnswer(status),
            404 | 410 | 484 | 604 => Self::TargetUnknown(status),
            _ => Self::TargetFailed(Some(status)),
        }
    }

    /// What can be done about it, once the party is back.
    pub fn recovery(&self) -> RecoveryAction {
        match self {
            Self::NotSupported(_) | Self::NoReplaces => RecoveryAction::FallBackToBridge,
            // A peer that follows no REFER at all says so by it, too, and the fallback takes it for that.
            Self::Refused(Some(StatusCode::DECLINE)) => RecoveryAction::FallBackToBridge,
            Self::Refused(Some(status)) if is_passing(*status) => RecoveryAction::RetryLater,
            Self::HoldFailed(_) | Self::Refused(_) => RecoveryAction::TryAlternative,
            Self::TargetBusy(_) | Self::ReferTimeout | Self::Unreachable => RecoveryAction::RetryLater,
            Self::TargetDeclined(_)
            | Self::TargetNoAnswer(_)
            | Self::TargetUnknown(_)
            | Self::TargetFailed(_)
            | Self::ConsultationFailed(_)
            | Self::NotTakenOver
            | Self::Undecided => RecoveryAction::TryOtherTarget,
            Self::NoNotify
            | Self::NoResult
            | Self::TimedOut
            | Self::ConsultationEnded
            | Self::TalkLimit
            | Self::Cancelled
            | Self::Rejected(_)
            | Self::Other { .. } => RecoveryAction::AskUser,
            Self::Policy(_) => RecoveryAction::FixConfiguration,
            Self::PeerHungUp | Self::CallEnded => RecoveryAction::GiveUp,
        }
    }
}

/// Whether a refusal speaks of the moment and not of the request (RFC 3261 §21.4, §21.5).
pub(super) fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 480 | 486 | 491 | 500 | 503 | 504 | 600)
}
