//! One call as the engine keeps it: a leg with its negotiation and its stream.

use std::{fmt, time::Duration};

use dialog_core::{IncomingCall, LegId, RegistrationId, ReofferError};
use media_core::{DeviceId, Direction, HoldAudio, Negotiation, Op, Source, StreamId};
use sip_message::{NameAddrBuf, StatusCode, UriBuf};
use smallvec::SmallVec;
use transfer::TransferId;

use super::{
    boundary::{CommandId, HoldState},
    media_boundary::{HoldBy, MediaFailure, SessionMediaState},
    replacing::Unseen,
};
use crate::{error::SessionState, event::SessionId};

/// Holds and resumes that may wait for one call: a user presses a button a few times, a program that asks more often
/// is told to wait.
pub(super) const MAX_WAITERS: usize = 16;

/// A wish for a new offer that is not settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) waiter: Waiter,
    /// Hold, or its end; `None` where it is about another direction only.
    pub(super) held: Option<bool>,
    /// Whether the offer in flight carries it; otherwise a later one will.
    pub(super) covered: bool,
}

/// Who waits for a new offer to be settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiter {
    /// A command.
    Command(CommandId),
    /// The transfer layer.
    Transfer,
    /// Nobody: the party is to learn what the one that it is bridged with wishes for.
    Bridge,
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

/// What the streams told of a call's media, and what was told of it.
#[derive(Debug, Default)]
pub(super) struct MediaStatus {
    /// What was applied last and is not confirmed by the streams.
    pub(super) applying: Option<Op>,
    /// Whether RTP comes.
    pub(super) flowing: bool,
    /// Why there is no media; what is negotiated next begins anew.
    pub(super) failure: Option<MediaFailure>,
    /// The state as it was last told.
    pub(super) told: SessionMediaState,
    /// The transfer that watches it.
    pub(super) monitored_by: Option<TransferId>,
}

impl MediaStatus {
    /// Whether the streams have confirmed what is in force.
    pub(super) fn confirmed(&self) -> bool {
        self.applying.is_none() && self.failure.is_none()
    }
}

/// What is kept of our first offer, so that another fork can answer it.
#[derive(Debug)]
pub(super) enum OpenOffer {
    /// Nothing: no early dialog has described its session, or the call is up.
    None,
    /// The next answer is an early one.
    Early,
    /// An early answer is in force; the negotiation was as it is here before it.
    Answered(Box<Negotiation>),
}

/// With whom a call is; shown as people read it.
#[derive(Debug)]
pub(super) enum Party {
    /// Until it is up: where it goes, or by whom it is said to be.
    Named(UriBuf),
    /// What stands in To or From.
    Met(NameAddrBuf),
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(uri) => uri.fmt(f),
            Self::Met(address) => address.fmt(f),
        }
    }
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) leg: LegId,
    pub(super) state: SessionState,
    pub(super) party: Party,
    /// As whose call it goes out or came in.
    pub(super) registration: Option<RegistrationId>,
    pub(super) source: Source,
    /// What its party hears when we hold it, where the application has said so.
    pub(super) hold_audio: Option<HoldAudio>,
    pub(super) negotiation: Option<Negotiation>,
    /// Our RTP port; 0 before there is one.
    pub(super) port: u16,
    pub(super) stream: StreamState,
    pub(super) device: Option<DeviceId>,
    pub(super) media: MediaStatus,
    /// The call whose stream this one's is paired with.
    pub(super) paired: Option<SessionId>,
    /// The direction that the party of a bridged call leaves to this one.
    pub(super) follows: Direction,
    /// Whether the last offer of theirs can be answered, otherwise the status that refuses it.
    pub(super) offer: Result<(), StatusCode>,
    /// Our first offer, which several forks may answer before the call is up.
    pub(super) open: OpenOffer,
    /// An incoming call that was not shown to the application yet.
    pub(super) undelivered: Option<Box<IncomingCall>>,
    /// A call that is to take the place of another one, until it is up: the application has not seen it.
    pub(super) unseen: Option<Box<Unseen>>,
    /// Placed by the transfer layer: its address is checked when it is known.
    pub(super) referred: bool,
    /// Hold as it was last told to the application.
    pub(super) told: (bool, bool),
    /// Wishes for hold, for its end or for another direction, oldest first.
    pub(super) wishes: Vec<Wish>,
    /// Commands that wait for the end.
    pub(super) enders: SmallVec<[CommandId; 1]>,
    /// Our user hung up while the other side moved us: the BYE follows the report (TR-256).
    pub(super) ends_after_transfer: bool,
}

impl Session {
    pub(super) fn new(leg: LegId, state: SessionState, party: UriBuf, source: Source) -> Self {
        Self {
            leg,
            state,
            party: Party::Named(party),
            registration: None,
            source,
            hold_audio: None,
            negotiation: None,
            port: 0,
            stream: StreamState::Unopened,
            device: None,
            media: MediaStatus::default(),
            paired: None,
            follows: Direction::SendRecv,
            offer: Err(StatusCode::NOT_ACCEPTABLE_HERE),
            open: OpenOffer::None,
            undelivered: None,
            unseen: None,
            referred: false,
            told: (false, false),
            wishes: Vec::new(),
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

    /// The state of the media: it follows from what is negotiated, and from whether packets come.
    pub(super) fn media_state(&self) -> SessionMediaState {
        if let Some(failure) = self.media.failure {
            return SessionMediaState::Failed(failure);
        }
        let Some(negotiation) = &self.negotiation else { return SessionMediaState::None };
        let Some(agreed) = negotiation.in_force() else { return SessionMediaState::Negotiating };
        if agreed.rejected() {
            return SessionMediaState::Failed(MediaFailure::Rejected);
        }
        match (negotiation.local_hold(), negotiation.remote_hold()) {
            (true, true) => SessionMediaState::Paused(HoldBy::Both),
            (true, false) => SessionMediaState::Paused(HoldBy::Local),
            (false, true) => SessionMediaState::Paused(HoldBy::Remote),
            (false, false) if self.media.flowing => SessionMediaState::Active,
            (false, false) => SessionMediaState::Configured,
        }
    }

    /// An offer of ours goes out now: it carries every wish.
    pub(super) fn cover_wishes(&mut self) {
        for wish in &mut self.wishes {
            wish.covered = true;
        }
    }

    /// Takes the wishes that a settled offer served: those it carried, or all if it carried none. With the call's end all
    /// are settled, and when time ran out also the commands behind them, which may have joined the wish that failed; a
    /// transfer has limits of its own.
    pub(super) fn settled_wishes(&mut self, result: Result<(), ReofferError>) -> SmallVec<[Wish; 2]> {
        let none_covered = !self.wishes.iter().any(|wish| wish.covered);
        let is_served = |wish: &Wish| {
            wish.covered
                || none_covered
                || match result {
                    Err(ReofferError::Ended) => true,
                    Err(ReofferError::TimedOut) => wish.waiter != Waiter::Transfer,
                    Err(ReofferError::Refused(_) | ReofferError::Unreachable | ReofferError::Description)
                    | Ok(()) => false,
                }
        };
        let served = self.wishes.iter().filter(|wish| is_served(wish)).copied().collect();
        self.wishes.retain(|wish| !is_served(wish));
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

/// How long an incoming call waits for a decision: longer than any caller rings (timer C, RFC 3261 §16.6 item 11).
pub(super) const UNDECIDED: Duration = Duration::from_mins(3);

/// The delay hinted to callers that find no port (RFC 3261 §20.33): a freed port rests 5 s.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(5);
