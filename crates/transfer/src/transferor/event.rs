//! What can happen to a transfer of ours, sorted as the rows of tables 2.1 and 2.2 are.

use dialog_core::{
    By, EndCause, EndReason, Notification, NotifiedState, ReferAnswer, ReofferError, SubscriptionEnd,
    SubscriptionEvent,
};
use sip_message::StatusCode;

use super::action::Side;
use crate::{Hold, TransferTimerName, policy::RETRY_AFTER_MAX};

/// An event of tables 2.1 and 2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// The command of the application.
    Begin(Hold),
    /// Our re-INVITE was settled.
    Reoffer(Side, Reoffer),
    /// The consultation call got so far.
    Consult(Consult),
    /// Our REFER was answered.
    Answer(Answer),
    /// A NOTIFY, answered 200.
    Notify(Report),
    /// The subscription is over.
    Subscription(End),
    /// A call is over, or is being ended.
    Call(Side, CallEnd),
    /// The application completes the transfer.
    Complete,
    /// The application turns to the other party.
    Swap,
    /// The application gives the transfer up.
    Cancel,
    /// The two calls were joined, or could not be.
    Joined(bool),
    /// A timer.
    Timer(Timer),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consult {
    /// A provisional response.
    Ringing(StatusCode),
    /// The target has answered.
    Up,
    /// It was never up: refused with this status, or not reached.
    Failed(Option<StatusCode>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reoffer {
    /// 2xx, and the ACK is sent.
    Done,
    /// Refused; the session is as it was.
    AsBefore(Option<StatusCode>),
    /// Refused in a way that says that the dialog is gone.
    Gone(StatusCode),
    /// No answer in time; it may have been followed all the same.
    Silent,
    /// No way to the peer.
    Unreachable,
    /// The call ended first; that is told apart.
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// 2xx; 202 is the same as 200 (RFC 7647 §5).
    Accepted(StatusCode),
    /// 3xx.
    Redirected(StatusCode),
    /// 401, 407.
    Challenged(StatusCode),
    /// 420.
    BadExtension(StatusCode),
    /// 405, 501.
    NoRefer(StatusCode),
    /// 481.
    NoCall(StatusCode),
    /// 404, 410, 416, 482 to 485, 502, 604: by RFC 5057 §5.1 the dialog is gone, but peers mean the target.
    Doubted(StatusCode),
    /// 491.
    Glare(StatusCode),
    /// 500 with a Retry-After that can be waited for, in seconds.
    TryLater(StatusCode, u32),
    /// Any other refusal.
    Declined(StatusCode),
    /// No answer: timer F.
    TimedOut,
    /// No way to the peer.
    Unreachable,
    /// The dialog layer did not take the REFER.
    Misused,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Report {
    /// Somebody has to approve.
    Pending,
    /// A provisional sipfrag.
    Provisional(StatusCode),
    /// Active, and no usable sipfrag.
    Nothing,
    /// A 2xx sipfrag; whether the subscription is `terminated` with it.
    Success { code: StatusCode, last: bool },
    /// A sipfrag of 300 and above.
    Failure { code: StatusCode, last: bool },
    /// `terminated` without a usable sipfrag.
    Empty,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// By a NOTIFY.
    Terminated,
    /// With the REFER.
    Refused,
    /// T-N.
    NoNotify,
    /// Its time ran out.
    Expired,
    /// The REFER was accepted, and there is none.
    Suppressed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallEnd {
    /// We are ending it.
    Closing,
    /// We have ended it.
    Local,
    /// A BYE of the peer.
    HungUp,
    /// It was found to be dead.
    Lost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    Hold,
    Consult,
    Talk,
    Guard,
    Retry,
    Final,
    Resume,
    Closing,
    Bye,
}

impl Reoffer {
    pub(super) fn of(result: Result<(), ReofferError>) -> Self {
        match result {
            Ok(()) => Self::Done,
            Err(ReofferError::Refused(status)) if means_gone(status) => Self::Gone(status),
            Err(ReofferError::Refused(status)) => Self::AsBefore(Some(status)),
            Err(ReofferError::Description) => Self::AsBefore(None),
            Err(ReofferError::TimedOut) => Self::Silent,
            Err(ReofferError::Unreachable) => Self::Unreachable,
            Err(ReofferError::Ended) => Self::Over,
        }
    }
}

/// Whether a re-INVITE refused so has no dialog or no INVITE usage any more (RFC 5057 §5.1, RFC 3261 §12.2.1.2): the
/// codes for which the dialog layer ends the call.
const fn means_gone(status: StatusCode) -> bool {
    matches!(status.as_u16(), 404 | 405 | 408 | 410 | 416 | 480..=485 | 489 | 501 | 502 | 604)
}

impl Answer {
    pub(super) fn of(answer: ReferAnswer) -> Self {
        match answer {
            ReferAnswer::Accepted(status) => Self::Accepted(status),
            ReferAnswer::TimedOut => Self::TimedOut,
            ReferAnswer::Unreachable => Self::Unreachable,
            ReferAnswer::Refused { status, retry_after } => match (status.as_u16(), retry_after) {
                (300..=399, _) => Self::Redirected(status),
                (401 | 407, _) => Self::Challenged(status),
                (420, _) => Self::BadExtension(status),
                (405 | 501, _) => Self::NoRefer(status),
                (481, _) => Self::NoCall(status),
                (404 | 410 | 416 | 482..=485 | 502 | 604, _) => Self::Doubted(status),
                (491, _) => Self::Glare(status),
                (500, Some(seconds)) if seconds <= RETRY_AFTER_MAX => Self::TryLater(status, seconds),
                (_, _) => Self::Declined(status),
            },
        }
    }
}

impl Answer {
    /// The status of the answer.
    pub(super) const fn code(self) -> Option<StatusCode> {
        match self {
            Self::Accepted(code)
            | Self::Redirected(code)
            | Self::Challenged(code)
            | Self::BadExtension(code)
            | Self::NoRefer(code)
            | Self::NoCall(code)
            | Self::Doubted(code)
            | Self::Glare(code)
            | Self::TryLater(code, _)
            | Self::Declined(code) => Some(code),
            Self::TimedOut | Self::Unreachable | Self::Misused => None,
        }
    }
}

impl Report {
    /// The status in the sipfrag.
    pub(super) const fn code(self) -> Option<StatusCode> {
        match self {
            Self::Provisional(code) | Self::Success { code, .. } | Self::Failure { code, .. } => Some(code),
            Self::Pending | Self::Nothing | Self::Empty => None,
        }
    }

    pub(super) fn of(notification: &Notification) -> Self {
        let last = notification.state == NotifiedState::Terminated;
        match notification.status {
            Some(code) if code.is_success() => Self::Success { code, last },
            Some(code) if code.is_final() => Self::Failure { code, last },
            Some(code) => match notification.state {
                NotifiedState::Pending => Self::Pending,
                NotifiedState::Active | NotifiedState::Terminated => Self::Provisional(code),
            },
            None => match notification.state {
                NotifiedState::Pending => Self::Pending,
                NotifiedState::Active => Self::Nothing,
                NotifiedState::Terminated => Self::Empty,
            },
        }
    }
}

impl CallEnd {
    pub(super) const fn of(cause: &EndCause) -> Self {
        match (cause.by, &cause.reason) {
            (By::Local, _) => Self::Local,
            (By::Remote, EndReason::Gone) => Self::Lost,
            (By::Remote, _) => Self::HungUp,
            (By::Network, _) => Self::Lost,
        }
    }
}

impl Consult {
    /// The event behind the end of a consultation call that was never up.
    pub(super) const fn failed(cause: &EndCause) -> Self {
        Self::Failed(match &cause.reason {
            EndReason::Refused(status) | EndReason::Redirected { status, .. } => Some(*status),
            EndReason::NoAnswer => Some(StatusCode::REQUEST_TIMEOUT),
            EndReason::NotAcceptable => Some(StatusCode::NOT_ACCEPTABLE_HERE),
            EndReason::Bye
            | EndReason::Cancelled
            | EndReason::NoRoute(_)
            | EndReason::Unreachable
            | EndReason::Gone
            | EndReason::NoAck
            | EndReason::NoPrack
            | EndReason::SessionExpired
            | EndReason::Overload => None,
        })
    }
}

impl Event {
    /// The call that counts as over from this event on.
    pub(super) const fn ends(self) -> Option<Side> {
        match self {
            Self::Call(side, _) => Some(side),
            Self::Consult(Consult::Failed(_)) => Some(Side::Consultation),
            Self::Begin(_)
            | Self::Reoffer(..)
            | Self::Consult(Consult::Ringing(_) | Consult::Up)
            | Self::Answer(_)
            | Self::Notify(_)
            | Self::Subscription(_)
            | Self::Complete
            | Self::Swap
            | Self::Cancel
            | Self::Joined(_)
            | Self::Timer(_) => None,
        }
    }

    /// The event behind an event of the subscription; `None` for what only a notifier is told.
    pub(super) fn of_subscription(event: &SubscriptionEvent) -> Option<Self> {
        match event {
            SubscriptionEvent::Answered(answer) => Some(Self::Answer(Answer::of(*answer))),
            SubscriptionEvent::Notified(notification) => Some(Self::Notify(Report::of(notification))),
            SubscriptionEvent::Ended(end) => Some(Self::Subscription(match end {
                SubscriptionEnd::Terminated
                | SubscriptionEnd::NotifyFailed
                | SubscriptionEnd::Unsubscribed => End::Terminated,
                SubscriptionEnd::Refused => End::Refused,
                SubscriptionEnd::NoNotify => End::NoNotify,
                SubscriptionEnd::Expired => End::Expired,
                SubscriptionEnd::Suppressed => End::Suppressed,
            })),
            SubscriptionEvent::Misused(_) => Some(Self::Answer(Answer::Misused)),
            // Another package's, another role's, or a fork, which no REFER within a call has.
            SubscriptionEvent::Requested(_)
            | SubscriptionEvent::Subscribed(_)
            | SubscriptionEvent::Package(_)
            // Followed before the machine is asked.
            | SubscriptionEvent::EventsAt(_)
            | SubscriptionEvent::Forked { .. }
            | SubscriptionEvent::Reported
            | SubscriptionEvent::Delivered => None,
        }
    }

    /// The event behind a timer; `None` for a timer of the other role.
    pub(super) const fn of_timer(name: TransferTimerName) -> Option<Self> {
        match name {
            TransferTimerName::Guard => Some(Self::Timer(Timer::Guard)),
            TransferTimerName::Final => Some(Self::Timer(Timer::Final)),
            TransferTimerName::Retry => Some(Self::Timer(Timer::Retry)),
            TransferTimerName::Hold => Some(Self::Timer(Timer::Hold)),
            TransferTimerName::Consult => Some(Self::Timer(Timer::Consult)),
            TransferTimerName::Talk => Some(Self::Timer(Timer::Talk)),
            TransferTimerName::Resume => Some(Self::Timer(Timer::Resume)),
            TransferTimerName::Closing => Some(Self::Timer(Timer::Closing)),
            TransferTimerName::Bye => Some(Self::Timer(Timer::Bye)),
            TransferTimerName::Watchdog
            | TransferTimerName::Decision
            | TransferTimerName::Ring
            | TransferTimerName::Cancel
            | TransferTimerName::Delivery => None,
        }
    }
}
