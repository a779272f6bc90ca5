//! What a bridge passes on besides audio: whom one party puts on hold is the other party, not our user, who is in neither
//! call. So the other one is offered the same direction, and another one when the hold ends.

use std::time::Duration;

use dialog_core::{LegCommand, ReofferError};
use media_core::Direction;

use super::{
    Engine, Tap,
    session::{Session, Waiter, Wish},
};
use crate::{error::SessionState, event::SessionId};

/// An offer that is made again and again, as long as it is not answered, has at least this long.
const LEAST_LIMIT: Duration = Duration::from_secs(1);

impl<T: Tap> Engine<T> {
    /// What a party wishes for is in force: the one that it is bridged with is told, if there is one.
    pub(super) fn pass_hold_on(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else { return };
        if let Some(with) = self.transfers.bridged_with(session.leg) {
            self.follow_bridge(SessionId::from(with.number()));
        }
    }

    /// Offers a party what the one that it is bridged with leaves it: both ways, where it is bridged with nobody.
    pub(super) fn follow_bridge(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else { return };
        let other = self.transfers.bridged_with(session.leg);
        let other = other.and_then(|leg| self.sessions.get(&SessionId::from(leg.number())));
        let direction = other.map_or(Direction::SendRecv, |other| other.left_to_other());
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(negotiation) = session.negotiation.as_mut() else { return };
        if session.state != SessionState::Established || session.follows == direction {
            return;
        }
        session.follows = direction;
        negotiation.set_direction(direction);
        self.offer_direction(id);
    }

    /// A party has not agreed to what it was offered. One that refuses hears what the other one sends, or nothing, until that
    /// wishes for something else. One that was busy with offers of its own, or was not heard, is asked again as long as its
    /// call lives: it would wait for ever if it did not learn of the end of a hold.
    pub(super) fn not_passed_on(&mut self, id: SessionId, error: ReofferError) {
        tracing::info!(session = %id, ?error, "a hold or its end was not passed on");
        if error == ReofferError::TimedOut {
            self.offer_direction(id);
        }
    }

    fn offer_direction(&mut self, id: SessionId) {
        let limit = self.config.hold_limit.max(LEAST_LIMIT);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        // One offer that is still to be made carries the newest direction.
        if !session.wishes.iter().any(|wish| wish.waiter == Waiter::Bridge && !wish.covered) {
            session.wishes.push(Wish { waiter: Waiter::Bridge, held: None, covered: false });
        }
        let leg = session.leg;
        self.ask_leg(leg, LegCommand::Reoffer { limit });
    }
}

impl Session {
    /// Which way audio can pass between us and whom this call's party is bridged with: a party that puts us on hold takes
    /// nothing from there, and what it sends meanwhile, such as music, goes there. It depends on what the parties wish
    /// for alone, so that it comes to rest.
    fn left_to_other(&self) -> Direction {
        match self.hold_state() {
            Some(state) if state.remote => Direction::of(state.direction.receives(), false),
            Some(_) | None => Direction::SendRecv,
        }
    }
}
