//! The calls of a transfer that is asked of us: the one that is asked for, and the one back.

use std::time::Duration;

use dialog_core::LegId;
use sip_transport::Out;

use super::Transferee;
use crate::{Purpose, TransferEventKind, TransferOutput, TransferTimerName, surroundings::Surroundings};

impl Transferee {
    /// Places the new call: another call in every respect, with ids of its own (TR-204).
    pub(super) fn place(&mut self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        let leg: LegId = around.cx.ids.mint();
        if self.new.is_none() {
            self.referred = around.legs.get(self.leg).map_or(around.policy.per_call, |old| old.referred);
        }
        if let Some(entry) = around.legs.enter(leg, usize::MAX) {
            entry.internal = true;
            entry.referred = self.referred;
            entry.referrer = Some(self.peer);
            entry.placed_for = Some(self.id);
        }
        let diversion = self.presentation.diversion(self.route.taken());
        self.new = Some((leg, false));
        self.placed.get_or_insert(around.cx.now);
        let ring_limit = self.ring_left(around);
        out.push(TransferOutput::Place {
            leg,
            beside: self.leg,
            purpose: Purpose::Referred,
            target: self.route.current().clone(),
            from: self.presentation.from.clone(),
            headers: self.headers.known.iter().cloned().chain(diversion).collect(),
            extensions: self.headers.extensions.clone(),
            ring_limit,
        });
        self.armed.arm(self.id, TransferTimerName::Ring, around.policy.ring_wait(ring_limit), out);
    }

    /// Calls the transferor, who has hung up, in a call that is none of this transfer any more (TR-181). It counts as one
    /// that was asked for, so that nobody is called back for ever.
    pub(super) fn call_back(&self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        let Some(target) = self.recall.clone() else { return };
        let leg: LegId = around.cx.ids.mint();
        if let Some(entry) = around.legs.enter(leg, usize::MAX) {
            entry.internal = true;
            entry.referred = self.referred;
            entry.referrer = Some(self.peer);
        }
        self.tell(TransferEventKind::Recalling { to: leg }, out);
        out.push(TransferOutput::Place {
            leg,
            beside: self.leg,
            purpose: Purpose::Recall,
            target,
            from: None,
            headers: Vec::new(),
            extensions: Vec::new(),
            ring_limit: around.policy.ring(),
        });
    }

    /// What is left of the ring limit.
    pub(super) fn ring_left(&self, around: &Surroundings<'_, '_>) -> Duration {
        let rung = self.placed.map_or(Duration::ZERO, |placed| around.cx.now.since(placed));
        around.policy.ring().saturating_sub(rung)
    }
}
