//! What the machine asks for.

use std::time::Duration;

use sip_message::StatusCode;

use crate::Outcome;

/// What a step asks for, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Hold,
    /// The call is held by us from now on.
    NoteHeld,
    Refer,
    /// SUBSCRIBE with Expires 0, or the REFER is withdrawn if it has not left.
    Unsubscribe,
    Resume,
    /// A re-INVITE that changes nothing.
    Probe,
    HangUp,
    Tell(Tell),
    Wait(Wait),
    Finish(Outcome),
}

/// What the application is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tell {
    Accepted(StatusCode),
    AwaitingApproval,
    Progress(StatusCode),
    Recovering,
}

/// A timer to be armed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    Hold,
    Guard,
    /// After 491 by its rule, otherwise after so many seconds.
    Retry(Option<u32>),
    Final,
    Resume,
    /// Before the call is asked back once more.
    Again(Duration),
    Closing,
}
