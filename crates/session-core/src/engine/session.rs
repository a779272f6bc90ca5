//! One call as the engine keeps it: a leg with its negotiation and its stream.

use std::time::Duration;

use dialog_core::{IncomingCall, LegId, ReofferError};
use media_core::{DeviceId, Negotiation, Source, StreamId};
use smallvec::SmallVec;

use super::boundary::{CommandId, HoldState};
use crate::{error::SessionState, event::SessionId};

/// Holds and resumes that may wait for one call: a user presses a button a few times, a program that asks more often
/// is told to wait.
pub(super) const MAX_WAITERS: usize = 16;

/// Who waits for a new offer to be settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiter {
    /// A command.
    Command(CommandId),
    /// The transfer layer.
    Transfer,
}

/// What the call's stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StreamState {
    /// There is none yet.
    Unopened,
    /// It is open.
    Open,
    /// It was closed; the call is ending.
    Closed,
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) leg: LegId,
    pub(super) state: SessionState,
    pub(super) peer: String,
    pub(super) source: Source,
    pub(super) negotiation: Option<Negotiation>,
    /// Our RTP port; 0 before there is one.
    pub(super) port: u16,
    pub(super) stream: StreamState,
    pub(super) device: Option<DeviceId>,
    /// Whether the last offer of theirs can be answered.
    pub(super) offer_usable: bool,
    /// An incoming call that was not shown to the application yet.
    pub(super) undelivered: Option<Box<IncomingCall>>,
    /// Placed by the transfer layer: its address is checked when it is known.
    pub(super) referred: bool,
    /// Hold as it was last told to the application.
    pub(super) told: (bool, bool),
    /// Who waits for the offer in flight (`true`) or a later one (`false`).
    pub(super) waiters: SmallVec<[(Waiter, bool); 2]>,
    /// Commands that wait for the end.
    pub(super) enders: SmallVec<[CommandId; 1]>,
    /// Our user hung up while the other side moved us: the BYE follows the report (TR-256).
    pub(super) ends_after_transfer: bool,
}

impl Session {
    pub(super) fn new(leg: LegId, state: SessionState, peer: String, source: Source) -> Self {
        Self {
            leg,
            state,
            peer,
            source,
            negotiation: None,
            port: 0,
            stream: StreamState::Unopened,
            device: None,
            offer_usable: false,
            undelivered: None,
            referred: false,
            told: (false, false),
            waiters: SmallVec::new(),
            enders: SmallVec::new(),
            ends_after_transfer: false,
        }
    }

    pub(super) fn id(&self) -> SessionId {
        SessionId::from(self.leg.number())
    }

    pub(super) fn stream_id(&self) -> StreamId {
        StreamId(self.leg.number())
    }

    /// The hold state in force; `None` before anything is.
    pub(super) fn hold_state(&self) -> Option<HoldState> {
        let negotiation = self.negotiation.as_ref()?;
        let agreed = negotiation.in_force()?;
        Some(HoldState {
            local: negotiation.local_hold(),
            remote: negotiation.remote_hold(),
            direction: agreed.direction,
        })
    }

    /// The offer of ours goes out now: whoever waits is served by it.
    pub(super) fn cover_waiters(&mut self) {
        for (_, covered) in &mut self.waiters {
            *covered = true;
        }
    }

    /// Takes those whom a settled offer serves: those whose wish it carried, or, if it never went out, all.
    pub(super) fn settled_waiters(&mut self) -> SmallVec<[Waiter; 2]> {
        let any_covered = self.waiters.iter().any(|(_, covered)| *covered);
        let served = self
            .waiters
            .iter()
            .filter(|(_, covered)| *covered || !any_covered)
            .map(|(waiter, _)| *waiter)
            .collect();
        self.waiters.retain(|(_, covered)| any_covered && !*covered);
        served
    }
}

/// How a failed offer is told to a command.
pub(super) fn reoffer_failure(error: ReofferError) -> crate::error::ReofferFailure {
    use crate::error::ReofferFailure;
    match error {
        ReofferError::Refused(status) => ReofferFailure::Refused(status.as_u16()),
        ReofferError::TimedOut => ReofferFailure::TimedOut,
        ReofferError::Unreachable => ReofferFailure::Unreachable,
        ReofferError::Description => ReofferFailure::Description,
        ReofferError::Ended => ReofferFailure::Ended,
    }
}

/// The delay hinted to callers that find no port (RFC 3261 §20.33): a freed port rests 5 s.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(5);
