//! Requests from the network: retransmissions, ACK, CANCEL, and new ones.

use std::time::Duration;

use sip_message::{HeaderId, Message, Method, StatusCode};
use sip_transport::{Cx, Inbound, Out};

use super::Transactions;
use crate::{
    boundary::{TxEvent, TxId, TxOutput},
    key::{self, Class},
    server::{Happening, Kept, Machine, Request, Server, invite, non_invite},
};

impl Transactions {
    pub(super) fn inbound_request(&mut self, cx: &mut Cx<'_>, inbound: Inbound, out: &mut Out<'_, TxOutput>) {
        let Some(method) = inbound.message.method() else { return };
        let Some(key) = key::transaction(cx.guard, &inbound.message, Class::of(&method)) else {
            self.counters.unanswerable += 1;
            return;
        };
        match method {
            Method::Ack => self.inbound_ack(cx, key, inbound, out),
            Method::Cancel => self.inbound_cancel(cx, key, &inbound, out),
            _ => self.inbound_other(cx, key, method, inbound, out),
        }
    }

    /// An ACK moves the INVITE it acknowledges, or goes up; it is never answered (RFC 3261 §17).
    fn inbound_ack(&mut self, cx: &Cx<'_>, key: u128, inbound: Inbound, out: &mut Out<'_, TxOutput>) {
        match self.servers.find(key) {
            Some((tx, server)) if acknowledges(server, &inbound.message) => {
                self.move_server(cx, tx, Happening::Ack, Some(inbound), out);
            }
            Some(_) | None if inbound.message.check().is_ok() => {
                self.counters.stray_acks += 1;
                out.push(TxOutput::Event(TxEvent::StrayAck(inbound)));
            }
            Some(_) | None => self.counters.unanswerable += 1,
        }
    }

    /// Answers a CANCEL and tells the layer above, once (RFC 3261 §9.2).
    fn inbound_cancel(&mut self, cx: &Cx<'_>, key: u128, inbound: &Inbound, out: &mut Out<'_, TxOutput>) {
        if let Err(error) = inbound.message.check() {
            self.refuse(cx, inbound, key, error, out);
            return;
        }
        let other = || key::transaction(cx.guard, &inbound.message, Class::Other);
        let found = self.servers.find(key).or_else(|| self.servers.find(other()?)).map(|(tx, _)| tx);
        let Some((tx, server)) = found.and_then(|tx| Some((tx, self.servers.get_mut(tx)?))) else {
            self.counters.stray_cancels += 1;
            self.answer(cx, inbound, key, StatusCode::CALL_DOES_NOT_EXIST, None, out);
            return;
        };
        let news = server.can_be_cancelled() && !server.cancelled;
        server.cancelled |= news;
        // The tag of the INVITE's own response, where there is one already.
        let tag = server.kept.tag();
        self.answer(cx, inbound, key, StatusCode::OK, tag.as_deref(), out);
        if news {
            let reason = inbound.message.first(HeaderId::Reason).map(Box::from);
            out.push(TxOutput::Event(TxEvent::Cancelled { tx, reason }));
        }
    }

    fn inbound_other(
        &mut self,
        cx: &mut Cx<'_>,
        key: u128,
        method: Method,
        inbound: Inbound,
        out: &mut Out<'_, TxOutput>,
    ) {
        if let Some((tx, server)) = self.servers.find(key) {
            if server.method == method {
                self.move_server(cx, tx, Happening::Request, None, out);
            } else {
                // One branch for two requests (RFC 3261 §8.1.1.7).
                self.counters.bad_requests += 1;
                self.answer(cx, &inbound, key, StatusCode::BAD_REQUEST, None, out);
            }
            return;
        }
        if let Err(error) = inbound.message.check() {
            self.refuse(cx, &inbound, key, error, out);
            return;
        }
        let in_dialog = inbound.message.to_tag().is_some();
        let merge =
            (self.config.merging && !in_dialog).then(|| key::merge(cx.guard, &inbound.message)).flatten();
        if merge.is_some_and(|merge| self.servers.is_merged(merge)) {
            self.counters.merged_requests += 1;
            self.answer(cx, &inbound, key, StatusCode::LOOP_DETECTED, None, out);
            return;
        }
        let (limit, refused) = match (in_dialog, &method) {
            (true, _) => (self.config.capacity, &mut self.counters.refused_in_dialogs),
            (false, Method::Invite) => (self.config.limit_of_calls(), &mut self.counters.refused_calls),
            (false, _) => (self.config.limit_of_others(), &mut self.counters.refused_others),
        };
        if self.clients.len() + self.servers.len() >= limit {
            *refused += 1;
            self.refuse_for_now(cx, &inbound, key, limit, out);
        } else {
            self.accept(cx, key, merge, method, inbound, out);
        }
    }

    /// Starts a server transaction.
    fn accept(
        &mut self,
        cx: &mut Cx<'_>,
        key: u128,
        merge: Option<u128>,
        method: Method,
        inbound: Inbound,
        out: &mut Out<'_, TxOutput>,
    ) {
        let tx: TxId = cx.ids.mint();
        let (machine, start) = match method {
            Method::Invite => (Machine::Invite(invite::State::Trying), invite::START),
            _ => (Machine::NonInvite(non_invite::State::Trying), non_invite::START),
        };
        let server = Server {
            machine,
            cancelled: false,
            method,
            reply: inbound.reply,
            key,
            merge,
            interval: Duration::ZERO,
            request: Some(Request { message: inbound.message.clone(), via: inbound.via.clone() }),
            kept: Kept::Nothing,
        };
        self.servers.insert(tx, server);
        self.serve(cx, tx, start, None, out);
        out.push(TxOutput::Event(TxEvent::Request { tx, inbound }));
    }
}

/// Whether an ACK on the branch of an INVITE is for our response. Only RFC 2543 makes this a question: there, the ACK to
/// another server's response looks the same but for the To tag (RFC 3261 §17.2.3).
fn acknowledges(server: &Server, ack: &Message) -> bool {
    let answered = !matches!(server.kept, Kept::Nothing);
    ack.top_via().is_ok_and(|via| via.has_magic_cookie())
        || (answered && server.kept.tag().as_deref() == ack.to_tag())
}
