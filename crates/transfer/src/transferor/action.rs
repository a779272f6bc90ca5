//! What the machine asks for.

use std::time::Duration;

use sip_message::StatusCode;

use super::machine::Held;
use crate::Outcome;

/// One of the two calls of a transfer of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The call to the party that is to be moved: d1 of the catalogue.
    Primary,
    /// The call to the target that is asked first: d2.
    Consultation,
}

impl Side {
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Primary => Self::Consultation,
            Self::Consultation => Self::Primary,
        }
    }
}

/// What a step asks for, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Hold(Side),
    /// Who holds a call from now on.
    NoteHeld(Side, Held),
    /// The consultation call.
    Place,
    /// The target is to be named by the other of its two addresses (TR-171).
    Reroute,
    /// The REFER goes to the target from now on, and Replaces names the first call (TR-168, TR-170).
    Protect,
    /// The transfer is a blind one from now on, and the party that is to be moved gets the REFER.
    GoBlind,
    Refer,
    /// The target of a blind transfer is called, to be joined with the party that could not be moved.
    Call,
    /// The two calls are to be joined.
    Join,
    /// They are bridged from now on.
    NoteBridged,
    /// They are not to be joined after all.
    Part,
    /// The application has let go.
    Detach,
    /// The subscription is to outlive its call.
    Keep,
    /// SUBSCRIBE with Expires 0, or the REFER is withdrawn if it has not left.
    Unsubscribe,
    Resume(Side),
    /// A re-INVITE that changes nothing.
    Probe,
    HangUp(Side),
    /// The user's audio goes to a call, if the transfer has it.
    MoveTo(Side),
    Tell(Tell),
    Wait(Wait),
    Finish(Outcome),
}

/// What the application is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tell {
    ConsultRinging(StatusCode),
    ConsultAnswered,
    ConsultFailed(Option<StatusCode>),
    Swapped(Side),
    PrimaryLost,
    Accepted(StatusCode),
    AwaitingApproval,
    Progress(StatusCode),
    Bridging,
    Recovering,
}

/// A timer to be armed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    Hold,
    Consult,
    Talk,
    Guard,
    /// After 491 by its rule, otherwise after so many seconds.
    Retry(Option<u32>),
    Final,
    Resume,
    /// Before the call is asked back once more.
    Again(Duration),
    Closing,
    /// Before our BYE, or for the peer's.
    Bye,
}
