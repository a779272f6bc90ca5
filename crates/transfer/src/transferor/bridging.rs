//! A transfer of ours that becomes a bridge: the target that is called for it, and what came of joining the two calls.

use sip_message::Scheme;
use sip_transport::Out;

use super::{Consultation, Transferor, event::Event, naming::Naming};
use crate::{TransferOutput, surroundings::Surroundings};

impl Transferor {
    /// Is told whether the two calls were joined; `false` if it means nothing to the transfer.
    pub(crate) fn joined(
        &mut self,
        joined: bool,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) -> bool {
        self.drive(Event::Joined(joined), around, out)
    }

    /// Whether the target of a blind transfer can be called from here.
    pub(super) fn can_call(&self, around: &Surroundings<'_, '_>) -> bool {
        self.target.as_uri().scheme() != Scheme::Tel && !around.legs.is_full(around.policy.legs)
    }

    /// Calls the target of a blind transfer; it is no consultation that was asked for and ended before.
    pub(super) fn call(&mut self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        let leg = around.cx.ids.mint();
        let consultation = Consultation { leg, was_up: false, naming: Naming::new(None), force: false };
        if let Some(dropped) = self.consultation.replace(consultation)
            && let Some(entry) = around.legs.get_mut(dropped.leg)
        {
            entry.moved_by = None;
        }
        self.place(around, out);
    }
}
