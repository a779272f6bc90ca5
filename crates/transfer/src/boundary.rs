//! The values that cross the transfer boundary: commands from the application, outputs to the engine, events.

use std::time::Duration;

use dialog_core::{DialogCommand, LegId, SubscriptionEnd};
use sip_message::{HeaderId, NameAddrBuf, StatusCode, SubReason, UriBuf};
use sip_transport::{TimerOp, identifier};
use thiserror::Error;

pub(crate) mod command;
pub(crate) mod manual;
pub(crate) mod options;

use self::{command::TransferRefusal, manual::StepDone};
use crate::{Replacement, TransferKind, TransferTimer};

identifier! {
    /// A transfer, ours or one asked of us; it relates two or three legs.
    TransferId, "transfer-"
}

/// What a step of the transfer layer produces.
#[derive(Debug, Clone)]
pub enum TransferOutput {
    /// Ask the dialog layer.
    Dialog(DialogCommand),
    /// Hold a leg: the engine sets the wish and asks the leg for a new offer. Answered by `LegEvent::Reoffered`.
    Hold {
        /// The leg.
        leg: LegId,
        /// How long it may take, 491 retries included.
        limit: Duration,
    },
    /// The reverse of [`TransferOutput::Hold`], answered in the same way.
    Resume {
        /// The leg.
        leg: LegId,
        /// How long it may take.
        limit: Duration,
    },
    /// Place a call beside another one, with its identity; the user's audio is moved to it later, by
    /// [`TransferOutput::MoveMedia`].
    Place {
        /// The new leg.
        leg: LegId,
        /// The leg that was referred, or whose party waits.
        beside: LegId,
        /// What it is for.
        purpose: Purpose,
        /// The Request-URI.
        target: UriBuf,
        /// From, where it is not that of the call beside it (SEC-06).
        from: Option<NameAddrBuf>,
        /// Headers for the INVITE: Referred-By, Replaces.
        headers: Vec<(HeaderId, Box<str>)>,
        /// Headers for the INVITE that have no [`HeaderId`], by name.
        extensions: Vec<(Box<str>, Box<str>)>,
        /// How long it may ring.
        ring_limit: Duration,
    },
    /// Answer a call that takes the place of another one, without ringing and with the identity, the media and the wish for
    /// hold of that one (TR-114, TR-116); or refuse it with 503 where there is no room. Then it is up, or ends.
    Answer {
        /// The new leg.
        leg: LegId,
        /// The leg that it replaces.
        replaced: LegId,
    },
    /// Move the user's microphone and loudspeaker from one leg to another, at once (TM-016).
    MoveMedia {
        /// The leg they are on.
        from: LegId,
        /// The leg they go to.
        to: LegId,
    },
    /// Join two calls that are up: what one party says the other one hears, and the user's audio is taken off both. What
    /// either is joined with already makes room. All or nothing; answered by
    /// [`Transfers::bridged`](crate::Transfers::bridged).
    Bridge {
        /// One call.
        a: LegId,
        /// The other.
        b: LegId,
    },
    /// Undo a [`TransferOutput::Bridge`] that was not answered; it is not answered any more.
    Unbridge {
        /// One call.
        a: LegId,
        /// The other.
        b: LegId,
    },
    /// Tell the application.
    Event(TransferEvent),
    /// Tell the application what came of an attempt to replace a call; exactly one for each attempt.
    Replacement(Box<Replacement>),
    /// A command is followed.
    Accepted {
        /// The transfer.
        transfer: TransferId,
    },
    /// A command is not followed; nothing was changed.
    Refused {
        /// The transfer.
        transfer: TransferId,
        /// Why.
        error: TransferRefusal,
    },
    /// A step of the application's is done, or the next one is due; only of a transfer that it drives itself.
    Stepped {
        /// The transfer.
        transfer: TransferId,
        /// What came of it.
        step: StepDone,
    },
    /// Time.
    Timer(TimerOp<TransferTimer>),
}

/// What a call is placed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A REFER asks for it. Its address is checked by [`Transfers::permits`](crate::Transfers::permits) once more when its
    /// name is resolved.
    Referred,
    /// The call that a REFER asked for has failed, and the referrer, who has hung up, is called back (TR-181). Its address
    /// is checked in the same way.
    Recall,
    /// The target of a transfer of ours is asked first.
    Consultation,
}

/// An event about one transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferEvent {
    /// The transfer.
    pub transfer: TransferId,
    /// The call that is moved, or on which we were asked to move.
    pub leg: LegId,
    /// Our role.
    pub role: Role,
    /// What happened.
    pub kind: TransferEventKind,
}

/// Our role in a transfer (RFC 5589 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// We send the REFER.
    Transferor,
    /// We are asked to call somebody else.
    Transferee,
}

/// What happened in a transfer. Exactly one [`TransferEventKind::Ended`] is the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferEventKind {
    /// It began.
    Initiated {
        /// The target.
        target: UriBuf,
        /// Which kind it is.
        kind: TransferKind,
    },
    /// It has become one of another kind.
    KindChanged {
        /// Which it is now.
        kind: TransferKind,
    },
    /// Transferee: somebody asks us to call a target; unverified (TR-033).
    Requested {
        /// The target.
        target: UriBuf,
        /// Who asks, as the REFER says.
        referred_by: Option<NameAddrBuf>,
        /// Whether the transport has verified that the REFER comes from the host that Referred-By names. Otherwise that, and
        /// the display name in any case, is what somebody says (TR-143).
        verified: bool,
        /// Whether a decision is awaited.
        decide: bool,
        /// Which kind it is, as far as the REFER shows.
        kind: TransferKind,
    },
    /// The target is being asked, in a call of its own.
    Consulting {
        /// That call.
        consultation: LegId,
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
    Swapped {
        /// Its call.
        active: LegId,
    },
    /// The party that was to be moved is gone; the consultation call goes on as a call like any other.
    PrimaryLost,
    /// The REFER is being sent.
    ReferSent,
    /// The REFER was answered 2xx: not a success yet.
    Accepted {
        /// The 2xx.
        status: StatusCode,
    },
    /// The transferee's user has to approve first.
    AwaitingApproval,
    /// The referred call got so far.
    Progress {
        /// The provisional status.
        status: StatusCode,
    },
    /// No NOTIFY has followed the 2xx to the REFER within 64*T1 (RFC 6665 §4.1.2.4, timer N).
    NotifyTimeout,
    /// The subscription to the progress is over; told while the transfer goes on.
    SubscriptionEnded {
        /// How.
        end: SubscriptionEnd,
        /// The reason that its last NOTIFY gave.
        reason: Option<SubReason>,
    },
    /// The party cannot or will not be referred, so that the two calls are joined here ([`Fallback`](crate::Fallback)).
    Bridging,
    /// The referred call failed or is unknown; the call is being taken back.
    Recovering,
    /// Transferee: the new call takes over.
    Connected {
        /// The new leg.
        to: LegId,
    },
    /// Transferee: the new call failed after the transferor had hung up, and the transferor is called back (TR-181). The
    /// transfer has failed all the same.
    Recalling {
        /// The new leg.
        to: LegId,
    },
    /// It is over.
    Ended(Outcome),
}

/// The one outcome of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// What came of it.
    pub kind: OutcomeKind,
    /// How that was learned (decision D4).
    pub learned_from: LearnedFrom,
    /// The SIP status behind it, where there is one.
    pub code: Option<StatusCode>,
    /// What failed, if anything did; of a transfer that was bridged, why the party was not moved.
    pub failure: Option<Failure>,
    /// Whether the call with the party that was to be moved, or that asked us to move, is up and as it was before.
    pub call_kept: bool,
    /// Transferor: whether that call is up and still on hold, because the party refuses every offer that would take it back
    /// (decision 13). Nothing will be tried any more: the application resumes it or hangs up. Where neither this nor
    /// `call_kept` is true, the call is over, or our BYE has left; but for [`OutcomeKind::Bridged`], where it is up and joined
    /// with the other one.
    pub on_hold: bool,
    /// After what time it may be tried again, as whoever refused the REFER or the consultation call says (RFC 3261 §20.33).
    pub retry_after: Option<Duration>,
}

/// What came of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutcomeKind {
    /// The party was moved.
    Succeeded,
    /// The REFER was accepted and nobody reports on it, as was asked for: the party was probably moved, which nobody has
    /// confirmed (TR-077).
    AcceptedWithoutProgress,
    /// The two calls were joined here instead.
    Bridged,
    /// It failed, and the call with the party that was to be moved is over, or still [on hold](Outcome::on_hold).
    Failed,
    /// It failed, and the party is back.
    Recovered,
    /// The application gave it up.
    Cancelled,
    /// Nothing definite was heard in time.
    TimedOut,
    /// The party hung up before the outcome was known.
    PeerHungUp,
}

impl OutcomeKind {
    /// Whether the party and the target are together, as far as is known: the party was moved, or the two were bridged.
    pub const fn is_success(self) -> bool {
        match self {
            Self::Succeeded | Self::AcceptedWithoutProgress | Self::Bridged => true,
            Self::Failed | Self::Recovered | Self::Cancelled | Self::TimedOut | Self::PeerHungUp => false,
        }
    }
}

/// How an outcome was learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LearnedFrom {
    /// A final status in a NOTIFY.
    Notify,
    /// The subscription ended without a status.
    Terminated,
    /// A BYE on the call.
    Bye,
    /// A timer.
    Guard,
    /// It happened here: a response to our own request, or a decision.
    Local,
}

/// What failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Failure {
    /// The hold before the REFER.
    #[error("the call could not be held")]
    Hold,
    /// The REFER was refused.
    #[error("the REFER was refused")]
    Refused,
    /// The peer does not do REFER: 405 or 501.
    #[error("the peer does not support REFER")]
    NotSupported,
    /// The REFER was not answered.
    #[error("the REFER was not answered")]
    ReferTimeout,
    /// The REFER could not be delivered.
    #[error("the peer cannot be reached")]
    Unreachable,
    /// No NOTIFY followed the 2xx.
    #[error("no notification followed the acceptance")]
    NoNotify,
    /// The referred call failed.
    #[error("the referred call failed")]
    Target,
    /// The target could not be asked: it refused, did not answer or cannot be reached.
    #[error("the target did not take the consultation call")]
    Consultation,
    /// The target was asked and did not take the party over.
    #[error("the target does not take the call over")]
    Declined,
    /// The target was asked, and did not say in time whether it takes the party over.
    #[error("the target did not decide in time")]
    Undecided,
    /// The consultation call ended before the transfer was completed.
    #[error("the consultation call ended")]
    ConsultationEnded,
    /// The target was asked for longer than is allowed.
    #[error("the consultation took too long")]
    TalkLimit,
    /// Who would get the INVITE with Replaces does not support it (RFC 3891 §6.2).
    #[error("the peer does not support Replaces")]
    NoReplaces,
    /// The two calls could not be joined here.
    #[error("the two calls could not be joined")]
    Bridge,
    /// The subscription ended without saying what happened.
    #[error("the subscription ended without a result")]
    NoResult,
    /// The guard time passed.
    #[error("nothing definite was heard in time")]
    Guard,
    /// A policy of ours forbids it.
    #[error("refused by policy")]
    Policy,
    /// It was rejected by a decision.
    #[error("rejected")]
    Rejected,
    /// It was given up.
    #[error("cancelled")]
    Cancelled,
    /// The call ended underneath.
    #[error("the call ended")]
    CallEnded,
}
