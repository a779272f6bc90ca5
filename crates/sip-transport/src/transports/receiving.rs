//! What arrives: datagrams, pieces of streams, WebSocket messages (RFC 3261 §18.2.1, §18.3, RFC 7118 §5).

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use sip_message::{Message, framing::Frame};

use super::{MAX_DATAGRAM, Transports, arm, disarm, tell};
use crate::{
    answer,
    boundary::{CloseCause, MESSAGES_PER_TURN, TransportOutput, TransportTimer},
    config::Config,
    flow::{FlowEvent, FlowId, Inbound, Origin, Transport},
    flows::{Connection, Rest},
    step::{Cx, Out},
    stun::is_stun,
    targets::Target,
};

/// Why a message is not passed up.
enum Dropped {
    Malformed,
    Foreign,
}

impl Transports {
    pub(super) fn bytes(
        &mut self,
        cx: &mut Cx<'_>,
        flow: FlowId,
        source: SocketAddr,
        bytes: Bytes,
        out: &mut Out<'_, TransportOutput>,
    ) {
        if let Some(socket) = self.flows.socket(flow).filter(|socket| socket.transport == Transport::Udp) {
            let origin = Origin { flow, transport: Transport::Udp, source, local: socket.local, peer: None };
            self.datagram(cx, &origin, bytes, out);
            return;
        }
        let Some(connection) = self.flows.connection_mut(flow).filter(|connection| connection.is_open())
        else {
            self.counters.unknown_flow += 1;
            return;
        };
        connection.heard = cx.now;
        if connection.transport.is_websocket() {
            self.frame(cx, flow, bytes, out);
        } else {
            connection.append(bytes);
            self.stream(cx, flow, MESSAGES_PER_TURN, out);
        }
    }

    /// Goes on with what the last step left.
    pub(super) fn again(&mut self, cx: &mut Cx<'_>, flow: FlowId, out: &mut Out<'_, TransportOutput>) {
        if self.flows.connection(flow).is_some_and(Connection::is_open) {
            self.stream(cx, flow, MESSAGES_PER_TURN, out);
        }
    }

    fn datagram(
        &mut self,
        cx: &mut Cx<'_>,
        origin: &Origin,
        bytes: Bytes,
        out: &mut Out<'_, TransportOutput>,
    ) {
        if bytes.len() > MAX_DATAGRAM {
            self.counters.too_large += 1;
        } else if is_line_ends(&bytes) {
            self.counters.keep_alive += 1;
        } else if is_stun(&bytes) {
            self.stun(cx, origin, &bytes, out);
        } else {
            self.message(origin, bytes, out);
        }
    }

    /// A WebSocket message: one SIP message, or a keep-alive (RFC 7118 §5, §6).
    fn frame(&mut self, cx: &mut Cx<'_>, flow: FlowId, bytes: Bytes, out: &mut Out<'_, TransportOutput>) {
        let Some(connection) = self.flows.connection(flow) else { return };
        if !is_line_ends(&bytes) {
            self.arrived(cx, flow, bytes, out);
        } else if connection.is_ours() {
            self.ponged(cx, flow, out);
        } else {
            self.pinged(flow, 1, out);
        }
    }

    /// Takes the whole messages out of what has arrived on a stream, up to so many.
    pub(super) fn stream(
        &mut self,
        cx: &mut Cx<'_>,
        flow: FlowId,
        most: usize,
        out: &mut Out<'_, TransportOutput>,
    ) {
        let (mut pings, mut messages, mut any) = (0, 0, false);
        // A message may end the connection, by being one too many that cannot be read.
        while let Some(connection) = self.flows.connection_mut(flow) {
            if messages == most && connection.holds_any() {
                self.pinged(flow, pings, out);
                out.push(TransportOutput::Again(flow));
                return;
            }
            let frame = connection.frame();
            any |= matches!(frame, Ok(Some(_)));
            match frame {
                Ok(Some(Frame::Message(bytes))) => {
                    messages += 1;
                    self.arrived(cx, flow, bytes, out);
                }
                Ok(Some(Frame::Ping)) => pings += 1,
                Ok(Some(Frame::Pong)) => self.ponged(cx, flow, out),
                Ok(None) => {
                    let timer = TransportTimer::Message(flow);
                    match connection.rest(any) {
                        Rest::Begun => arm(timer, self.config.message_timeout, out),
                        Rest::Done => disarm(timer, out),
                        Rest::Same => {}
                    }
                    self.pinged(flow, pings, out);
                    return;
                }
                // Nobody can say where the next message starts (RFC 3261 §18.3).
                Err(_) => {
                    self.counters.broken_streams += 1;
                    self.close(cx, flow, CloseCause::Malformed, out);
                }
            }
        }
    }

    /// One message of a connection.
    fn arrived(&mut self, cx: &mut Cx<'_>, flow: FlowId, bytes: Bytes, out: &mut Out<'_, TransportOutput>) {
        let Some(connection) = self.flows.connection(flow) else { return };
        let origin = connection.origin(flow);
        let fault = !self.message(&origin, bytes, out);
        let Some(connection) = self.flows.connection_mut(flow) else { return };
        connection.told |= !fault;
        if connection.note_fault(fault) {
            self.counters.malformed_streams += 1;
            self.close(cx, flow, CloseCause::Malformed, out);
        }
    }

    /// Reads a message and passes it up; tells whether it could be read.
    fn message(&mut self, origin: &Origin, bytes: Bytes, out: &mut Out<'_, TransportOutput>) -> bool {
        match self.inbound(origin, bytes) {
            Ok(inbound) => {
                self.counters.passed += 1;
                tell(FlowEvent::Inbound(inbound), out);
                true
            }
            Err(Dropped::Malformed) => {
                self.counters.malformed += 1;
                false
            }
            Err(Dropped::Foreign) => {
                self.counters.foreign_response += 1;
                true
            }
        }
    }

    fn inbound(&mut self, origin: &Origin, bytes: Bytes) -> Result<Inbound, Dropped> {
        // A request with a fault goes up, to be answered 400; a response with one is dropped (RFC 3261 §18.3).
        let message = Message::parse_to_answer(bytes, &self.config.limits).map_err(|_| Dropped::Malformed)?;
        if message.is_response() && message.fault().is_some() {
            return Err(Dropped::Malformed);
        }
        let via = message.top_via().map_err(|_| Dropped::Malformed)?;
        if message.is_request() {
            let reply = answer::reply(&via, origin).ok_or(Dropped::Malformed)?;
            let stamped = answer::stamped(&via, origin.source).map_err(|_| Dropped::Malformed)?;
            if origin.transport.is_reliable() && via.params.has("alias") {
                let port = via.port.unwrap_or(origin.transport.default_port());
                self.take_alias(origin, port);
            }
            return Ok(Inbound {
                origin: origin.clone(),
                message: Arc::new(message),
                via: Some(stamped),
                reply,
            });
        }
        let local = (origin.local.ip().to_canonical(), origin.local.port());
        let ours = answer::sent_by(&via, origin.transport)
            .is_some_and(|sent_by| sent_by == local || self.flows.is_ours(sent_by));
        if !ours {
            return Err(Dropped::Foreign);
        }
        if origin.transport == Transport::Udp && !self.dead.is_empty() {
            self.dead.worked(Target::new(origin.transport, origin.source));
        }
        Ok(Inbound { origin: origin.clone(), message: Arc::new(message), via: None, reply: origin.hop() })
    }

    /// The sender lets requests to its sent-by use this connection (RFC 5923 §8.2): at the address we see, on the port it
    /// says.
    fn take_alias(&mut self, origin: &Origin, port: u16) {
        let believed = self.config.alias.trusts(origin.peer.is_some());
        if believed && port != 0 {
            let mut alias = origin.source;
            alias.set_port(port);
            self.flows.alias(origin.flow, alias);
        }
    }

    pub(super) fn slow_message(&mut self, cx: &mut Cx<'_>, flow: FlowId, out: &mut Out<'_, TransportOutput>) {
        if self.flows.connection(flow).is_some_and(Connection::is_open) {
            self.counters.slow_messages += 1;
            self.close(cx, flow, CloseCause::TimedOut, out);
        }
    }

    /// Closes a connection on which nothing arrived for long; else waits for the rest of that time.
    pub(super) fn maybe_idle(&mut self, cx: &mut Cx<'_>, flow: FlowId, out: &mut Out<'_, TransportOutput>) {
        let Some(connection) = self.flows.connection(flow).filter(|connection| connection.is_open()) else {
            return;
        };
        let Config { idle_timeout, used_idle_timeout, .. } = self.config;
        let longest = if connection.told { used_idle_timeout } else { idle_timeout };
        let left = longest.saturating_sub(cx.now.since(connection.heard));
        if !left.is_zero() {
            arm(TransportTimer::Idle(flow), left, out);
        } else if connection.kept.is_some() {
            arm(TransportTimer::Idle(flow), longest, out);
        } else {
            self.counters.idle_connections += 1;
            self.close(cx, flow, CloseCause::Closed, out);
        }
    }
}

/// Whether this is a keep-alive: nothing, or line ends and NUL only (RFC 5626 §4.4.1 and the habits of phones).
fn is_line_ends(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0))
}
