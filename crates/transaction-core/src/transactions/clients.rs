//! Client transactions: starting them, moving them, and what their machines ask for.

use std::time::Duration;

use sip_message::{Draft, HeaderId, Message, Method, NameAddr, ack_for, cancel_for};
use sip_transport::{Cx, Hops, Inbound, Out, Outbound};

use super::{Transactions, arm, disarm, encoding::encode, fail, peer};
use crate::{
    boundary::{TimerName, TxEvent, TxFailure, TxId, TxOutput},
    client::{Action, Client, Happening, Machine, Role, Spare, ack, invite, non_invite},
    machine::{length, next_length},
};

impl Transactions {
    /// Starts a transaction for the layer above.
    pub(super) fn request(
        &mut self,
        cx: &mut Cx<'_>,
        tx: TxId,
        hops: Hops,
        draft: Draft,
        out: &mut Out<'_, TxOutput>,
    ) {
        if self.contains(tx) {
            self.counters.stale_commands += 1;
        } else if self.is_full() || (self.len() >= self.config.limit_of_others() && opens(&draft)) {
            self.counters.refused_own += 1;
            fail(tx, TxFailure::Overload, out);
        } else if *draft.method() == Method::Ack {
            // An ACK has no transaction (RFC 3261 §17.1); it is sent by `TxCommand::Ack`.
            fail(tx, TxFailure::Unencodable, out);
        } else {
            self.attempt(cx, tx, tx.number(), hops, draft, out);
        }
    }

    /// Encodes the request for the first hop that it may use and starts the machine.
    fn attempt(
        &mut self,
        cx: &mut Cx<'_>,
        tx: TxId,
        branch: u64,
        mut hops: Hops,
        draft: Draft,
        out: &mut Out<'_, TxOutput>,
    ) {
        let (hop, wire) = match encode(cx, branch, &mut hops, &draft) {
            Ok(encoded) => encoded,
            Err(failure) => return fail(tx, failure, out),
        };
        let method = *draft.method();
        let (machine, start) = match method {
            Method::Invite => (Machine::Invite(invite::State::Calling), invite::START),
            _ => (Machine::NonInvite(non_invite::State::Trying), non_invite::START),
        };
        let client = Client {
            machine,
            role: Role::User,
            acknowledged: false,
            method,
            branch,
            hop,
            peer: peer(cx, hop.flow, hop.remote),
            wire,
            interval: Duration::ZERO,
            spare: (!hops.is_empty()).then(|| Box::new(Spare { draft, hops })),
            cancel_reason: None,
        };
        self.clients.insert(tx, client);
        self.perform(cx, tx, start, None, out);
    }

    /// Starts over with the next hop, under a new branch (RFC 3263 §4.3).
    fn next_hop(&mut self, cx: &mut Cx<'_>, tx: TxId, spare: Spare, out: &mut Out<'_, TxOutput>) {
        let branch = cx.ids.mint::<TxId>().number();
        self.attempt(cx, tx, branch, spare.hops, spare.draft, out);
    }

    /// Sends an ACK to a 2xx; it has a branch of its own and no transaction (RFC 3261 §13.2.2.4). One that goes by a stream
    /// for its size is remembered, to go by UDP where no connection can be had (RFC 3261 §18.1.1).
    pub(super) fn acknowledge(
        &mut self,
        cx: &mut Cx<'_>,
        tx: TxId,
        mut hops: Hops,
        draft: Draft,
        out: &mut Out<'_, TxOutput>,
    ) {
        let ack: TxId = cx.ids.mint();
        let (hop, wire) = match encode(cx, ack.number(), &mut hops, &draft) {
            Ok(encoded) => encoded,
            Err(failure) => return fail(tx, failure, out),
        };
        let outbound = Outbound { hop, wire: wire.clone() };
        let remembered = hop.above.is_some() && !hops.is_empty();
        if remembered && !self.is_full() {
            let client = Client {
                machine: Machine::Ack(ack::State::Sent),
                role: Role::Ack(tx),
                acknowledged: false,
                method: Method::Ack,
                branch: ack.number(),
                hop,
                peer: peer(cx, hop.flow, hop.remote),
                wire,
                interval: Duration::ZERO,
                spare: Some(Box::new(Spare { draft, hops })),
                cancel_reason: None,
            };
            self.clients.insert(ack, client);
            self.perform(cx, ack, ack::START, None, out);
        } else {
            self.counters.not_remembered += u64::from(remembered);
            out.push(TxOutput::Send(outbound.clone()));
        }
        out.push(TxOutput::Event(TxEvent::Acked { tx, outbound }));
    }

    pub(super) fn cancel(
        &mut self,
        cx: &mut Cx<'_>,
        tx: TxId,
        reason: Option<Box<str>>,
        out: &mut Out<'_, TxOutput>,
    ) {
        match self.clients.get_mut(tx) {
            Some(client) if client.role == Role::User && client.is_invite() => {
                // The first reason stands: by the second the CANCEL may have been sent.
                if client.cancel_reason.is_none() {
                    client.cancel_reason = reason;
                }
                self.move_client(cx, tx, Happening::Cancel, None, out);
            }
            Some(_) | None => self.counters.stale_commands += 1,
        }
    }

    /// Runs the machine of a client transaction and does what it asks.
    pub(super) fn move_client(
        &mut self,
        cx: &mut Cx<'_>,
        tx: TxId,
        happening: Happening,
        response: Option<&Inbound>,
        out: &mut Out<'_, TxOutput>,
    ) {
        let Some(client) = self.clients.get_mut(tx) else { return };
        if matches!(happening, Happening::Timer(TimerName::B | TimerName::F)) {
            client.drop_sibling();
        }
        let (actions, over) = client.step(happening);
        let last = self.perform(cx, tx, actions, response, out);
        if !over {
            if let Some(client) = self.clients.get_mut(tx) {
                client.free();
            }
            return;
        }
        let Some(client) = self.clients.remove(tx) else { return };
        self.drain.ended(cx.now);
        match (last, client.spare) {
            (Some(Action::NextHop(_)), Some(spare)) => match client.role {
                Role::Ack(invite) => self.acknowledge(cx, invite, spare.hops, spare.draft, out),
                Role::User | Role::Cancel | Role::Superseded => self.next_hop(cx, tx, *spare, out),
            },
            (Some(Action::NextHop(failure) | Action::Fail(failure)), _) if client.role == Role::User => {
                fail(tx, failure, out);
            }
            _ => {}
        }
    }

    /// Does what a machine asks; what ends the transaction is left to the caller and returned.
    fn perform(
        &mut self,
        cx: &mut Cx<'_>,
        tx: TxId,
        actions: &'static [Action],
        response: Option<&Inbound>,
        out: &mut Out<'_, TxOutput>,
    ) -> Option<Action> {
        let timing = self.config.timing;
        let mut last = None;
        for action in actions {
            let client = self.clients.get_mut(tx)?;
            let reliable = client.hop.transport.is_reliable();
            match *action {
                Action::Send => out.push(TxOutput::Send(client.outbound())),
                Action::SendAck => {
                    if let Some(response) = response {
                        if client.acknowledge(&response.message) {
                            out.push(TxOutput::Send(client.outbound()));
                        } else {
                            self.counters.not_acknowledged += 1;
                        }
                    }
                }
                Action::SendCancel => self.send_cancel(cx, tx, out),
                // A datagram never waits.
                Action::Withdraw if reliable => out.push(TxOutput::Withdraw(client.outbound())),
                Action::Withdraw => {}
                Action::Report => {
                    if let (Role::User, Some(Inbound { origin, message, .. })) = (client.role, response) {
                        let (origin, message) = (origin.clone(), message.clone());
                        out.push(TxOutput::Event(TxEvent::Response { tx, origin, message }));
                    }
                }
                Action::Arm(name) => {
                    if let Some(length) = length(&timing, name, reliable) {
                        client.note_interval(name, length);
                        arm(tx, name, length, out);
                    }
                }
                Action::Again(name) => {
                    let length = next_length(&timing, name, client.interval);
                    client.note_interval(name, length);
                    arm(tx, name, length, out);
                }
                Action::Slow(name) => {
                    client.note_interval(name, timing.t2);
                    arm(tx, name, timing.t2, out);
                }
                Action::Disarm(name) => disarm(tx, name, out),
                // Whoever answers the INVITE and not its CANCEL lives.
                Action::Avoid if client.role == Role::User => out.push(TxOutput::Avoid(client.hop)),
                Action::Avoid => {}
                Action::Supersede => self.supersede(cx, tx, out),
                Action::NextHop(_) | Action::Fail(_) => last = Some(*action),
            }
        }
        last
    }

    /// Lets the refused attempt live on under a number of its own, to acknowledge the 503 as often as it comes, and goes
    /// on with the next hop. A full table forgets the attempt; the server's own timer H ends its part then.
    fn supersede(&mut self, cx: &mut Cx<'_>, tx: TxId, out: &mut Out<'_, TxOutput>) {
        let Some(spare) = self.clients.get_mut(tx).and_then(|client| client.spare.take()) else { return };
        let full = self.is_full();
        let Some(mut client) = self.clients.remove(tx) else { return };
        if full {
            self.counters.not_remembered += 1;
        } else {
            let ghost: TxId = cx.ids.mint();
            client.role = Role::Superseded;
            self.clients.insert(ghost, client);
            self.perform(cx, ghost, &[Action::Arm(TimerName::D)], None, out);
        }
        self.next_hop(cx, tx, *spare, out);
    }

    /// Starts the CANCEL's transaction: same branch, same hop (RFC 3261 §9.1).
    fn send_cancel(&mut self, cx: &mut Cx<'_>, tx: TxId, out: &mut Out<'_, TxOutput>) {
        let full = self.is_full();
        let Some(invite) = self.clients.get_mut(tx) else { return };
        let (branch, hop, peer) = (invite.branch, invite.hop, invite.peer);
        let reason = invite.cancel_reason.take();
        let Ok(message) = Message::parse(invite.wire.clone()) else { return };
        let wire = match (cancel_for(&message, reason.as_deref()), &reason) {
            (Ok(wire), _) => wire,
            (Err(_), Some(_)) => {
                self.counters.reasons_dropped += 1;
                match cancel_for(&message, None) {
                    Ok(wire) => wire,
                    Err(_) => return,
                }
            }
            (Err(_), None) => return,
        };
        if full {
            // Sent once without a transaction: better than letting the phone ring on.
            self.counters.not_remembered += 1;
            out.push(TxOutput::Send(Outbound { hop, wire }));
            return;
        }
        let cancel: TxId = cx.ids.mint();
        let client = Client {
            machine: Machine::NonInvite(non_invite::State::Trying),
            role: Role::Cancel,
            acknowledged: false,
            method: Method::Cancel,
            branch,
            hop,
            peer,
            wire,
            interval: Duration::ZERO,
            spare: None,
            cancel_reason: None,
        };
        self.clients.insert(cancel, client);
        self.perform(cx, cancel, non_invite::START, None, out);
    }
}

impl Client {
    fn outbound(&self) -> Outbound {
        Outbound { hop: self.hop, wire: self.wire.clone() }
    }

    fn note_interval(&mut self, name: TimerName, length: Duration) {
        if matches!(name, TimerName::A | TimerName::E) {
            self.interval = length;
        }
    }

    /// Turns the kept request into the ACK, once; tells whether there is an ACK.
    fn acknowledge(&mut self, response: &Message) -> bool {
        if !self.acknowledged {
            let ack =
                Message::parse(self.wire.clone()).ok().and_then(|invite| ack_for(&invite, response).ok());
            if let Some(ack) = ack {
                self.wire = ack;
                self.acknowledged = true;
            }
        }
        self.acknowledged
    }
}

/// Whether a request is none in a dialog: ours give way to those, too, so that calls can be ended whatever is begun.
fn opens(draft: &Draft) -> bool {
    draft
        .header_values(HeaderId::To)
        .next()
        .and_then(|to| NameAddr::parse(to).ok())
        .is_some_and(|to| to.tag().is_none())
}
