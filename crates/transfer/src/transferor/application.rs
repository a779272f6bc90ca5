//! What the application asks of a transfer of ours, and when it may.

use sip_transport::Out;

use super::{
    Transferor,
    event::Event,
    machine::{State, detach, step},
};
use crate::{
    Decline, Fallback, TransferOutput, TransferRefusal, policy::attended::SemiAttendedPolicy,
    surroundings::Surroundings,
};

/// The states in which the target is being asked.
const ASKING: &str = "Consulting, ConsultEarly or ConsultTalk";

/// The states from the REFER to its outcome.
const UNDER_WAY: &str = "ReferPending, Accepted or Progress";

impl Transferor {
    /// Refuses what is not possible in the present state.
    fn wrong_state(&self, wanted: &'static str) -> TransferRefusal {
        TransferRefusal::WrongState { state: self.stage(), wanted }
    }

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

    /// Why the target cannot decline now.
    pub(crate) fn check_decline(&self) -> Result<(), TransferRefusal> {
        if self.is_asking() { Ok(()) } else { Err(self.wrong_state(ASKING)) }
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

    /// Why the application may not complete the transfer now; the fallback counts only if it may.
    pub(crate) fn check_complete(
        &mut self,
        fallback: Option<Fallback>,
        around: &Surroundings<'_, '_>,
    ) -> Result<(), TransferRefusal> {
        let before = self.fallback;
        self.fallback = fallback.or(before);
        self.look(around, None);
        if step(self.state, Event::Complete, self.facts).is_some() {
            return Ok(());
        }
        self.fallback = before;
        Err(match (self.state, self.facts.may.semi_attended) {
            (State::ConsultTalk(_), _) => TransferRefusal::NoReplaces,
            (_, SemiAttendedPolicy::Refuse) => self.wrong_state("ConsultTalk"),
            (_, SemiAttendedPolicy::WaitForAnswer | SemiAttendedPolicy::CancelThenBlind) => {
                self.wrong_state(ASKING)
            }
        })
    }

    pub(crate) fn complete(&mut self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        if matches!(self.state, State::Consulting { .. }) {
            self.early = true;
            self.tell_kind(out);
        }
        self.drive(Event::Complete, around, out);
    }

    /// Why the application may not let go now.
    pub(crate) fn check_detach(&self) -> Result<(), TransferRefusal> {
        match detach(self.state, self.facts) {
            Some(_) => Ok(()),
            None if self.facts.protect => Err(self.wrong_state("a target that is not protected")),
            None if self.facts.detached => {
                Err(TransferRefusal::WrongState { state: "Detached", wanted: UNDER_WAY })
            }
            None => Err(self.wrong_state(UNDER_WAY)),
        }
    }

    pub(crate) fn detach(&mut self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        self.catch_up(None, around, out);
        self.look(around, None);
        let step = detach(self.state, self.facts);
        self.take(step, None, around, out);
    }

    /// Why the application may not turn to the other party now.
    pub(crate) fn check_swap(&self) -> Result<(), TransferRefusal> {
        let due = step(self.state, Event::Swap, self.facts).is_some();
        if due { Ok(()) } else { Err(self.wrong_state("ConsultTalk")) }
    }

    pub(crate) fn swap(&mut self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        self.drive(Event::Swap, around, out);
    }
}
