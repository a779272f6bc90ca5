//! What the application asks of a transfer of ours, and when it may.

use sip_transport::Out;

use super::{
    Transferor,
    event::Event,
    machine::{State, detach, step},
};
use crate::{Decline, TransferOutput, TransferRefusal, WithoutReplaces, surroundings::Surroundings};

impl Transferor {
    /// Whether the application may give the transfer up now.
    pub(crate) fn can_cancel(&self) -> bool {
        step(self.state, Event::Cancel, self.facts).is_some()
    }

    /// Whether the party is being taken back, so that there is nothing left to be given up.
    pub(crate) const fn is_given_up(&self) -> bool {
        match self.state {
            State::Releasing(_) | State::Recovering(_) | State::Waiting(_) | State::Restoring(_) => true,
            State::Idle
            | State::Holding
            | State::Consulting { .. }
            | State::ConsultTalk(_)
            | State::Swapping { .. }
            | State::HoldConsult(_)
            | State::Dropping
            | State::ReferPending(_)
            | State::BackingOff
            | State::Accepted
            | State::Progress
            | State::Unreported
            | State::Detached
            | State::Parting(_)
            | State::Completing(..)
            | State::Placing(_)
            | State::Bridging(..)
            | State::Joining(_)
            | State::Ended => false,
        }
    }

    pub(crate) fn cancel(&mut self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        self.drive(Event::Cancel, around, out);
    }

    /// Whether the target is being asked, so that it can decline.
    pub(crate) const fn is_asking(&self) -> bool {
        match self.state {
            State::Consulting { .. } | State::ConsultTalk(_) | State::Swapping { .. } => true,
            State::Idle
            | State::Holding
            | State::Releasing(_)
            | State::HoldConsult(_)
            | State::Dropping
            | State::ReferPending(_)
            | State::BackingOff
            | State::Accepted
            | State::Progress
            | State::Unreported
            | State::Detached
            | State::Parting(_)
            | State::Completing(..)
            | State::Placing(_)
            | State::Bridging(..)
            | State::Joining(_)
            | State::Recovering(_)
            | State::Waiting(_)
            | State::Restoring(_)
            | State::Ended => false,
        }
    }

    /// As [`Self::cancel`], because the target does not take the party over; the outcome says so.
    pub(crate) fn decline(
        &mut self,
        reason: Decline,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) {
        self.declined = Some(reason);
        self.drive(Event::Cancel, around, out);
    }

    /// Why the application may not complete the transfer now.
    pub(crate) fn check_complete(&mut self, around: &Surroundings<'_, '_>) -> Result<(), TransferRefusal> {
        self.look(around, None);
        if step(self.state, Event::Complete, self.facts).is_some() {
            return Ok(());
        }
        Err(match self.state {
            State::ConsultTalk(_) if self.facts.may.without_replaces == WithoutReplaces::Refuse => {
                TransferRefusal::NoReplaces
            }
            _ => TransferRefusal::State,
        })
    }

    pub(crate) fn complete(&mut self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        if matches!(self.state, State::Consulting { .. }) {
            self.early = true;
            self.tell_kind(out);
        }
        self.drive(Event::Complete, around, out);
    }

    /// Whether the application may let go now.
    pub(crate) fn can_detach(&self) -> bool {
        detach(self.state, self.facts).is_some()
    }

    pub(crate) fn detach(&mut self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        self.catch_up(None, around, out);
        self.look(around, None);
        let step = detach(self.state, self.facts);
        self.take(step, None, around, out);
    }

    /// Whether the application may turn to the other party now.
    pub(crate) fn can_swap(&self) -> bool {
        step(self.state, Event::Swap, self.facts).is_some()
    }

    pub(crate) fn swap(&mut self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        self.drive(Event::Swap, around, out);
    }
}
