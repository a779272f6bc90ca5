//! Messages to send: onto an open flow, into the queue of one that is being opened, or over a new one.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use sip_message::{Host, Message};

use super::{MAX_DATAGRAM, Transports, tell};
use crate::{
    address,
    boundary::TransportOutput,
    flow::{FlowEvent, FlowId, Hop, Outbound, Transport},
    flows::{Connection, Phase},
    step::{Cx, Out},
    targets::Target,
};

impl Transports {
    pub(super) fn send(&mut self, cx: &mut Cx<'_>, outbound: Outbound, out: &mut Out<'_, TransportOutput>) {
        let flow = outbound.hop.flow;
        if self.flows.socket(flow).is_some() {
            if outbound.wire.len() <= MAX_DATAGRAM {
                out.push(TransportOutput::Write(outbound));
            } else {
                self.counters.too_large += 1;
                unsent(outbound, out);
            }
            return;
        }
        self.open(flow, out);
        let config = &self.config;
        match self.flows.connection_mut(flow).map(|connection| &mut connection.phase) {
            Some(Phase::Open) => out.push(TransportOutput::Write(outbound)),
            Some(Phase::Opening(queue)) => {
                if let Err(outbound) = queue.push(outbound, config) {
                    self.counters.queue_full += 1;
                    unsent(outbound, out);
                }
            }
            Some(Phase::Planned) | None => self.without_flow(cx, outbound, out),
        }
    }

    pub(super) fn withdraw(&mut self, outbound: Outbound, out: &mut Out<'_, TransportOutput>) {
        if let Some(Connection { phase: Phase::Opening(queue), .. }) =
            self.flows.connection_mut(outbound.hop.flow)
            && queue.take_back(&outbound)
        {
            unsent(outbound, out);
        }
    }

    /// The flow is gone. A request is told as not sent; a response goes over a new connection, to where its Via says
    /// (RFC 3261 §18.2.2).
    fn without_flow(&mut self, cx: &mut Cx<'_>, outbound: Outbound, out: &mut Out<'_, TransportOutput>) {
        let hop = outbound.hop;
        if !hop.transport.is_reliable() || !outbound.wire.starts_with(b"SIP/") {
            self.counters.unknown_flow += 1;
            unsent(outbound, out);
            return;
        }
        match self.way_back(cx, hop.transport, outbound.wire.clone(), out) {
            Some(flow) => {
                let Some(connection) = self.flows.connection(flow) else { return };
                let hop = connection.hop(flow);
                self.send(cx, Outbound { hop, wire: outbound.wire }, out);
            }
            None => self.counters.lost_responses += 1,
        }
    }

    /// A connection to the address that the topmost Via of a response names.
    fn way_back(
        &mut self,
        cx: &mut Cx<'_>,
        transport: Transport,
        wire: Bytes,
        out: &mut Out<'_, TransportOutput>,
    ) -> Option<FlowId> {
        let message = own(wire)?;
        let via = message.top_via().ok()?;
        let host = match via.host {
            Host::V4(ip) => Some(IpAddr::V4(ip)),
            Host::V6(ip) => Some(IpAddr::V6(ip)),
            Host::Name(_) => None,
        };
        let received = via.params.value("received").and_then(|text| text.parse::<IpAddr>().ok());
        let ip = received.or(host)?.to_canonical();
        let port = via.port.unwrap_or(transport.default_port());
        if !address::is_host(ip) || port == 0 {
            return None;
        }
        let (_, local) = self.flows.best_socket(transport, ip)?;
        let remote = address::scoped(SocketAddr::new(ip, port), local);
        let name = match via.host {
            Host::Name(name) => name.to_ascii_lowercase(),
            Host::V4(_) | Host::V6(_) => ip.to_string(),
        };
        let flow = self.flows.find(transport, remote, &name);
        let flow = flow.unwrap_or_else(|| self.plan(cx, transport, remote, local, &name));
        self.open(flow, out);
        self.flows.connection(flow).is_some_and(Connection::exists).then_some(flow)
    }

    /// A datagram could not be sent, by word of its socket.
    pub(super) fn send_failed(
        &mut self,
        cx: &mut Cx<'_>,
        flow: FlowId,
        remote: SocketAddr,
        out: &mut Out<'_, TransportOutput>,
    ) {
        match self.flows.socket(flow) {
            Some(socket) => {
                self.dead.failed(Target::new(socket.transport, remote), cx.now, cx.random);
                tell(FlowEvent::Unreachable { flow, remote, branch: None }, out);
            }
            None => self.counters.unknown_flow += 1,
        }
    }

    /// A next element failed as RFC 3263 §4.3 has it: others come before it for a while.
    pub(super) fn avoid(&mut self, cx: &mut Cx<'_>, hop: &Hop) {
        self.dead.failed(Target::new(hop.transport, hop.remote), cx.now, cx.random);
    }
}

/// Tells that a request of ours could not be sent. A response that cannot be sent is not told: its transaction has nothing
/// to do about it.
fn unsent(outbound: Outbound, out: &mut Out<'_, TransportOutput>) {
    let Hop { flow, remote, .. } = outbound.hop;
    let request = own(outbound.wire).filter(Message::is_request);
    let branch = request.and_then(|message| message.top_via().ok()?.branch().map(Box::from));
    if let Some(branch) = branch {
        tell(FlowEvent::Unreachable { flow, remote, branch: Some(branch) }, out);
    }
}

/// Reads a message of our own.
fn own(wire: Bytes) -> Option<Message> {
    Message::parse(wire).ok()
}
