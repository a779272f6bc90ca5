//! The life of connections: planned, opened, accepted, closed.

use std::net::SocketAddr;

use sip_message::framing::StreamEnd;

use super::{Transports, arm, disarm, keeping::Lost, tell};
use crate::{
    boundary::{CloseCause, Connect, TransportOutput, TransportTimer},
    config::Config,
    flow::{FlowEvent, FlowId, PeerIdentity, Transport},
    flows::{Connection, OfSource, Phase, Queue},
    step::{Cx, Out},
};

impl Transports {
    /// Notes a connection to be opened when it is needed.
    pub(super) fn plan(
        &mut self,
        cx: &mut Cx<'_>,
        transport: Transport,
        remote: SocketAddr,
        local: SocketAddr,
        name: &str,
    ) -> FlowId {
        let flow: FlowId = cx.ids.mint();
        let mut connection =
            Connection::new(transport, remote, local, StreamEnd::Client, &self.config.limits);
        connection.name = name.into();
        // Where nothing listens, our Via names the end of this very connection. Over TLS the other side will be verified,
        // or there will be no connection.
        connection.offers_alias = local.port() != 0 && self.config.alias.trusts(transport.is_secure());
        self.flows.insert(flow, connection);
        flow
    }

    /// Opens a planned connection, unless there are too many; one that exists is left as it is.
    pub(super) fn open(&mut self, flow: FlowId, out: &mut Out<'_, TransportOutput>) {
        if self.flows.connection(flow).is_none_or(Connection::exists) {
            return;
        }
        if self.flows.existing() >= self.config.connections {
            self.counters.refused_connections += 1;
            return;
        }
        let Some(connection) = self.flows.start(flow) else { return };
        let connect = Connect {
            flow,
            transport: connection.transport,
            remote: connection.remote,
            local: Some(connection.local.ip()),
            name: connection.name.clone(),
        };
        arm(TransportTimer::Open(flow), self.config.open_timeout, out);
        out.push(TransportOutput::Connect(connect));
    }

    /// A connection came in; it is closed at once if there are too many.
    pub(super) fn accepted(
        &mut self,
        cx: &Cx<'_>,
        flow: FlowId,
        listener: FlowId,
        remote: SocketAddr,
        out: &mut Out<'_, TransportOutput>,
    ) {
        let Some(socket) = self.flows.socket(listener).filter(|socket| socket.transport.is_reliable()) else {
            self.counters.unknown_flow += 1;
            out.push(TransportOutput::Close(flow));
            return;
        };
        if self.flows.connection(flow).is_some() {
            self.counters.unknown_flow += 1;
            return;
        }
        let OfSource { all, opening } = self.flows.of_source(remote);
        let Config { connections, per_source, opening_per_source, .. } = self.config;
        // TCP has no handshakes that could be drawn out here.
        let too_many = socket.transport != Transport::Tcp && opening >= opening_per_source;
        if self.flows.existing() >= connections || all >= per_source || too_many {
            self.counters.refused_connections += 1;
            out.push(TransportOutput::Close(flow));
            return;
        }
        let mut connection =
            Connection::new(socket.transport, remote, socket.local, StreamEnd::Server, &self.config.limits);
        connection.phase = Phase::Opening(Queue::default());
        connection.heard = cx.now;
        self.flows.insert(flow, connection);
        arm(TransportTimer::Open(flow), self.config.open_timeout, out);
    }

    /// A connection is ready: what waited is written, and routes that waited go on.
    pub(super) fn connected(
        &mut self,
        cx: &mut Cx<'_>,
        flow: FlowId,
        local: SocketAddr,
        peer: Option<PeerIdentity>,
        out: &mut Out<'_, TransportOutput>,
    ) {
        let Some((connection, queue)) = self.flows.opened(flow) else {
            self.counters.unknown_flow += 1;
            return;
        };
        connection.offers_alias &= self.config.alias.trusts(peer.is_some());
        connection.peer = peer;
        connection.heard = cx.now;
        if connection.local.port() == 0 {
            connection.local = local;
        }
        let (target, ours) = (connection.target(), connection.is_ours());
        let recovered = connection.kept.as_mut().filter(|kept| kept.was != flow).map(|kept| {
            kept.failures = 0;
            std::mem::replace(&mut kept.was, flow)
        });
        connection.told |= recovered.is_some();
        disarm(TransportTimer::Open(flow), out);
        arm(TransportTimer::Idle(flow), self.config.idle_timeout, out);
        if ours {
            self.dead.worked(target);
            self.arm_beat(cx, flow, out);
        }
        for outbound in queue.into_messages() {
            out.push(TransportOutput::Write(outbound));
        }
        if let Some(was) = recovered {
            tell(FlowEvent::Recovered { was, now: flow }, out);
        }
        self.lead_on(cx, flow, out);
    }

    /// A socket or connection is gone, by word of the sockets.
    pub(super) fn closed(
        &mut self,
        cx: &mut Cx<'_>,
        flow: FlowId,
        cause: CloseCause,
        out: &mut Out<'_, TransportOutput>,
    ) {
        if self.flows.close_socket(flow).is_some() {
            self.unbind_all(flow, out);
            tell(FlowEvent::Ended { flow, cause }, out);
        } else if self.flows.connection(flow).is_some_and(Connection::exists) {
            // What came whole before the end came.
            if self.flows.connection(flow).is_some_and(Connection::holds_any) {
                self.stream(cx, flow, usize::MAX, out);
            }
            self.end(cx, flow, cause, out);
        } else {
            self.counters.unknown_flow += 1;
        }
    }

    /// Closes a connection that is not worth having any more.
    pub(super) fn close(
        &mut self,
        cx: &mut Cx<'_>,
        flow: FlowId,
        cause: CloseCause,
        out: &mut Out<'_, TransportOutput>,
    ) {
        out.push(TransportOutput::Close(flow));
        self.end(cx, flow, cause, out);
    }

    /// Forgets a connection: what waited for it is lost, routes go on to their next targets, and if it is kept it will be
    /// opened again.
    fn end(&mut self, cx: &mut Cx<'_>, flow: FlowId, cause: CloseCause, out: &mut Out<'_, TransportOutput>) {
        let Some(connection) = self.flows.remove(flow) else { return };
        let mut timers = vec![TransportTimer::Message(flow)];
        if connection.is_open() {
            timers.extend([TransportTimer::Idle(flow), TransportTimer::KeepAlive(flow)]);
        } else {
            timers.push(TransportTimer::Open(flow));
            self.counters.failed_connections += 1;
        }
        for timer in timers {
            disarm(timer, out);
        }
        if connection.is_ours() && !connection.is_open() {
            self.dead.failed(connection.target(), cx.now, cx.random);
        }
        if connection.told {
            tell(FlowEvent::Ended { flow, cause }, out);
        }
        self.counters.lost_responses += connection.waiting_responses();
        if let Some(kept) = connection.kept {
            self.lose(cx, Lost::of(&connection, kept), out);
        }
        self.lead_past(cx, flow, cause, out);
    }

    pub(super) fn not_open_in_time(
        &mut self,
        cx: &mut Cx<'_>,
        flow: FlowId,
        out: &mut Out<'_, TransportOutput>,
    ) {
        if self.flows.connection(flow).is_some_and(|connection| !connection.is_open()) {
            self.close(cx, flow, CloseCause::TimedOut, out);
        }
    }
}
