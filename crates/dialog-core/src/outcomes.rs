//! What the transaction layer tells of requests, ours and theirs, and of routes: to whom each word goes.

use std::sync::Arc;

use sip_message::{Message, StatusCode};
use sip_transport::{Cx, Hops, Inbound, Origin, Out, Outbound, RouteError, RouteId};
use transaction_core::{TxFailure, TxId};

use crate::{
    boundary::DialogOutput,
    dialog::Dialog,
    dialogs::Dialogs,
    pending::{Client, Errand, Server},
};

impl Dialogs {
    pub(crate) fn response(
        &mut self,
        cx: &mut Cx<'_>,
        tx: TxId,
        origin: &Origin,
        message: &Arc<Message>,
        out: &mut Out<'_, DialogOutput>,
    ) {
        if self.retried(cx, tx, origin, message, out) {
            return;
        }
        let Some(client) = self.pending.clients.get(&tx).copied() else { return };
        let last = message.status().is_some_and(StatusCode::is_final);
        match client {
            Client::Invite(leg) if self.pending.forks.contains_key(&leg) => {
                let (mut step, _) = self.step(cx, out);
                if let (true, Some(mut forks)) = (is_success(message), step.pending.forks.remove(&leg)) {
                    forks.receive(&mut step, origin, message);
                    step.pending.forks.insert(leg, forks);
                }
            }
            Client::Invite(leg) => {
                self.with(cx, leg, out, |dialog, step| dialog.placed_response(step, tx, origin, message));
            }
            Client::Reinvite(leg) if self.dialogs.contains_key(&leg) => {
                self.with(cx, leg, out, |dialog, step| dialog.reinvite_response(step, tx, origin, message));
            }
            // The dialog is gone, and with it the path that an ACK would take.
            Client::Reinvite(_) | Client::StrayBye => {
                if last {
                    self.pending.clients.remove(&tx);
                }
            }
            Client::Bye(leg) => {
                if last {
                    self.pending.clients.remove(&tx);
                    let status = message.status();
                    self.with(cx, leg, out, |dialog, step| dialog.bye_over(step, tx, status));
                }
            }
            Client::Register(id) => {
                if last {
                    self.pending.clients.remove(&tx);
                }
                self.registration_response(cx, id, origin, message, out);
            }
            Client::Prack(leg, early) => {
                if let Some(status) = message.status().filter(|status| status.is_final()) {
                    self.pending.clients.remove(&tx);
                    self.with(cx, leg, out, |dialog, step| dialog.prack_response(step, early, status));
                }
            }
            Client::Update(leg) => {
                if last {
                    self.pending.clients.remove(&tx);
                    self.with(cx, leg, out, |dialog, step| dialog.update_response(step, tx, message));
                }
            }
            Client::Refer(id) | Client::Notify(id) | Client::Subscribe(id) | Client::Unsubscribe(id) => {
                if last {
                    self.pending.clients.remove(&tx);
                }
                self.with_subscription(cx, id, out, |dialog, step| match client {
                    Client::Refer(_) => dialog.refer_response(step, id, origin, message),
                    Client::Notify(_) => dialog.notify_response(step, id, message),
                    Client::Subscribe(_) => dialog.subscribe_response(step, id, message),
                    Client::Unsubscribe(_) => dialog.unsubscribe_over(step, id, message.status()),
                    Client::Invite(_)
                    | Client::Reinvite(_)
                    | Client::Bye(_)
                    | Client::StrayBye
                    | Client::Prack(..)
                    | Client::Update(_)
                    | Client::Register(_)
                    | Client::Request(_) => {}
                });
            }
            Client::Request(id) => {
                if last {
                    self.pending.clients.remove(&tx);
                    self.request_response(cx, id, message, out);
                }
            }
        }
    }

    pub(crate) fn failed(
        &mut self,
        cx: &mut Cx<'_>,
        tx: TxId,
        failure: TxFailure,
        out: &mut Out<'_, DialogOutput>,
    ) {
        self.pending.proved.remove(&tx);
        if let Some(server) = self.pending.servers.remove(&tx) {
            return match server {
                Server::Invite(leg) => self.with(cx, leg, out, Dialog::answering_failed),
                Server::Reinvite(leg) => {
                    self.with(cx, leg, out, |dialog, step| dialog.reinvite_cancelled(step, tx));
                }
                Server::Refer(id) => {
                    self.with_subscription(cx, id, out, |dialog, step| dialog.refer_undecided(step, id));
                }
                Server::Request(id) => self.step(cx, out).0.request_lost(id),
            };
        }
        self.pending.sent.remove(&tx);
        let Some(client) = self.pending.clients.remove(&tx) else { return };
        match client {
            // After a 2xx the transaction has nothing more to tell; its ACK may have failed, which shows by
            // the peer's silence or BYE.
            Client::Invite(leg) if self.pending.forks.contains_key(&leg) => {
                self.pending.clients.insert(tx, client);
            }
            Client::Invite(leg) => {
                self.with(cx, leg, out, |dialog, step| dialog.placing_failed(step, failure));
            }
            Client::Reinvite(leg) => {
                self.with(cx, leg, out, |dialog, step| dialog.reinvite_failed(step, tx, failure));
            }
            Client::Bye(leg) => self.with(cx, leg, out, |dialog, step| dialog.bye_over(step, tx, None)),
            Client::StrayBye => {}
            Client::Register(id) => self.registration_failed(cx, id, failure, out),
            Client::Prack(leg, early) => {
                self.with(cx, leg, out, |dialog, step| dialog.prack_failed(step, early, failure));
            }
            Client::Update(leg) => {
                self.with(cx, leg, out, |dialog, step| dialog.update_failed(step, tx, failure));
            }
            Client::Refer(id) => {
                self.with_subscription(cx, id, out, |dialog, step| dialog.refer_failed(step, id, failure));
            }
            Client::Notify(id) => {
                self.with_subscription(cx, id, out, |dialog, step| dialog.notify_failed(step, id));
            }
            Client::Subscribe(id) => {
                self.with_subscription(cx, id, out, |dialog, step| dialog.subscribe_failed(step, id));
            }
            Client::Unsubscribe(id) => {
                self.with_subscription(cx, id, out, |dialog, step| dialog.unsubscribe_over(step, id, None));
            }
            Client::Request(id) => self.request_failed(cx, id, failure, out),
        }
    }

    pub(crate) fn cancelled(
        &mut self,
        cx: &mut Cx<'_>,
        tx: TxId,
        reason: Option<Box<str>>,
        out: &mut Out<'_, DialogOutput>,
    ) {
        match self.pending.servers.get(&tx).copied() {
            Some(Server::Invite(leg)) => {
                self.with(cx, leg, out, |dialog, step| dialog.cancelled(step, reason));
            }
            Some(Server::Reinvite(leg)) => {
                self.with(cx, leg, out, |dialog, step| dialog.reinvite_cancelled(step, tx));
            }
            // Only an INVITE is cancelled (RFC 3261 §9.1, TR-052); one that was answered stays answered.
            Some(Server::Refer(_) | Server::Request(_)) | None => {}
        }
    }

    pub(crate) fn stray_ack(&mut self, cx: &mut Cx<'_>, inbound: &Inbound, out: &mut Out<'_, DialogOutput>) {
        if let Some(leg) = self.owner(cx, &inbound.message) {
            self.with(cx, leg, out, |dialog, step| dialog.ack(step, &inbound.message));
        }
    }

    pub(crate) fn acked(&mut self, tx: TxId, outbound: Outbound) {
        match self.pending.clients.get(&tx) {
            Some(Client::Invite(leg)) => {
                if let Some(forks) = self.pending.forks.get_mut(leg) {
                    forks.acked(outbound);
                }
            }
            Some(Client::Reinvite(leg)) => {
                if let Some(dialog) = self.dialogs.get_mut(leg) {
                    dialog.reinvite_acked(tx, outbound);
                }
            }
            Some(
                Client::Bye(_)
                | Client::StrayBye
                | Client::Refer(_)
                | Client::Notify(_)
                | Client::Subscribe(_)
                | Client::Unsubscribe(_)
                | Client::Prack(..)
                | Client::Update(_)
                | Client::Register(_)
                | Client::Request(_),
            )
            | None => {}
        }
    }

    pub(crate) fn routed(
        &mut self,
        cx: &mut Cx<'_>,
        route: RouteId,
        result: Result<Hops, RouteError>,
        out: &mut Out<'_, DialogOutput>,
    ) {
        match self.pending.routes.remove(&route) {
            Some(Errand::Dialog(leg, ask)) => {
                self.with(cx, leg, out, |dialog, step| dialog.routed(step, ask, result));
            }
            Some(Errand::Registration(id)) => self.registration_routed(cx, id, result, out),
            Some(Errand::Stray(stray)) => stray.routed(&mut self.step(cx, out).0, result),
            Some(Errand::Request(id)) => self.step(cx, out).0.request_outside_routed(id, result),
            None => {}
        }
    }
}

fn is_success(message: &Message) -> bool {
    message.status().is_some_and(StatusCode::is_success)
}
