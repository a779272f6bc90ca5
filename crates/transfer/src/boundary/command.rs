//! What the application asks for, and why it is not followed.

use dialog_core::LegId;
use sip_message::{NameAddrBuf, StatusCode, UriBuf};
use thiserror::Error;

use super::{TransferId, manual::ManualStep, options::ReferOptions};
use crate::{Fallback, policy::attended::ReferTarget};

/// What the application asks for. A command that cannot be followed is answered by [`TransferOutput::Refused`](crate::TransferOutput::Refused) and changes
/// nothing; one that can, by [`TransferOutput::Accepted`](crate::TransferOutput::Accepted).
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
        options: ReferOptions,
    },
    /// Moves the other party of a call to the party of another call that is up: both are held, then REFER with Replaces
    /// (table 2.2 from `complete()` on).
    Attended {
        /// The transfer, minted by whoever asks.
        transfer: TransferId,
        /// The call to the party that is to be moved.
        leg: LegId,
        /// The call to the target, placed by us or by the target.
        consultation: LegId,
        /// Whether and how the first call is held.
        hold: Hold,
        /// Whether the consultation call is held by the application already.
        consultation_held: bool,
        /// Referred-By; our identity.
        referred_by: Option<NameAddrBuf>,
        /// How it is done.
        options: AttendedOptions,
        /// How the REFER is sent.
        refer: ReferOptions,
    },
    /// Asks the target first: hold, a consultation call, then [`TransferCommand::Complete`] or `Cancel` (table 2.2).
    Consult {
        /// The transfer, minted by whoever asks.
        transfer: TransferId,
        /// The call to the party that is to be moved.
        leg: LegId,
        /// The consultation call, minted by whoever asks; placed by [`TransferOutput::Place`](crate::TransferOutput::Place).
        consultation: LegId,
        /// Whom to ask; `sip` or `sips`, without headers and `method`.
        target: UriBuf,
        /// Whether and how the first call is held.
        hold: Hold,
        /// Referred-By; our identity.
        referred_by: Option<NameAddrBuf>,
        /// How it is done.
        options: AttendedOptions,
        /// How the REFER is sent.
        refer: ReferOptions,
        /// When the transfer is completed.
        completion: Completion,
    },
    /// Completes a transfer whose target is being asked.
    Complete {
        /// The transfer.
        transfer: TransferId,
        /// What is done from now on when the party cannot or will not be referred; `None` leaves it at what the transfer began
        /// with.
        fallback: Option<Fallback>,
    },
    /// Talks to the other of the two parties while the target is being asked; the one left is held.
    Swap {
        /// The transfer.
        transfer: TransferId,
    },
    /// Lets go of a transfer of ours whose REFER is under way: hangs up as soon as it is accepted and leaves the outcome to
    /// the other two (TR-165, TR-180). It is still told, but the call cannot be taken back. Not with a protected target.
    Detach {
        /// The transfer.
        transfer: TransferId,
    },
    /// Gives a transfer of ours up and takes the call back, ending a consultation call that was placed for it (TR-177);
    /// or withdraws from one asked of us, which cancels the new call.
    Cancel {
        /// The transfer.
        transfer: TransferId,
    },
    /// The target, which was asked first, does not take the party over: the party is taken back and the target's call ends.
    Decline {
        /// The transfer.
        transfer: TransferId,
        /// Why.
        reason: Decline,
    },
    /// Decides on a transfer asked of us that awaits a decision.
    Decide {
        /// The transfer.
        transfer: TransferId,
        /// The decision.
        decision: Decision,
    },
    /// Does a step of a transfer that the application drives itself.
    Step {
        /// The transfer.
        transfer: TransferId,
        /// The step.
        step: ManualStep,
    },
}

/// How a transfer to somebody who was asked first is done; what is `None` follows the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttendedOptions {
    /// What the Refer-To names.
    pub refer_to: Option<ReferTarget>,
    /// Sends the REFER to the target with a Replaces of the first call, so that the party that is moved does not learn the
    /// target's address (RFC 5589 §7.2, TR-168).
    pub protect_target: bool,
    /// Sends the REFER even if the party that gets the INVITE with Replaces does not say that it supports it (TR-173).
    pub force: bool,
    /// What is done when the party cannot or will not be referred; `None` follows
    /// [`ReferOptions::fallback`].
    pub fallback: Option<Fallback>,
}

/// When a transfer whose target is asked first is completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Completion {
    /// As soon as the target has answered.
    OnAnswer,
    /// When [`TransferCommand::Complete`] comes.
    #[default]
    OnCommand,
}

/// What is done about hold before the REFER.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// The call is held first, and resumed if the transfer fails.
    First,
    /// The application holds the call already; it stays held if the transfer fails.
    Already,
    /// The application has held the call for this transfer: it is resumed if the transfer fails.
    Done,
    /// No hold: REFER at once.
    No,
}

/// A decision on an incoming transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Follow it.
    Accept,
    /// Refuse it: the referrer is told 603, by NOTIFY if the REFER was accepted already (TR-026).
    Reject,
    /// Refuse it with a status that leaves the call alone (TR-265): 400, 401, 403, 420, 429, 488, 491, 500, 503, 603.
    RejectWith(StatusCode),
    /// Accept it and do the rest by oneself: call the target or not, and report by
    /// [`ManualStep::Report`](crate::ManualStep::Report). The transfer ends with the last report, or by T-RING.
    HandleMyself,
}

/// Why the target of a transfer, which was asked first, does not take the party over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decline {
    /// It said so.
    Declined,
    /// It said nothing in time.
    TimedOut,
    /// It would, but the transfer cannot be completed.
    Impossible,
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
    /// The target's scheme cannot be called (decision D8).
    #[error("the target's scheme is not sip, sips or tel")]
    Scheme,
    /// The target URI holds headers or a method, which a transfer does not take.
    #[error("the target URI must not hold headers or a method")]
    TargetForm,
    /// The peer said that it does not take REFER (no REFER in its Allow).
    #[error("the peer does not allow REFER")]
    PeerCannot,
    /// Who would get the INVITE with Replaces does not say that it supports it (RFC 3891 §6.2, TR-173).
    #[error("the peer does not support Replaces")]
    NoReplaces,
    /// The call is not bridged with another one.
    #[error("the call is not bridged")]
    NotBridged,
    /// A call cannot be transferred to itself.
    #[error("both calls are the same")]
    SameCall,
    /// The call is not the one that this is about: not that in which the REFER was sent.
    #[error("the REFER was not sent in this call")]
    OtherCall,
    /// The transfer is in another state than this needs. A call that is being moved or asked to move by a transfer needs
    /// `Idle` for the next one (TR-066).
    #[error("the transfer is in {state}, but this needs {wanted}")]
    WrongState {
        /// Its state by the catalogue's name, or what keeps this from being done.
        state: &'static str,
        /// What is needed.
        wanted: &'static str,
    },
    /// The status cannot be used there: to refuse a REFER (TR-265), or in a report of this kind.
    #[error("the status cannot be used there")]
    Status,
    /// A REFER that asks for another than the implicit subscription would go where it may fork (RFC 4488 §4, TR-074).
    #[error("a REFER without the usual subscription must not be one that may fork")]
    MayFork,
    /// A header that is to be added is one that the stack writes, or that steers the request, or has no name.
    #[error("a header of that name must not be added")]
    HeaderName,
    /// The value of a header that is to be added is empty, too long, or holds control characters.
    #[error("the value of a header that is to be added is not allowed")]
    HeaderValue,
    /// More headers than [`REFER_HEADERS_MAX`](crate::REFER_HEADERS_MAX) are to be added.
    #[error("too many headers are to be added")]
    TooManyHeaders,
    /// A `tel` URI holds no headers, nor User-to-User data.
    #[error("a tel target cannot carry headers")]
    TelHeaders,
    /// The table of transfers is full.
    #[error("too many transfers")]
    Full,
    /// This kind of transfer is not offered yet.
    #[error("not supported")]
    Unsupported,
}
