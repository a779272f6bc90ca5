//! What the application asks of a transfer that is asked of us, and when it may.

use sip_transport::Out;

use super::{
    Transferee,
    machine::{Event, State, step},
};
use crate::{TransferOutput, surroundings::Surroundings};

impl Transferee {
    /// Whether the application has not decided yet.
    pub(crate) const fn is_pending(&self) -> bool {
        matches!(self.state, State::Deciding)
            || matches!(self.state, State::Unanswered) && self.facts.reporting
    }

    /// Whether the application may withdraw now.
    pub(crate) fn can_cancel(&self) -> bool {
        step(self.state, Event::Cancel, self.facts).is_some()
    }

    /// Whether it failed or is being given up already, so that only the end is to come.
    pub(crate) const fn is_given_up(&self) -> bool {
        match self.state {
            State::Cancelling(_) | State::Failed(_) => true,
            State::InCall
            | State::Unanswered
            | State::Deciding
            | State::Inviting
            | State::Ringing
            | State::Handling
            | State::Connected
            | State::WaitBye
            | State::Ended => false,
        }
    }

    pub(crate) fn cancel(&mut self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        self.drive(Event::Cancel, around, out);
    }
}
