//! Requests that go out again (RFC 3261 §8.1.3.5): the one place that looks at a refusal before the usage hears of it.

pub(crate) mod answers;
mod sent;

use sip_message::{HeaderId, Message, StatusCode};
use sip_transport::{Cx, Origin, Out};
use transaction_core::TxId;

use crate::{
    boundary::{DialogOutput, leg::LegId},
    dialog::Dialog,
    dialogs::Dialogs,
    leg::{Leg, placing::Placing},
    pending::Client,
    step::Step,
};

pub(crate) use sent::Sent;

/// Most times that one request goes out, the first included, whatever the refusals: enough for a proxy, a server and a
/// nonce that has aged in between, or for one of them and an extension; a peer that asks for more asks for ever (TR-192).
const TRIES: u8 = 3;

/// What a usage knows of its request in flight, and has to learn anew.
pub(crate) enum Slot<'a> {
    Invite(&'a mut Placing),
    /// The transaction and the number, which its ACK and CANCEL need.
    Numbered(&'a mut TxId, &'a mut u32),
    /// The number of a REFER, which is its event id.
    Refer(&'a mut Option<u32>),
    /// The transaction of an UPDATE.
    Update(&'a mut TxId),
    /// NOTIFY and SUBSCRIBE are known by their subscription alone, requests of the hatch by their id, and of a PRACK nothing
    /// is kept.
    Unnumbered,
}

impl Slot<'_> {
    fn set(self, tx: TxId, number: u32) {
        match self {
            Self::Invite(placing) => placing.calls_again(tx),
            Self::Numbered(slot, cseq) => (*slot, *cseq) = (tx, number),
            Self::Update(slot) => *slot = tx,
            Self::Refer(slot) => *slot = Some(number),
            Self::Unnumbered => {}
        }
    }
}

impl Dialogs {
    /// Looks at a final response. `true` if the request has gone out again, and the response is nobody's concern any more.
    pub(crate) fn retried(
        &mut self,
        cx: &mut Cx<'_>,
        tx: TxId,
        origin: &Origin,
        message: &Message,
        out: &mut Out<'_, DialogOutput>,
    ) -> bool {
        let Some(status) = message.status().filter(|status| status.is_final()) else { return false };
        let Some(mut sent) = self.pending.sent.remove(&tx) else { return false };
        let Some(client) = self.pending.clients.get(&tx).copied() else { return false };
        let owner = self.owner_of(client);
        let (mut step, dialogs) = self.step(cx, out);
        let mut dialog = owner.and_then(|leg| dialogs.get_mut(&leg));
        if status.is_success() {
            step.taken(&sent, origin, message);
            if let Some(dialog) = dialog.filter(|_| sent.is_for_invite()) {
                dialog.state.proofs = sent.proofs;
            }
            return false;
        }
        // Whoever has lost interest meanwhile, by hanging up say, is not to be helped to what it asked for before.
        let wanted = match (client, &mut dialog) {
            (Client::StrayBye | Client::Register(_), _) => true,
            (Client::Request(id), None) => owner.is_none() && step.pending.hatch.has(id),
            (Client::Subscribe(id), Some(dialog)) => dialog.wants_subscribe(id, false),
            (Client::Unsubscribe(id), Some(dialog)) => dialog.wants_subscribe(id, true),
            (_, Some(dialog)) => dialog.slot(client, tx).is_some(),
            (_, None) => false,
        };
        if !wanted || sent.tries >= TRIES || !step.mends(&mut sent, origin, status, message) {
            step.given_up(&sent, status, message);
            return false;
        }
        let number = match &mut dialog {
            Some(dialog) => dialog.number_again(&sent),
            None => sent.number().and_then(|number| number.checked_add(1)),
        };
        let Some(number) = number else { return false };
        sent.renumber(number);
        step.pending.clients.remove(&tx);
        if let (Client::Invite(_), Some(dialog)) = (client, &mut dialog) {
            dialog.forget_early(&mut step);
        }
        if let (Client::Refer(id), Some(dialog)) = (client, &mut dialog)
            && let Some(subscriber) = dialog.subscriber(id)
        {
            subscriber.asks_again(&sent.draft);
        }
        let again = step.dispatch(client, *sent);
        if let Some(slot) = dialog.and_then(|dialog| dialog.slot(client, tx)) {
            slot.set(again, number);
        }
        if let Client::Register(id) = client {
            self.registrations.renumbered(id, number);
        }
        true
    }

    fn owner_of(&self, client: Client) -> Option<LegId> {
        match client {
            Client::Invite(leg)
            | Client::Reinvite(leg)
            | Client::Bye(leg)
            | Client::Prack(leg, _)
            | Client::Update(leg) => Some(leg),
            Client::Refer(id) | Client::Notify(id) | Client::Subscribe(id) | Client::Unsubscribe(id) => {
                self.pending.subscriptions.get(&id).copied()
            }
            Client::Request(id) => self.pending.hatch.leg_of(id),
            Client::StrayBye | Client::Register(_) => None,
        }
    }
}

impl Dialog {
    /// Where the request is noted, if it is still wanted.
    fn slot(&mut self, client: Client, tx: TxId) -> Option<Slot<'_>> {
        match client {
            Client::Invite(_) => self.invite_slot(tx).map(Slot::Invite),
            Client::Reinvite(_) => self.reinvite_slot(tx),
            Client::Bye(_) => self.bye_slot(tx),
            Client::Update(_) => self.update_slot(tx).map(Slot::Update),
            Client::Prack(..) => Some(Slot::Unnumbered),
            Client::Request(_) => matches!(self.leg, Some(Leg::Up(_))).then_some(Slot::Unnumbered),
            Client::Refer(id) => self.refer_slot(id),
            Client::Notify(id) => self.notifier(id).map(|_| Slot::Unnumbered),
            Client::Subscribe(id) | Client::Unsubscribe(id) => self.subscriber(id).map(|_| Slot::Unnumbered),
            Client::StrayBye | Client::Register(_) => None,
        }
    }
}

impl Step<'_, '_, '_> {
    /// Changes the request so that it may pass now; `false` if it cannot.
    fn mends(&mut self, sent: &mut Sent, origin: &Origin, status: StatusCode, message: &Message) -> bool {
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                let mended = self.pending.answers.answer(self.cx, sent, origin, message);
                if mended {
                    sent.prefer(origin.source);
                }
                mended
            }
            StatusCode::BAD_EXTENSION => sent.relieve(message),
            StatusCode::EXTENSION_REQUIRED => sent.extend(self.config, message),
            // 422 among them (RFC 4028 §7.3): the longer interval is the leg's to choose, with an offer of its own.
            _ => false,
        }
    }

    /// The request was taken: with it its credentials, and what the response says about the next ones.
    fn taken(&mut self, sent: &Sent, origin: &Origin, message: &Message) {
        self.pending.answers.taken(self.cx, sent, origin, message);
    }

    /// The refusal stands. Credentials that were refused are not offered again.
    fn given_up(&mut self, sent: &Sent, status: StatusCode, message: &Message) {
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED) {
            self.pending.answers.refused(self.cx.guard, sent, message);
        }
    }

    /// Starts a client transaction, with credentials where its way asks for some, and keeps what is needed to send the
    /// request again: only of an INVITE, whose peer may want an extension, of what requires something, and where there
    /// are keys. It is kept for as long as the transaction has no final response.
    pub(crate) fn dispatch(&mut self, client: Client, mut sent: Sent) -> TxId {
        let tx = self.cx.ids.mint();
        self.pending.clients.insert(tx, client);
        sent.tries += 1;
        let hops = sent.hops.clone();
        let draft = if self.pending.answers.has_keys() {
            let values = self.pending.answers.credentials(self.cx.guard, &mut sent);
            let draft = values
                .iter()
                .fold(sent.draft.clone(), |draft, (place, value)| draft.header(place.credentials(), value));
            sent.proofs = if sent.is_for_invite() { values } else { Vec::new() };
            draft
        } else if sent.is_for_invite() || sent.requires() {
            sent.draft.clone()
        } else {
            self.transaction(transaction_core::TxCommand::Request { tx, hops, draft: sent.draft });
            return tx;
        };
        self.transaction(transaction_core::TxCommand::Request { tx, hops, draft });
        self.pending.sent.insert(tx, Box::new(sent));
        tx
    }
}

/// The option tags in those headers of a draft.
fn tags(draft: &sip_message::Draft, id: HeaderId) -> impl Iterator<Item = &str> {
    draft.header_values(id).flat_map(|value| value.split(',')).map(str::trim).filter(|tag| !tag.is_empty())
}
