//! The values that cross the transfer boundary: commands from the application, outputs to the engine, events.

use std::time::Duration;

use dialog_core::{DialogCommand, LegId};
use sip_message::{HeaderId, NameAddrBuf, StatusCode, UriBuf};
use sip_transport::{TimerOp, identifier};
use thiserror::Error;

use crate::Replacement;

identifier! {
    /// A transfer, ours or one asked of us; it relates two or three legs.
    TransferId, "transfer-"
}

/// What the application asks for. A command that cannot be followed is answered by [`TransferOutput::Refused`] and changes
/// nothing; one that can, by [`TransferOutput::Accepted`].
#[derive(Debug, Clone)]
pub enum TransferCommand {
    /// Moves the other party of a call to a target: hold, REFER, progress, BYE; or recovery (table 2.1).
    Blind {
        /// The transfer, minted by whoever asks.
        transfer: TransferId,
        /// The call to the party that is to be moved.
        leg: LegId,
        /// Where it is to go; `sip`, `sips` or `tel`, without headers and `method`.
        target: UriBuf,
        /// Whether and how the call is held first.
        hold: Hold,
        /// Referred-By; our identity.
        referred_by: Option<NameAddrBuf>,
        /// How the REFER is sent.
        options: BlindOptions,
    },
    /// Lets go of a transfer of ours: hangs up at once and leaves the outcome to the other two (TR-165, TR-180). Not
    /// offered yet: [`TransferRefusal::Unsupported`].
    Detach {
        /// The transfer.
        transfer: TransferId,
    },
    /// Gives a transfer of ours up and takes the call back (TR-177); or withdraws from one asked of us, which cancels
    /// the new call.
    Cancel {
        /// The transfer.
        transfer: TransferId,
    },
    /// Decides on a transfer asked of us that awaits a decision.
    Decide {
        /// The transfer.
        transfer: TransferId,
        /// The decision.
        decision: Decision,
    },
}

/// How the REFER of a blind transfer is sent. What is not the default is not offered yet and answered by
/// [`TransferRefusal::Unsupported`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlindOptions {
    /// Where the REFER is sent.
    pub placement: ReferPlacement,
    /// Whether the peer is asked to report nothing: `Refer-Sub: false` (RFC 4488 §4).
    pub suppress: bool,
}

/// Where a REFER is sent (RFC 7647 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReferPlacement {
    /// In the dialog of the call.
    #[default]
    InDialog,
    /// In a dialog of its own, with Target-Dialog, to a peer whose Contact is a GRUU.
    OutOfDialog,
}

/// What is done about hold before the REFER.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// The call is held first, and resumed if the transfer fails.
    First,
    /// The application holds the call already; it stays held if the transfer fails.
    Already,
    /// No hold: REFER at once.
    No,
}

/// A decision on an incoming transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Follow it.
    Accept,
    /// Refuse it: the referrer is told 603 by NOTIFY (TR-026).
    Reject,
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
    /// Place the referred call with the identity and media of the leg that was referred. Its address is checked against
    /// [`TransferPolicy::permits`](crate::TransferPolicy::permits) once more when its name is resolved.
    Place {
        /// The new leg, minted here.
        leg: LegId,
        /// The leg that was referred.
        referred: LegId,
        /// The Request-URI.
        target: UriBuf,
        /// Headers for the INVITE: Referred-By, Replaces.
        headers: Vec<(HeaderId, Box<str>)>,
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
    /// Time.
    Timer(TimerOp<TransferTimer>),
}

/// Why a transfer command is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TransferRefusal {
    /// No such call; it may have ended.
    #[error("the call is unknown or has ended")]
    UnknownLeg,
    /// No such transfer; it may have ended.
    #[error("the transfer is unknown or has ended")]
    UnknownTransfer,
    /// The call is not up yet, or is ending.
    #[error("the call is not established")]
    NotEstablished,
    /// A transfer of this call is under way (TR-066).
    #[error("a transfer of this call is under way")]
    Busy,
    /// The target's scheme cannot be called (decision D8).
    #[error("the target's scheme is not sip, sips or tel")]
    Scheme,
    /// The target URI holds headers or a method, which a transfer does not take.
    #[error("the target URI must not hold headers or a method")]
    TargetForm,
    /// The peer said that it does not take REFER (no REFER in its Allow).
    #[error("the peer does not allow REFER")]
    PeerCannot,
    /// The transfer is in a state in which this cannot be asked.
    #[error("not possible in the transfer's present state")]
    State,
    /// The table of transfers is full.
    #[error("too many transfers")]
    Full,
    /// This kind of transfer is not offered yet.
    #[error("not supported")]
    Unsupported,
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
    },
    /// Transferee: somebody asks us to call a target; unverified (TR-033).
    Requested {
        /// The target.
        target: UriBuf,
        /// Who asks, as the REFER says.
        referred_by: Option<NameAddrBuf>,
        /// Whether a decision is awaited.
        decide: bool,
    },
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
    /// The referred call failed or is unknown; the call is being taken back.
    Recovering,
    /// Transferee: the new call takes over.
    Connected {
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
    /// What failed, if anything did.
    pub failure: Option<Failure>,
    /// Transferor: whether the call with the party that was to be moved is up and as it was before.
    pub call_kept: bool,
}

/// What came of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutcomeKind {
    /// The party was moved.
    Succeeded,
    /// The two calls were joined here instead.
    Bridged,
    /// It failed, and the call with the party that was to be moved is lost or still held.
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

/// A timer of one transfer, by its name in the catalogue (§2.0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferTimer {
    /// The transfer.
    pub transfer: TransferId,
    /// Which.
    pub name: TransferTimerName,
}

/// The timers of the transfer roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransferTimerName {
    /// T-GUARD: from the REFER to the outcome.
    Guard,
    /// T-FINAL: from the transferee's BYE to its last NOTIFY.
    Final,
    /// T-TEE-WD: from our success report to the transferor's BYE.
    Watchdog,
    /// The longest wait for a decision.
    Decision,
    /// The delay before a REFER that met 491 or a busy peer is sent once more, or a refused resumption is asked for again.
    Retry,
    /// T-HOLD: the hold before the REFER was not settled by the leg's own limit.
    Hold,
    /// T-RESUME: the resumption was not settled by the leg's own limit.
    Resume,
    /// T-BYE: the end of the call after a success was not heard of.
    Closing,
    /// T-RING: the new call neither began nor ended by its own limit.
    Ring,
    /// T-CANCEL: the end of the cancelled new call was not heard of.
    Cancel,
    /// The last report was neither delivered nor given up on.
    Delivery,
}
