//! REFER outside of calls: the call that its Target-Dialog names, or none (RFC 4538 §4, RFC 7647 §4).

use std::sync::Arc;

use sip_message::StatusCode;
use sip_transport::{Cx, Inbound, Out, Purpose};
use transaction_core::TxId;

use crate::{
    boundary::{DialogOutput, leg::LegId},
    dialog::{Birth, Dialog},
    dialogs::Dialogs,
    leg::Leg,
    state::DialogState,
    subscription::requested::Referrer,
};

impl Dialogs {
    /// A REFER outside any dialog. Whoever names a call by its ids takes part in it (TR-064, TR-154); who does not is a
    /// stranger (TR-153).
    pub(crate) fn referred_outside(
        &mut self,
        cx: &mut Cx<'_>,
        tx: TxId,
        inbound: Inbound,
        user: Option<Arc<str>>,
        out: &mut Out<'_, DialogOutput>,
    ) {
        let about = self.target_dialog(cx, &inbound);
        let refused = about.is_none() && !self.config.strangers;
        let full = self.is_full();
        let (mut step, dialogs) = self.step(cx, out);
        if refused {
            return step.refuse_outside(tx, &inbound, StatusCode::FORBIDDEN);
        }
        if full {
            return step.refuse_overloaded(tx, &inbound);
        }
        let id = step.cx.ids.mint();
        let Some(state) = DialogState::theirs(&mut step, id, &inbound) else {
            return step.refuse_outside(tx, &inbound, StatusCode::BAD_REQUEST);
        };
        dialogs.insert(id, Box::new(Dialog::without_leg(id, state, Birth::Theirs)));
        self.with(cx, id, out, |dialog, step| {
            dialog.refer_taken(step, tx, inbound, Referrer { about, user });
        });
    }

    /// The call that Target-Dialog names; its local tag is ours. One that is not up, has ended or is unreadable counts as
    /// none (TR-153, TR-155), as does one that is known by a stronger way than the REFER came: the ids alone are no proof
    /// of who takes part in it (SEC-14).
    fn target_dialog(&self, cx: &Cx<'_>, inbound: &Inbound) -> Option<LegId> {
        let target = inbound.message.target_dialog().ok()??;
        let leg = LegId::from(cx.guard.read(Purpose::Tag, target.local_tag())?);
        let dialog = self.dialogs.get(&leg).filter(|dialog| matches!(dialog.leg, Some(Leg::Up(_))))?;
        let state = &dialog.state;
        let named = (&*state.call_id, &*state.local_tag, &*state.remote_tag)
            == (target.call_id(), target.local_tag(), target.remote_tag());
        let weaker = state.secured && !inbound.origin.transport.is_secure()
            || state.verified_name.is_some() && state.verified_name != inbound.origin.verified_name();
        (named && !weaker).then_some(leg)
    }
}
