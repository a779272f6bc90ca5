//! A REFER whose Replaces names another call of ours (UW-14, EC-55). At a back-to-back agent the referrer has both calls with
//! us, and the two parties behind them are to talk. An INVITE would come to ourselves: the ids are mapped to the calls behind
//! the two, and those are bridged.

use dialog_core::{DialogCommand, LegCommand, LegId};
use sip_message::{Replaces, StatusCode};
use sip_transport::Out;

use super::Transferee;
use crate::{
    ReplacesAuthorizer, TransferOutput, TransferPolicy,
    legs::{Leg, Legs, Stage},
    replacing::ELSEWHERE,
    surroundings::Surroundings,
};

/// Two calls that are bridged where otherwise a new one is placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Joining {
    /// The referrer's other call, which Replaces names; it ends.
    named: LegId,
    /// The call behind it.
    party: LegId,
}

impl Joining {
    /// What a Replaces in a REFER about a call asks for: `None` if it names no call of ours.
    ///
    /// Whoever is referred to a call of somebody else's, or to one with our own user, is refused; and so is who names the call
    /// that the REFER is about (EC-74).
    pub(super) fn of(
        replaces: &Replaces,
        asking: LegId,
        legs: &Legs,
        policy: &TransferPolicy,
    ) -> Result<Option<Self>, StatusCode> {
        let Some(named) = legs.named(replaces) else { return Ok(None) };
        let (Some(one), Some(other)) = (legs.get(asking), legs.get(named)) else {
            return Err(StatusCode::FORBIDDEN);
        };
        if named == asking || !may_join(one, other, policy) {
            return Err(StatusCode::FORBIDDEN);
        }
        match (legs.partner(asking), legs.partner(named)) {
            (Some(with), Some(party)) if with != named => {
                let moved = |leg| legs.get(leg).is_some_and(|leg| leg.moved_by.is_some());
                if [with, named, party].into_iter().any(moved) {
                    return Err(StatusCode::REQUEST_PENDING);
                }
                Ok(Some(Self { named, party }))
            }
            (Some(_), Some(_)) | (None, _) | (_, None) => Err(StatusCode::FORBIDDEN),
        }
    }

    /// Whether the calls are still as they were.
    fn stands(self, asking: LegId, legs: &Legs) -> bool {
        legs.partner(self.named) == Some(self.party) && legs.partner(asking).is_some()
    }
}

/// The other call has to be the referrer's own (SEC-10): the ids of a call are no secret, nor is its address.
fn may_join(one: &Leg, other: &Leg, policy: &TransferPolicy) -> bool {
    let trunk =
        |leg: &Leg| leg.source.is_some_and(|source| policy.trunks.iter().any(|trunk| trunk.contains(source)));
    let same = one.source.is_some() && one.source == other.source && one.record == other.record;
    match policy.replaces {
        ReplacesAuthorizer::Deny => false,
        ReplacesAuthorizer::Trusted => trunk(one) && trunk(other),
        ReplacesAuthorizer::ReferredBy => same || trunk(one) && trunk(other),
        ReplacesAuthorizer::Allow => true,
    }
}

impl Legs {
    /// The call of ours whose dialog a Replaces names, from either side.
    fn named(&self, replaces: &Replaces) -> Option<LegId> {
        let names = |leg: &Leg| {
            leg.stage == Stage::Up
                && leg.dialog.as_ref().is_some_and(|dialog| super::admission::names(replaces, dialog))
        };
        self.iter().find(|(_, leg)| names(leg)).map(|(id, _)| id)
    }
}

impl Transferee {
    /// The call behind the one that Replaces names becomes the new one, which is up already; `false` if the calls have changed
    /// since the REFER came.
    pub(super) fn join(&mut self, joining: Joining, around: &mut Surroundings<'_, '_>) -> bool {
        if !joining.stands(self.leg, around.legs) {
            return false;
        }
        let referred = around.legs.get(self.leg).map_or(0, |leg| leg.referred);
        if let Some(entry) = around.legs.get_mut(joining.party) {
            entry.placed_for = Some(self.id);
            entry.referred = entry.referred.max(referred);
        }
        self.new = Some((joining.party, true));
        true
    }

    /// Ends the call that Replaces names, once the party behind it talks to the other one.
    pub(super) fn end_named(&self, around: &Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        let Some(Joining { named, .. }) = self.joining else { return };
        if around.legs.get(named).is_some_and(|leg| leg.stage != Stage::Closing) {
            let reason = around.policy.replaced_reason.then(|| ELSEWHERE.into());
            out.push(TransferOutput::Dialog(DialogCommand::Leg(named, LegCommand::HangUp { reason })));
        }
    }
}
