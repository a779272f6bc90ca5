//! Reliable responses to a re-INVITE of ours (RFC 3262 §4), and what they leave behind when it is refused (RFC 6141 §3.4).

use sip_message::Message;
use transaction_core::TxId;

use crate::{
    boundary::leg::{LegEvent, Turn},
    dialog::Dialog,
    offers::{Event, Offers, Side},
    step::Step,
};

use super::{
    early::{PRACKS, reliable_number},
    up::Exchange,
};

impl Dialog {
    /// A provisional response to our re-INVITE. Only a reliable one matters: it is acknowledged, it may hold the answer, and
    /// it moves the remote target (TR-235).
    pub(crate) fn reinvite_progress(&mut self, step: &mut Step<'_, '_, '_>, tx: TxId, message: &Message) {
        let Some(number) = reliable_number(step.config, message) else { return };
        let full = self.pracks >= PRACKS;
        let Some(up) = self.up() else { return };
        let Exchange::OursCalling { tx: ours, cseq, .. } = up.exchange else { return };
        let next = up.rseq.is_none_or(|last| last.checked_add(1) == Some(number));
        if ours != tx || !next || full {
            return;
        }
        up.rseq = Some(number);
        self.state.refresh(message);
        if self.offers == Offers::Ours && !message.body().is_empty() {
            self.offers.take(Event::Answer(Side::Theirs));
            self.tell(step, LegEvent::Described { turn: Turn::Answer, body: message.body_bytes() });
        }
        self.ask_prack(step, None, number, cseq);
    }

    /// The way of a PRACK is not there: the response is taken as new when it comes again.
    pub(crate) fn forget_reinvite_rseq(&mut self) {
        if let Some(up) = self.up() {
            up.rseq = up.rseq.and_then(|last| last.checked_sub(1)).filter(|last| *last > 0);
        }
    }

    /// Our re-INVITE was refused or has failed. What was executed while it went on stays executed, whatever it says, and
    /// both sides agree on it by another offer (RFC 6141 §3.4, TR-237).
    pub(crate) fn roll_back_offer(&mut self, step: &mut Step<'_, '_, '_>) {
        if self.offers == Offers::Ours {
            self.offers.take(Event::Void);
            self.tell(step, LegEvent::RolledBack);
        } else if let Some(up) = self.up() {
            up.resync = true;
        }
    }
}
