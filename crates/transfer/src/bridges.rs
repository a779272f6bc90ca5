//! Calls that are bridged here: each party talks to the other one through us, and the end of one call ends the other.

use dialog_core::{DialogCommand, LegCommand, LegId};
use sip_transport::Out;

use crate::{
    TransferOutput,
    legs::{Legs, Stage},
};

impl Legs {
    /// Bridges two calls. Whom either was bridged with before it is so no more.
    pub(crate) fn bridge(&mut self, a: LegId, b: LegId) {
        self.unbridge(a);
        self.unbridge(b);
        for (leg, with) in [(a, b), (b, a)] {
            if let Some(entry) = self.get_mut(leg) {
                entry.bridged = Some(with);
            }
        }
    }

    /// The call that this one is bridged with, where both are there and nobody is ending either.
    pub(crate) fn partner(&self, leg: LegId) -> Option<LegId> {
        let with = self.get(leg).filter(|leg| leg.stage == Stage::Up)?.bridged?;
        self.get(with).filter(|with| with.stage == Stage::Up).map(|_| with)
    }

    /// Gives the call that it was bridged with.
    pub(crate) fn unbridge(&mut self, leg: LegId) -> Option<LegId> {
        let with = self.get_mut(leg)?.bridged.take()?;
        if let Some(other) = self.get_mut(with).filter(|other| other.bridged == Some(leg)) {
            other.bridged = None;
        }
        Some(with)
    }

    /// A call takes the place of another one: the user's audio goes over to it, or the party that the other one is bridged
    /// with (EC-70).
    pub(crate) fn take_over(&mut self, from: LegId, to: LegId, out: &mut Out<'_, TransferOutput>) {
        match self.partner(from) {
            Some(with) => {
                self.bridge(to, with);
                out.push(TransferOutput::Bridge { a: to, b: with });
            }
            None => out.push(TransferOutput::MoveMedia { from, to }),
        }
    }

    /// A call is over or is being ended: so is the one that it is bridged with, for the same reason (RFC 3326). What a
    /// transfer moves is left to that until it is over ([`Self::settle`]).
    pub(crate) fn part(&mut self, leg: LegId, reason: Option<&str>, out: &mut Out<'_, TransferOutput>) {
        let Some(with) = self.get(leg).and_then(|leg| leg.bridged) else { return };
        let Some(other) = self.get(with).filter(|other| other.moved_by.is_none()) else { return };
        let ends = other.stage != Stage::Closing;
        self.unbridge(leg);
        if ends {
            hang_up(with, reason, out);
        }
    }

    /// Two calls that should be bridged and have no media with each other.
    pub(crate) fn end_both(&mut self, a: LegId, b: LegId, out: &mut Out<'_, TransferOutput>) {
        self.unbridge(a);
        for leg in [a, b] {
            if self.get(leg).is_some_and(|leg| leg.stage != Stage::Closing) {
                hang_up(leg, None, out);
            }
        }
    }

    /// A transfer that moved this call is over: the call ends if the one that it is bridged with did meanwhile.
    pub(crate) fn settle(&mut self, leg: LegId, out: &mut Out<'_, TransferOutput>) {
        let Some(entry) = self.get(leg).filter(|leg| leg.stage != Stage::Closing) else { return };
        let ended = |with: LegId| self.get(with).is_none_or(|with| with.stage == Stage::Closing);
        if entry.bridged.is_some_and(ended) {
            self.unbridge(leg);
            hang_up(leg, None, out);
        }
    }
}

fn hang_up(leg: LegId, reason: Option<&str>, out: &mut Out<'_, TransferOutput>) {
    let reason = reason.map(Into::into);
    out.push(TransferOutput::Dialog(DialogCommand::Leg(leg, LegCommand::HangUp { reason })));
}
