//! What the application does itself in a transfer that is handled manually, and what comes of it.

use bytes::Bytes;
use dialog_core::LegId;
use sip_message::StatusCode;

/// Who does the steps of a transfer.
///
/// There is one implementation: a manual transfer has the same machine with the same events, but what decides (the answer
/// to the REFER, each NOTIFY, the end of the call after a success; the acceptance and the reports of a transfer asked of
/// us) waits until the application takes the step. The timers go on, so that a transfer that is left alone ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TransferHandling {
    /// This layer, by its policy.
    #[default]
    Automatic,
    /// The application, by [`TransferCommand::Step`](crate::TransferCommand::Step) and
    /// [`TransferCommand::Decide`](crate::TransferCommand::Decide).
    Manual,
}

/// A step of the application's. But for the last of the transferor's it is one of a manual transfer only; one that is not due
/// is refused with [`TransferRefusal::WrongState`](crate::TransferRefusal::WrongState) and changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManualStep {
    /// Transferor: table 2.1 decides about the final response to the REFER. Where the REFER is sent once more, the next one
    /// waits for its response. Followed by [`StepDone::Decided`].
    ProcessResponse,
    /// Transferor: takes the next NOTIFY, or waits for it. Followed by [`StepDone::Notified`].
    TakeNotify,
    /// Transferor: ends the call after a success, at once: whatever [`ByeOwner`](crate::ByeOwner) says and without
    /// [`bye_delay`](crate::TransferPolicy::bye_delay). In a manual transfer the NOTIFY of the success was taken; in an automatic
    /// one the party was moved and the call has not ended.
    Terminate {
        /// The call in which the REFER was sent.
        leg: LegId,
    },
    /// Transferee: reports a status by NOTIFY. Followed by [`StepDone::Reported`].
    Report {
        /// The status for the sipfrag: of 100 to 199, or 200 and above with the last one.
        status: StatusCode,
        /// Whether it is the last report.
        last: bool,
    },
}

/// What came of a step, or is to be known before the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepDone {
    /// The REFER has its final response, or will have none: [`ManualStep::ProcessResponse`] is due.
    Answered,
    /// What was decided about the response.
    Decided(ReferDecision),
    /// The NOTIFY that was taken.
    Notified(TransferProgress),
    /// Everything reported so far was answered or given up on.
    Reported,
}

/// What table 2.1 decides about the response to a REFER of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReferDecision {
    /// 2xx, or a NOTIFY that came instead of one: the peer tries and reports.
    GoOn,
    /// It is sent once more: after 491 or 500 with Retry-After in time, after 405 or 501 to the other party.
    /// 401, 407 and 420 are answered below this layer.
    Retry,
    /// It is refused, or was never answered; the call is taken back.
    Recover,
}

/// One NOTIFY of a transfer of ours, already answered 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferProgress {
    /// The status in the sipfrag; `None` if there is no usable one, or no NOTIFY at all.
    pub status: Option<StatusCode>,
    /// Whether the subscription is over with it; without a status and a body it ended by itself.
    pub terminated: bool,
    /// The body as it came; empty if there is none. At most a SIP message's.
    pub sipfrag: Bytes,
}

impl TransferProgress {
    /// Whether the party was moved: a 2xx.
    pub fn is_success(&self) -> bool {
        self.status.is_some_and(StatusCode::is_success)
    }

    /// Whether nothing more is to come: a final status, or the end of the subscription.
    pub fn is_final(&self) -> bool {
        self.terminated || self.status.is_some_and(StatusCode::is_final)
    }
}
