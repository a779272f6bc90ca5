//! What the bus carries: one flat event type for everything that is seen of calls, transfers and media.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use dialog_core::{EndCause, Registered, RegistrationFailure, RegistrationId, SubscriptionEnd};
use event_bus::Priority;
use media_core::{
    QualityKind, QualityReport, RecordingFailure, RecordingId, StreamSummary, dtmf::Event as Dtmf,
    quality::QualityChange,
};
use sip_message::{StatusCode, SubReason};
use sip_transport::{CloseCause, Transport, identifier};
use transfer::{Outcome, TransferId};

use crate::{
    describe::{cause_code, describe_cause, describe_subscription, learned_name, outcome_name},
    engine::{DecidedBy, MediaFailure, MonitorSummary, SessionMediaState, TransferKind},
    stage::{StageError, TransferStage},
};

mod name;

identifier! {
    /// A session: a call of ours with its media. Its leg and its RTP stream have the same number.
    SessionId, "call-"
}

/// One event. All events of one call are seen in the order of `seq`.
#[derive(Debug, Clone)]
pub struct SessionEvent {
    /// Rising with every event of this engine, and so within every call.
    pub seq: u64,
    /// Monotonic time since the engine's start.
    pub at: Duration,
    /// The call it is about.
    pub session: Option<SessionId>,
    /// The transfer it is about.
    pub transfer: Option<TransferId>,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum EventKind {
    /// A call came in; the application decides about it.
    IncomingCall {
        /// The caller's From URI: unverified.
        from: String,
        /// The called URI.
        to: String,
    },
    /// An account is registered: after the first REGISTER and after each refresh.
    RegistrationActive {
        /// The registration.
        registration: RegistrationId,
        /// Its address of record.
        account: String,
        /// What the registrar told.
        registered: Box<Registered>,
    },
    /// A REGISTER came to nothing.
    RegistrationFailed {
        /// The registration.
        registration: RegistrationId,
        /// Its address of record.
        account: String,
        /// Why.
        failure: RegistrationFailure,
        /// After what time it is tried again by itself; `None` if the registration is over.
        retry_after: Option<Duration>,
    },
    /// The binding's time ran out before it could be refreshed. It is still tried.
    RegistrationLapsed {
        /// The registration.
        registration: RegistrationId,
        /// Its address of record.
        account: String,
    },
    /// The connection that the binding depends on is gone; it is registered anew.
    RegistrationFlowLost {
        /// The registration.
        registration: RegistrationId,
        /// Its address of record.
        account: String,
    },
    /// The binding was taken back.
    RegistrationEnded {
        /// The registration.
        registration: RegistrationId,
        /// Its address of record.
        account: String,
        /// Whether the registrar has confirmed it.
        confirmed: bool,
    },
    /// An INVITE is being sent.
    Calling {
        /// The target.
        to: String,
    },
    /// A provisional response other than 100.
    Ringing {
        /// 101 to 199.
        status: StatusCode,
    },
    /// The call is up.
    Established {
        /// The other party's address of record.
        peer: String,
        /// Whether we placed the call.
        placed: bool,
    },
    /// A hold or resume is in force, ours or theirs.
    HoldChanged {
        /// We hold.
        local: bool,
        /// They hold.
        remote: bool,
    },
    /// The call is over.
    CallEnded {
        /// Who ended it and how.
        cause: EndCause,
    },
    /// Somebody asks us to call somebody else; unverified.
    TransferRequested {
        /// Whom we are to call.
        target: String,
        /// Who asks, as it says: the URI, unverified unless `verified` says otherwise.
        referred_by: Option<String>,
        /// The display name that it gives itself; never verified, and no name to show without saying so (TR-033).
        referred_by_name: Option<String>,
        /// Whether the transport has verified that it comes from the host that `referred_by` names (TR-143).
        verified: bool,
        /// Whether a decision is awaited.
        decide: bool,
        /// Which kind it is, as far as the REFER shows.
        kind: TransferKind,
    },
    /// A transfer of ours began.
    TransferInitiated {
        /// The target.
        target: String,
        /// Which kind it is.
        kind: TransferKind,
    },
    /// A transfer has become one of another kind.
    TransferKindChanged {
        /// Which it is now.
        kind: TransferKind,
    },
    /// The target is being asked, in a call of its own.
    TransferConsulting {
        /// That call.
        consultation: SessionId,
    },
    /// The target is alerted.
    ConsultRinging {
        /// The provisional status.
        status: StatusCode,
    },
    /// The target has answered and hears us.
    ConsultAnswered,
    /// The target did not answer.
    ConsultFailed {
        /// What it refused with; `None` if it let it ring, or was not reached.
        status: Option<StatusCode>,
    },
    /// The other of the two parties hears us now.
    ConsultSwapped {
        /// Its call.
        active: SessionId,
    },
    /// The target of a warm transfer takes the caller over.
    TargetAccepted {
        /// By what it was decided.
        by: DecidedBy,
    },
    /// The target of a warm transfer does not take the caller over; the caller is being taken back.
    TargetDeclined {
        /// By what it was decided.
        by: DecidedBy,
    },
    /// The party that was to be moved is gone; the consultation call goes on as a call like any other.
    PrimaryLost,
    /// The REFER is being sent.
    ReferSent,
    /// The REFER was answered 2xx; nothing is known yet of the referred call.
    TransferAccepted {
        /// The 2xx.
        status: StatusCode,
    },
    /// The transferee's user has to approve.
    TransferAwaitingApproval,
    /// The referred call got so far.
    TransferProgress {
        /// The provisional status.
        status: StatusCode,
    },
    /// No NOTIFY has followed the acceptance of the REFER in time.
    NotifyTimeout,
    /// The subscription to the progress of a transfer is over, ours or theirs; told while the transfer goes on.
    SubscriptionEnded {
        /// How.
        end: SubscriptionEnd,
        /// The reason that the last NOTIFY gave.
        reason: Option<SubReason>,
    },
    /// The party cannot or will not be referred; the two calls are being joined here.
    TransferBridging,
    /// It failed; the call is being taken back.
    TransferRecovering,
    /// Transferee: the new call takes over.
    TransferConnected {
        /// The new call.
        to: SessionId,
    },
    /// Transferee: the new call failed after the transferor had hung up, which is called back (TR-181).
    TransferRecalling {
        /// The call back.
        to: SessionId,
    },
    /// This call has taken the place of another one, by an INVITE with Replaces (RFC 3891); the other one is gone.
    Replaced {
        /// The replaced call.
        old: SessionId,
        /// Who asked: unverified.
        from: String,
        /// Who referred the caller to us, as it says.
        referred_by: Option<String>,
        /// Whether the caller is verified to be the replaced party or of its side.
        verified: bool,
    },
    /// Somebody wanted to replace this call and was refused, or gave up; the call goes on as it was.
    ReplaceRefused {
        /// What it was answered.
        status: StatusCode,
        /// Who asked: unverified.
        from: String,
        /// Who referred the caller to us, as it says.
        referred_by: Option<String>,
    },
    /// This call was to take the place of another one, which is gone, but our answer was never acknowledged.
    ReplaceUnacknowledged {
        /// The replaced call.
        old: SessionId,
    },
    /// The transfer is over: exactly one such event a transfer.
    TransferEnded(Outcome),
    /// The event that follows reports a stage that this transfer cannot come to; its stage stays as it is. It means a fault in
    /// this stack.
    TransferStageRefused(StageError),
    /// The first RTP of this call arrived, or it flows again.
    MediaFlowing,
    /// Expected RTP stopped.
    MediaSilent,
    /// RTP comes, and nothing was heard in it for a while.
    MediaSoundless,
    /// Something is heard again.
    MediaSoundAgain {
        /// How long there was nothing.
        gap: Duration,
    },
    /// A key of SRTP has protected as many packets as it may (RFC 3711 §8.2): no audio passes in this direction until a description
    /// brings another one.
    MediaKeyExpired {
        /// Whether it is our own key, with which we send.
        sending: bool,
    },
    /// The user's audio moved from this call to another.
    MediaSwitched {
        /// The call it is on now.
        to: SessionId,
        /// Silence at the switch, once audio flows there.
        gap: Option<Duration>,
    },
    /// A quality report, at most one each RTCP interval and direction.
    MediaQuality(QualityReport),
    /// The quality of one direction has crossed a threshold, and will not be told again before it has crossed it back.
    MediaQualityChanged {
        /// Who measured.
        measured: QualityKind,
        /// What has changed.
        change: QualityChange,
    },
    /// The final figures of a call's RTP stream.
    MediaSummary(Box<StreamSummary>),
    /// A DTMF digit ended.
    Digit {
        /// Which. Neither logs nor `--json` show it (SEC-45); it is read by
        /// [`to_char`](media_core::dtmf::Event::to_char).
        digit: Dtmf,
        /// Its length.
        duration: Duration,
    },
    /// Media of this call could not be set up or moved.
    MediaFailed {
        /// Why.
        failure: MediaFailure,
    },
    /// The state of this call's media is another one now.
    MediaStateChanged {
        /// The state.
        state: SessionMediaState,
    },
    /// The call's own audio was closed, because audio of another call was moved here in its place; a recording of it has
    /// ended.
    AudioReplaced,
    /// What was to be played once has come to its end; silence follows.
    SourceEnded,
    /// A recording's file was closed.
    RecordingEnded {
        /// The recording.
        recording: RecordingId,
        /// Whether everything is in the file, otherwise why not.
        result: Result<(), RecordingFailure>,
    },
    /// What was measured of a call while it took part in a transfer: one a call, before the transfer's last event.
    MediaMonitored(MonitorSummary),
    /// A connection that carried messages, or was to, is gone; calls go on over others.
    ConnectionEnded {
        /// Why.
        cause: CloseCause,
    },
    /// A SIP message was sent or received; only where tracing is on.
    Message(TracedMessage),
}

/// A SIP message seen on the wire.
#[derive(Debug, Clone)]
pub struct TracedMessage {
    /// Sent by us, or received.
    pub sent: bool,
    /// The transport.
    pub transport: Transport,
    /// Our address.
    pub local: SocketAddr,
    /// The other address.
    pub remote: SocketAddr,
    /// Request line without version, or status, reason and method.
    pub summary: String,
    /// The message.
    pub bytes: Bytes,
}

impl SessionEvent {
    /// How urgent it is. All events of a call's life share one priority, so that they keep their order; only quality,
    /// connections and message traces may be overtaken.
    pub fn priority(&self) -> Priority {
        match &self.kind {
            EventKind::MediaQuality(_) | EventKind::ConnectionEnded { .. } | EventKind::Message(_) => {
                Priority::Low
            }
            _ => Priority::Normal,
        }
    }

    /// The other party, where the event names one.
    pub fn peer(&self) -> Option<String> {
        match &self.kind {
            EventKind::IncomingCall { from, .. }
            | EventKind::Replaced { from, .. }
            | EventKind::ReplaceRefused { from, .. } => Some(from.clone()),
            EventKind::RegistrationActive { account, .. }
            | EventKind::RegistrationFailed { account, .. }
            | EventKind::RegistrationLapsed { account, .. }
            | EventKind::RegistrationFlowLost { account, .. }
            | EventKind::RegistrationEnded { account, .. } => Some(account.clone()),
            EventKind::Calling { to } => Some(to.clone()),
            EventKind::Established { peer, .. } => Some(peer.clone()),
            EventKind::TransferRequested { target, .. } | EventKind::TransferInitiated { target, .. } => {
                Some(target.clone())
            }
            EventKind::TransferConnected { to: other }
            | EventKind::TransferRecalling { to: other }
            | EventKind::MediaSwitched { to: other, .. }
            | EventKind::TransferConsulting { consultation: other }
            | EventKind::ConsultSwapped { active: other } => Some(other.to_string()),
            EventKind::Message(message) => Some(message.remote.to_string()),
            _ => None,
        }
    }

    /// The SIP status, where there is one.
    pub fn code(&self) -> Option<StatusCode> {
        match &self.kind {
            EventKind::Ringing { status }
            | EventKind::ConsultRinging { status }
            | EventKind::TransferAccepted { status }
            | EventKind::TransferProgress { status }
            | EventKind::ReplaceRefused { status, .. } => Some(*status),
            EventKind::RegistrationFailed { failure: RegistrationFailure::Refused(status), .. } => {
                Some(*status)
            }
            EventKind::ConsultFailed { status } => *status,
            EventKind::TransferEnded(outcome) => outcome.code,
            EventKind::CallEnded { cause } => cause_code(cause),
            _ => None,
        }
    }

    /// Why, in words, where there is a reason.
    pub fn reason(&self) -> Option<String> {
        match &self.kind {
            EventKind::RegistrationFailed { failure, .. } => Some(failure.to_string()),
            EventKind::CallEnded { cause } => Some(describe_cause(cause)),
            EventKind::TargetAccepted { by } | EventKind::TargetDeclined { by } => Some(by.to_string()),
            EventKind::TransferEnded(outcome) => outcome.failure.map(|failure| failure.to_string()),
            EventKind::SubscriptionEnded { end, reason } => Some(describe_subscription(*end, *reason)),
            EventKind::MediaFailed { failure } => Some(failure.to_string()),
            EventKind::MediaStateChanged { state: SessionMediaState::Failed(failure) } => {
                Some(failure.to_string())
            }
            EventKind::TransferStageRefused(error) => Some(error.to_string()),
            EventKind::ConnectionEnded { cause } => Some(cause.to_string()),
            EventKind::Message(message) => Some(message.summary.clone()),
            _ => None,
        }
    }

    /// The stage of its transfer that this event reports.
    pub fn stage(&self) -> Option<TransferStage> {
        TransferStage::reported_by(&self.kind)
    }

    /// The outcome of a transfer, with the last event of one: `Succeeded`, `Recovered`, …
    pub fn outcome(&self) -> Option<&'static str> {
        match &self.kind {
            EventKind::TransferEnded(outcome) => Some(outcome_name(outcome.kind)),
            _ => None,
        }
    }

    /// How that outcome was learned: `notify`, `terminated`, `bye`, `guard`, `local`.
    pub fn learned_from(&self) -> Option<&'static str> {
        match &self.kind {
            EventKind::TransferEnded(outcome) => Some(learned_name(outcome.learned_from)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
