//! The steps of the application in a manual transfer, and which transfers are manual.

use dialog_core::LegId;
use sip_transport::{Cx, Out};

use super::{Transfer, Transfers};
use crate::{ManualStep, TransferHandling, TransferId, TransferOutput, TransferRefusal};

impl Transfers {
    /// Says who handles the transfers of one call that begin from now on, whatever the policy says in general. To be called
    /// for a leg that lives; `false` if the table of legs is full and nothing was changed.
    pub fn handling_for(&mut self, leg: LegId, handling: TransferHandling) -> bool {
        let entry = self.legs.enter(leg, self.policy.legs);
        entry.map(|entry| entry.handling = Some(handling)).is_some()
    }

    /// Who handles the transfers of one call.
    pub fn handling_of(&self, leg: LegId) -> TransferHandling {
        self.legs.get(leg).and_then(|leg| leg.handling).unwrap_or(self.policy.handling)
    }

    pub(super) fn step_by_hand(
        &mut self,
        cx: &mut Cx<'_>,
        id: TransferId,
        step: ManualStep,
        out: &mut Out<'_, TransferOutput>,
    ) -> Result<(), TransferRefusal> {
        match self.under_way.get(&id).ok_or(TransferRefusal::UnknownTransfer)? {
            Transfer::Ours(transfer) => transfer.check_step(step)?,
            Transfer::Asked(transfer) => transfer.check_step(step)?,
        }
        out.push(TransferOutput::Accepted { transfer: id });
        self.with(cx, id, |transfer, around| {
            match transfer {
                Transfer::Ours(transfer) => transfer.step_by_hand(step, around, out),
                Transfer::Asked(transfer) => transfer.step_by_hand(step, around, out),
            }
            true
        });
        Ok(())
    }
}
