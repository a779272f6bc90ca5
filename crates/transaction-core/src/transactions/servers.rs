//! Server transactions: moving them and what their machines ask for.

use bytes::Bytes;
use sip_message::{HeaderId, Response, StatusCode};
use sip_transport::{Cx, Inbound, Out, Outbound};

use super::{Config, Transactions, arm, disarm, fail, stateless::tag_of};
use crate::{
    boundary::{TimerName, TxEvent, TxId, TxOutput},
    machine::{length, next_length, until_e_is_t2},
    server::{Action, Happening, Kept, Request, Server},
};

impl Transactions {
    /// Passes a response of the layer above to its transaction.
    pub(super) fn respond(
        &mut self,
        cx: &Cx<'_>,
        tx: TxId,
        status: StatusCode,
        wire: Bytes,
        out: &mut Out<'_, TxOutput>,
    ) {
        let Some(server) = self.servers.get_mut(tx) else {
            self.counters.stale_commands += 1;
            return;
        };
        let happening = server.classify(status);
        let (actions, _) = server.step(happening);
        if actions.is_empty() {
            self.counters.stale_commands += 1;
        }
        self.serve(cx, tx, actions, Some(Given::Response(wire)), out);
    }

    /// Runs the machine of a server transaction and does what it asks.
    pub(super) fn move_server(
        &mut self,
        cx: &Cx<'_>,
        tx: TxId,
        happening: Happening,
        ack: Option<Inbound>,
        out: &mut Out<'_, TxOutput>,
    ) {
        let Some(server) = self.servers.get_mut(tx) else { return };
        let (actions, over) = server.step(happening);
        self.serve(cx, tx, actions, ack.map(Given::Ack), out);
        if over {
            self.servers.remove(tx);
            self.drain.ended(cx.now);
        }
    }

    /// Does what a machine asks.
    pub(super) fn serve(
        &mut self,
        cx: &Cx<'_>,
        tx: TxId,
        actions: &'static [Action],
        mut given: Option<Given>,
        out: &mut Out<'_, TxOutput>,
    ) {
        let Config { timing, silence, server_name, .. } = &self.config;
        let Some(server) = self.servers.get_mut(tx) else { return };
        let reliable = server.reply.transport.is_reliable();
        for action in actions {
            match *action {
                Action::Answer => {
                    if let Some(Given::Response(wire)) = given.take() {
                        out.push(TxOutput::Send(server.keep(wire)));
                    }
                }
                Action::Forward => {
                    if let Some(Given::Response(wire)) = given.take() {
                        out.push(TxOutput::Send(Outbound { hop: server.reply, wire }));
                    }
                }
                Action::Withhold => self.counters.withheld_responses += 1,
                Action::Resend => {
                    if let Kept::Response(wire) = &server.kept {
                        out.push(TxOutput::Send(Outbound { hop: server.reply, wire: wire.clone() }));
                    }
                }
                Action::Make(status) => {
                    if let Some(wire) = server.make(cx, status, server_name.as_deref()) {
                        out.push(TxOutput::Send(server.keep(wire)));
                    } else {
                        self.counters.unanswerable += 1;
                        server.kept = Kept::Nothing;
                    }
                }
                Action::PassAck => {
                    if let Some(Given::Ack(inbound)) = given.take() {
                        self.counters.stray_acks += 1;
                        out.push(TxOutput::Event(TxEvent::StrayAck(inbound)));
                    }
                }
                Action::Arm(TimerName::Trying) if !server.is_invite() => {
                    arm(tx, TimerName::Trying, until_e_is_t2(timing), out);
                }
                Action::Arm(TimerName::Silence) if server.is_invite() => {
                    arm(tx, TimerName::Silence, *silence, out);
                }
                Action::Arm(name) => {
                    if let Some(length) = length(timing, name, reliable) {
                        if name == TimerName::G {
                            server.interval = length;
                        }
                        arm(tx, name, length, out);
                    }
                }
                Action::Again(name) => {
                    server.interval = next_length(timing, name, server.interval);
                    arm(tx, name, server.interval, out);
                }
                Action::Disarm(name) => disarm(tx, name, out),
                Action::Fail(failure) => fail(tx, failure, out),
            }
        }
        server.free();
    }
}

/// What came with a happening.
pub(super) enum Given {
    Response(Bytes),
    Ack(Inbound),
}

impl Server {
    /// Sorts a response of the layer above. To a non-INVITE, 408 and 1xx other than 100 are never sent, and 100 over UDP
    /// only by the machine's own timer (RFC 4320 §4.1, §4.2).
    fn classify(&self, status: StatusCode) -> Happening {
        if !self.is_invite() {
            let early = status == StatusCode::TRYING && !self.reply.transport.is_reliable();
            let forbidden = status.is_provisional() && status != StatusCode::TRYING;
            if early || forbidden || status == StatusCode::REQUEST_TIMEOUT {
                return Happening::Forbidden;
            }
        }
        if status.is_provisional() {
            Happening::Provisional
        } else if status.is_success() {
            Happening::Success
        } else {
            Happening::Failure
        }
    }

    /// Keeps a response, which is sent now.
    fn keep(&mut self, wire: Bytes) -> Outbound {
        self.kept = Kept::Response(wire.clone());
        Outbound { hop: self.reply, wire }
    }

    /// Makes a response, with the To tag of the one before it.
    fn make(&self, cx: &Cx<'_>, status: StatusCode, server_name: Option<&str>) -> Option<Bytes> {
        let Request { message, via } = self.request.as_ref()?;
        let tag = self.kept.tag().unwrap_or_else(|| tag_of(cx, self.key));
        let mut response = Response::to(message, status).to_tag(&tag);
        if let Some(via) = via {
            response = response.top_via(via);
        }
        if let Some(name) = server_name {
            response = response.header(HeaderId::Server, name);
        }
        response.encode().ok()
    }
}
