//! The reducer: flows in, messages up; routes and messages down.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use sip_message::{Limits, Message};

use crate::{
    answer,
    boundary::{TransportCommand, TransportInput, TransportOutput, TransportTimer},
    counters::Counters,
    destination::{self, Destination},
    flow::{FlowEvent, FlowId, Hop, Hops, Inbound, Origin, Outbound, Route, RouteError, RouteId, Transport},
    question::{Answer, LookupError, Question, Records},
    resolving::{Resolving, Waiting},
    step::{Cx, Out, TimerOp},
};

/// Longest payload of a UDP datagram over IPv4, in bytes (65,535 less 20 of IP and 8 of UDP header).
///
/// Requests over 1,300 bytes go by UDP too, in fragments: RFC 3261 §18.1.1 asks for a stream transport there, and none
/// is offered yet.
pub const MAX_DATAGRAM: usize = 65_507;

/// Most hops that one request may try: with 32 s for each silent one, more would outlive any caller.
const MAX_HOPS: usize = 4;

/// The settings of [`Transports`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Most names that are looked up at a time; more are refused with [`RouteError::Overload`]. The default of 64
    /// bounds the threads that a system resolver blocks.
    pub resolving: usize,
    /// Longest wait for a name; 5 s, what a system resolver takes for one unanswered try.
    pub resolve_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self { resolving: 64, resolve_timeout: Duration::from_secs(5) }
    }
}

/// The transport layer: knows the open flows, reads what arrives and finds the way for what leaves.
///
/// It follows the step contract of [`step`](crate::step) and never retries.
#[derive(Debug)]
pub struct Transports {
    config: Config,
    flows: BTreeMap<FlowId, SocketAddr>,
    resolving: Resolving,
    counters: Counters,
}

impl Transports {
    /// Makes a transport layer without flows.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            flows: BTreeMap::new(),
            resolving: Resolving::new(config.resolving),
            counters: Counters::default(),
        }
    }

    /// Takes an order from the transaction layer.
    pub fn command(
        &mut self,
        _cx: &mut Cx<'_>,
        command: TransportCommand,
        out: &mut Out<'_, TransportOutput>,
    ) {
        match command {
            TransportCommand::Route(route) => self.route(&route, out),
            TransportCommand::Send(outbound) => self.send(outbound, out),
            TransportCommand::Keep(_) | TransportCommand::LetGo(_) => {}
        }
    }

    /// Takes what a socket or the resolver reports.
    pub fn receive(&mut self, _cx: &mut Cx<'_>, input: TransportInput, out: &mut Out<'_, TransportOutput>) {
        match input {
            TransportInput::Opened { flow, transport: Transport::Udp, local } => {
                self.flows.insert(flow, local);
            }
            TransportInput::Opened { flow: _, transport: _, local: _ } => self.counters.unsupported_flow += 1,
            TransportInput::Closed { flow, cause: _ } => match self.flows.remove(&flow) {
                Some(_) => out.push(TransportOutput::Flow(FlowEvent::Ended(flow))),
                None => self.counters.unknown_flow += 1,
            },
            TransportInput::Bytes { flow, source, bytes } => self.datagram(flow, source, bytes, out),
            TransportInput::SendFailed { flow, remote } => {
                if self.flows.contains_key(&flow) {
                    out.push(TransportOutput::Flow(FlowEvent::Unreachable { flow, remote, branch: None }));
                } else {
                    self.counters.unknown_flow += 1;
                }
            }
            TransportInput::Resolved { route, result } => self.resolved(route, result, out),
            TransportInput::Accepted { .. } | TransportInput::Connected { .. } => {}
        }
    }

    /// Takes the end of a timer that was armed here.
    pub fn expire(&mut self, _cx: &mut Cx<'_>, timer: TransportTimer, out: &mut Out<'_, TransportOutput>) {
        match timer {
            TransportTimer::Resolve(route) => {
                if self.resolving.take(route).is_some() {
                    routed(route, Err(RouteError::Unresolved), out);
                }
            }
            _ => {}
        }
    }

    /// What was dropped, by reason.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Whether nothing is under way: no question waits for the resolver.
    pub fn is_idle(&self) -> bool {
        self.resolving.is_empty()
    }

    /// Our address on a flow.
    pub fn local(&self, flow: FlowId) -> Option<SocketAddr> {
        self.flows.get(&flow).copied()
    }

    fn route(&mut self, route: &Route, out: &mut Out<'_, TransportOutput>) {
        let result = match destination::destination(&route.uri.as_uri()) {
            Ok(Destination::Address(remote)) => self.hops(&[remote.ip()], remote.port(), route.flow),
            Ok(Destination::Name { host, port }) => {
                if self.resolving.insert(route.route, Waiting { port, flow: route.flow }) {
                    let timer = TransportTimer::Resolve(route.route);
                    out.push(TransportOutput::Timer(TimerOp::Arm(timer, self.config.resolve_timeout)));
                    out.push(TransportOutput::Resolve {
                        route: route.route,
                        question: Question::Addresses(host),
                    });
                    return;
                }
                Err(RouteError::Overload)
            }
            Err(error) => Err(error),
        };
        routed(route.route, result, out);
    }

    fn resolved(
        &mut self,
        route: RouteId,
        result: Result<Answer, LookupError>,
        out: &mut Out<'_, TransportOutput>,
    ) {
        let Some(Waiting { port, flow }) = self.resolving.take(route) else {
            self.counters.late_answer += 1;
            return;
        };
        out.push(TransportOutput::Timer(TimerOp::Disarm(TransportTimer::Resolve(route))));
        let result = match result {
            Ok(Answer { records: Records::Addresses(addresses), .. }) => self.hops(&addresses, port, flow),
            Ok(_) | Err(_) => Err(RouteError::Unresolved),
        };
        routed(route, result, out);
    }

    /// The hops to these addresses, each from the address of ours that fits it best.
    fn hops(&self, addresses: &[IpAddr], port: u16, dialog: Option<FlowId>) -> Result<Hops, RouteError> {
        let mut hops = Hops::new();
        let mut any_host = false;
        for ip in addresses.iter().map(IpAddr::to_canonical).filter(|ip| destination::is_host(*ip)) {
            any_host = true;
            if let Some((flow, local)) = self.best_flow(ip, dialog) {
                let remote = destination::scoped(SocketAddr::new(ip, port), local);
                let hop = Hop { flow, transport: Transport::Udp, remote, local, above: None };
                if hops.len() < MAX_HOPS && !hops.contains(&hop) {
                    hops.push(hop);
                }
            }
        }
        match (any_host, hops.is_empty()) {
            (_, false) => Ok(hops),
            (true, true) => Err(RouteError::Family),
            (false, true) => Err(RouteError::Unresolved),
        }
    }

    /// The dialog's own flow where it reaches the address; else the best, and of equals the oldest.
    fn best_flow(&self, remote: IpAddr, dialog: Option<FlowId>) -> Option<(FlowId, SocketAddr)> {
        let usable = |local: &SocketAddr| destination::reaches(local.ip(), remote);
        let own = dialog
            .and_then(|flow| self.flows.get(&flow).filter(|local| usable(local)).map(|local| (flow, *local)));
        own.or_else(|| {
            self.flows
                .iter()
                .rev()
                .filter(|(_, local)| usable(local))
                .max_by_key(|(_, local)| destination::fit(local.ip(), remote))
                .map(|(flow, local)| (*flow, *local))
        })
    }

    fn send(&mut self, outbound: Outbound, out: &mut Out<'_, TransportOutput>) {
        let Hop { flow, remote, .. } = outbound.hop;
        let known = self.flows.contains_key(&flow);
        if known && outbound.wire.len() <= MAX_DATAGRAM {
            out.push(TransportOutput::Write(outbound));
            return;
        }
        if known {
            self.counters.too_large += 1;
        } else {
            self.counters.unknown_flow += 1;
        }
        if let Some(branch) = own_branch(outbound.wire) {
            out.push(TransportOutput::Flow(FlowEvent::Unreachable { flow, remote, branch: Some(branch) }));
        }
    }

    fn datagram(
        &mut self,
        flow: FlowId,
        source: SocketAddr,
        bytes: Bytes,
        out: &mut Out<'_, TransportOutput>,
    ) {
        let Some(local) = self.local(flow) else {
            self.counters.unknown_flow += 1;
            return;
        };
        if bytes.len() > MAX_DATAGRAM {
            self.counters.too_large += 1;
            return;
        }
        if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            self.counters.keep_alive += 1;
            return;
        }
        let origin = Origin { flow, transport: Transport::Udp, source, local };
        match self.inbound(origin, bytes) {
            Ok(inbound) => {
                self.counters.passed += 1;
                out.push(TransportOutput::Flow(FlowEvent::Inbound(inbound)));
            }
            Err(Dropped::Malformed) => self.counters.malformed += 1,
            Err(Dropped::Foreign) => self.counters.foreign_response += 1,
        }
    }

    fn inbound(&self, origin: Origin, bytes: Bytes) -> Result<Inbound, Dropped> {
        // A request with a fault goes up, to be answered 400; a response with one is dropped (RFC 3261 §18.3).
        let message = Message::parse_to_answer(bytes, &Limits::default()).map_err(|_| Dropped::Malformed)?;
        if message.is_response() && message.fault().is_some() {
            return Err(Dropped::Malformed);
        }
        let via = message.top_via().map_err(|_| Dropped::Malformed)?;
        if message.is_request() {
            let reply = answer::reply(&via, &origin).ok_or(Dropped::Malformed)?;
            let stamped = answer::stamped(&via, origin.source);
            Ok(Inbound { origin, message: Arc::new(message), via: Some(stamped), reply, peer: None })
        } else if answer::sent_by(&via).is_some_and(|sent_by| self.is_ours(sent_by)) {
            Ok(Inbound { origin, message: Arc::new(message), via: None, reply: origin.hop(), peer: None })
        } else {
            Err(Dropped::Foreign)
        }
    }

    /// Whether a request of ours can have had this sent-by (RFC 3261 §18.1.2).
    fn is_ours(&self, (ip, port): (IpAddr, u16)) -> bool {
        self.flows.values().any(|local| local.ip().to_canonical() == ip && local.port() == port)
    }
}

fn routed(route: RouteId, result: Result<Hops, RouteError>, out: &mut Out<'_, TransportOutput>) {
    out.push(TransportOutput::Flow(FlowEvent::Routed { route, result }));
}

/// The branch of a request that we made; `None` for a response, whose branch is the peer's.
fn own_branch(wire: Bytes) -> Option<Box<str>> {
    // The limits are for what peers send; our own message may be past them and is bounded by the encoder.
    let limits = Limits { message: wire.len(), headers: wire.len(), line: wire.len(), folds: wire.len() };
    let message = Message::parse_with(wire, &limits).ok().filter(Message::is_request)?;
    message.top_via().ok()?.branch().map(Box::from)
}

/// Why a datagram is not passed up.
enum Dropped {
    Malformed,
    Foreign,
}
