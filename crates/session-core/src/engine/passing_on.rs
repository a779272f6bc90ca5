//! What a bridge passes on besides audio: whom one party puts on hold is the other party, not our user, who is in neither
//! call. So the other one is offered the same direction, and another one when the hold ends.

use dialog_core::LegCommand;
use media_core::Direction;

use super::{
    Engine, Tap,
    session::{Session, Waiter, Wish},
};
use crate::{error::SessionState, event::SessionId};

impl<T: Tap> Engine<T> {
    /// What a party wishes for is in force: the one that it is bridged with is told, if there is one.
    pub(super) fn pass_hold_on(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else { return };
        if let Some(with) = self.transfers.bridged_with(session.leg) {
            self.follow_bridge(SessionId::from(with.number()));
        }
    }

    /// Offers a party what the one that it is bridged with leaves it: both ways, where it is bridged with nobody. A party
    /// that refuses hears what the other one sends, or nothing; its next offer or ours asks it again.
    pub(super) fn follow_bridge(&mut self, id: SessionId) {
        let limit = self.config.hold_limit;
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
