//! The engine's side of a call that takes the place of another one (RFC 3891): it is answered in the same call slot,
//! and the application does not see it before it is up (TR-114).

use std::net::IpAddr;

use bytes::Bytes;
use dialog_core::{IncomingCall, LegCommand, LegId};
use sip_message::StatusCode;
use transfer::{Replacement, ReplacementEnd};

use super::{
    Engine, Tap,
    media::description_status,
    session::{RETRY_AFTER, Session, StreamState},
};
use crate::{
    error::SessionState,
    event::{EventKind, SessionId},
};

/// What is kept of a call that the application has not seen: nothing is reserved for it before it is authorised.
#[derive(Debug)]
pub(super) struct Unseen {
    /// Our address that it came to.
    local: IpAddr,
    /// Its offer, which is negotiated when it is answered.
    offer: Option<Bytes>,
}

impl<T: Tap> Engine<T> {
    /// A call that is to take the place of another one. It is taken although there are as many calls as there may be: it
    /// needs no slot of its own, and the dialog layer lets one at a time replace a call.
    pub(super) fn incoming_in_place(&mut self, leg: LegId, call: &IncomingCall) {
        let from = call.from.uri.clone();
        let mut session = Session::new(leg, SessionState::Incoming, from, self.config.source.clone());
        session.registration = call.registration;
        session.unseen = Some(Box::new(Unseen { local: call.local.ip(), offer: None }));
        self.sessions.insert(session.id(), Box::new(session));
    }

    /// Keeps the offer of a call that is not answered yet; `false` if it is no such call.
    pub(super) fn keep_offer(&mut self, id: SessionId, body: &Bytes) -> bool {
        let unseen = self.sessions.get_mut(&id).and_then(|session| session.unseen.as_mut());
        unseen.map(|unseen| unseen.offer = Some(body.clone())).is_some()
    }

    /// Answers it with what the replaced call has: its source, its device, and its local hold (TR-116). The rest is
    /// negotiated from scratch, so that nothing of a remote hold is left (TR-115).
    pub(super) fn answer_in_place(&mut self, leg: LegId, replaced: LegId) {
        let id = SessionId::from(leg.number());
        let waiting = self.sessions.get_mut(&id).and_then(|session| session.unseen.as_mut());
        let Some((local, offer)) = waiting.map(|unseen| (unseen.local, unseen.offer.take())) else { return };
        let old = self.sessions.get(&SessionId::from(replaced.number()));
        if old.is_some_and(|old| old.state == SessionState::Ending) {
            // For our user it is over; its BYE waits for the report of a transfer (TR-107, TR-256).
            self.ask_leg(leg, LegCommand::Reject { status: StatusCode::DECLINE, retry_after: None });
            return;
        }
        if self.stopping || !self.prepare_media(id, local) {
            let retry_after = u32::try_from(RETRY_AFTER.as_secs()).ok();
            self.ask_leg(leg, LegCommand::Reject { status: StatusCode::SERVICE_UNAVAILABLE, retry_after });
            return;
        }
        let old = self.sessions.get(&SessionId::from(replaced.number()));
        let held = old
            .and_then(|session| session.negotiation.as_ref())
            .is_some_and(media_core::Negotiation::desired_hold);
        let source = old.map(|session| session.source.clone());
        // Without audio of its own to be moved, the new call brings its own.
        let moves =
            old.is_some_and(|session| session.stream == StreamState::Open && session.device.is_some());
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.device = (!moves).then(|| Self::own_device(id));
        session.source = source.unwrap_or_else(|| session.source.clone());
        if let Some(negotiation) = &mut session.negotiation {
            negotiation.desire(held);
            session.offer = offer.map_or(Err(StatusCode::NOT_ACCEPTABLE_HERE), |offer| {
                negotiation.offered(&offer).map_err(description_status)
            });
        }
        let contact_user = self.config.contact_user.clone();
        self.ask_leg(leg, LegCommand::Accept { contact_user });
    }

    /// Tells and logs what came of an attempt to replace a call (SEC-10, SEC-13).
    pub(super) fn tell_replacement(&mut self, told: Replacement) {
        let Replacement { old, new, from, source, referred_by, verified, end } = told;
        let (old, new) = (SessionId::from(old.number()), SessionId::from(new.number()));
        let from = from.uri.to_string();
        let referred_by = referred_by.map(|who| who.uri.to_string());
        tracing::info!(%old, %new, ?from, %source, ?referred_by, verified, ?end, "a call was to be replaced");
        match end {
            ReplacementEnd::Replaced => {
                self.tell(Some(new), None, EventKind::Replaced { old, from, referred_by, verified });
            }
            ReplacementEnd::Refused(status) => {
                self.tell(Some(old), None, EventKind::ReplaceRefused { status, from, referred_by });
            }
            ReplacementEnd::Unacknowledged => {
                self.tell(Some(new), None, EventKind::ReplaceUnacknowledged { old });
            }
        }
    }
}
