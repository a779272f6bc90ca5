//! Routes: from a URI to hops (RFC 3261 §8.1.2, §18.1.1, RFC 3263 §4).

use std::net::SocketAddr;

use sip_message::Scheme;

use super::{Transports, arm, disarm, tell};
use crate::{
    address,
    boundary::{CloseCause, TransportOutput, TransportTimer},
    flow::{FlowEvent, FlowId, Hop, Hops, Route, RouteError, RouteId, Transport},
    flows::Connection,
    question::{Answer, LookupError, Question},
    resolving::{Stage, Waiting},
    step::{Cx, Out},
    targets::{Offered, Selection, Step, Target, Targets},
};

/// What becomes of one target.
enum Found {
    Hop(Hop),
    /// A connection has to be there before our own address on it is known.
    Connect(FlowId),
}

impl Transports {
    pub(super) fn route(&mut self, cx: &mut Cx<'_>, route: &Route, out: &mut Out<'_, TransportOutput>) {
        let uri = route.uri.as_uri();
        let secure = route.secure || uri.scheme() == Scheme::Sips;
        if let Some(hop) = route.flow.and_then(|flow| self.dialog_hop(flow, secure)) {
            routed(route.route, Ok(Hops::from_slice(&[hop])), out);
            return;
        }
        let offered: Offered =
            self.flows.sockets().map(|socket| (socket.transport, socket.local.ip())).collect();
        let first = Selection::start_as(&uri, secure, offered, self.config.maddr);
        self.select(cx, route.route, route.flow, first, out);
    }

    /// The connection of a dialog, which its requests use as long as it lives (catalogue TR-202). A request to a `sips` URI
    /// never leaves by one that is not encrypted (RFC 3261 §26.2.2).
    fn dialog_hop(&mut self, flow: FlowId, secure: bool) -> Option<Hop> {
        let usable = |connection: &&mut Connection| {
            connection.exists() && (!secure || connection.transport.is_secure())
        };
        let connection = self.flows.connection_mut(flow).filter(usable)?;
        connection.told = true;
        Some(connection.hop(flow))
    }

    /// Follows a selection until it needs an answer that is not at hand.
    fn select(
        &mut self,
        cx: &mut Cx<'_>,
        route: RouteId,
        dialog: Option<FlowId>,
        mut step: Result<Step, RouteError>,
        out: &mut Out<'_, TransportOutput>,
    ) {
        loop {
            match step {
                Ok(Step::Ask(selection, question)) => match self.cache.get(&question, cx.now) {
                    Some(result) => step = selection.answer(cx.random, result),
                    None if self.resolving.has_room() => {
                        let stage = Stage::Asking(question.clone(), selection);
                        self.resolving.insert(route, Waiting { dialog, stage });
                        arm(TransportTimer::Resolve(route), self.config.resolve_timeout, out);
                        out.push(TransportOutput::Resolve { route, question });
                        return;
                    }
                    None => {
                        routed(route, Err(RouteError::Overload), out);
                        return;
                    }
                },
                Ok(Step::Done { mut targets, name }) => {
                    self.dead.sort(&mut targets, cx.now);
                    self.lead(cx, route, dialog, (targets, name), RouteError::Unresolved, out);
                    return;
                }
                Err(error) => {
                    routed(route, Err(error), out);
                    return;
                }
            }
        }
    }

    pub(super) fn resolved(
        &mut self,
        cx: &mut Cx<'_>,
        route: RouteId,
        question: &Question,
        result: Result<Answer, LookupError>,
        out: &mut Out<'_, TransportOutput>,
    ) {
        self.cache.put(question.clone(), &result, cx.now);
        let Some((dialog, selection)) = self.resolving.take_asking(route, question) else {
            self.counters.late_answer += 1;
            return;
        };
        disarm(TransportTimer::Resolve(route), out);
        let step = selection.answer(cx.random, result.map(|answer| answer.records));
        self.select(cx, route, dialog, step, out);
    }

    /// The resolver is silent: the selection goes on without the answer.
    pub(super) fn unanswered(&mut self, cx: &mut Cx<'_>, route: RouteId, out: &mut Out<'_, TransportOutput>) {
        match self.resolving.take(route) {
            Some(Waiting { dialog, stage: Stage::Asking(question, selection) }) => {
                self.cache.put(question, &Err(LookupError::Timeout), cx.now);
                let step = selection.answer(cx.random, Err(LookupError::Timeout));
                self.select(cx, route, dialog, step, out);
            }
            // A connection has a time limit of its own.
            Some(waiting @ Waiting { stage: Stage::Connecting { .. }, .. }) => {
                self.resolving.insert(route, waiting);
            }
            None => {}
        }
    }

    /// From targets to hops. A target whose connection has to be there first is waited for if nothing better is found
    /// before it, and left out otherwise. Without any hop `why` is told, or what was found since.
    fn lead(
        &mut self,
        cx: &mut Cx<'_>,
        route: RouteId,
        dialog: Option<FlowId>,
        (mut targets, name): (Targets, Box<str>),
        mut why: RouteError,
        out: &mut Out<'_, TransportOutput>,
    ) {
        let mut hops = Hops::new();
        let mut at = 0;
        while let Some(target) = targets.get(at).copied() {
            match self.find_hop(cx, target, &name, dialog) {
                Ok(Found::Hop(hop)) => {
                    if hop.transport == Transport::Udp {
                        hops.extend(self.hop_for_large(cx, target, &name));
                    }
                    if !hops.contains(&hop) {
                        hops.push(hop);
                    }
                }
                Ok(Found::Connect(flow)) if hops.is_empty() => {
                    self.open(flow, out);
                    let opening = self.flows.connection(flow).is_some_and(Connection::exists);
                    if opening && self.resolving.has_room() {
                        targets.drain(..at);
                        let stage = Stage::Connecting { flow, targets, name };
                        self.resolving.insert(route, Waiting { dialog, stage });
                        return;
                    }
                    why = RouteError::Overload;
                }
                Ok(Found::Connect(_)) => {}
                Err(error) => why = error,
            }
            at += 1;
        }
        routed(route, if hops.is_empty() { Err(why) } else { Ok(hops) }, out);
    }

    /// Goes on with the routes that waited for a connection that is open now.
    pub(super) fn lead_on(&mut self, cx: &mut Cx<'_>, flow: FlowId, out: &mut Out<'_, TransportOutput>) {
        for route in self.resolving.waiting_for(flow) {
            if let Some(Waiting { dialog, stage: Stage::Connecting { targets, name, .. } }) =
                self.resolving.take(route)
            {
                self.lead(cx, route, dialog, (targets, name), RouteError::Unresolved, out);
            }
        }
    }

    /// Goes on with the routes that waited for a connection that cannot be had: to their next targets.
    pub(super) fn lead_past(
        &mut self,
        cx: &mut Cx<'_>,
        flow: FlowId,
        cause: CloseCause,
        out: &mut Out<'_, TransportOutput>,
    ) {
        for route in self.resolving.waiting_for(flow) {
            if let Some(Waiting { dialog, stage: Stage::Connecting { mut targets, name, .. } }) =
                self.resolving.take(route)
            {
                targets.remove(0);
                self.lead(cx, route, dialog, (targets, name), RouteError::Unreachable(cause), out);
            }
        }
    }

    fn find_hop(
        &mut self,
        cx: &mut Cx<'_>,
        target: Target,
        name: &str,
        dialog: Option<FlowId>,
    ) -> Result<Found, RouteError> {
        let Target { transport, ip, port } = target;
        if transport == Transport::Udp {
            let own = dialog.and_then(|flow| {
                let socket = self.flows.socket(flow)?;
                let usable = socket.transport == Transport::Udp && address::reaches(socket.local.ip(), ip);
                usable.then_some((flow, socket.local))
            });
            let (flow, local) =
                own.or_else(|| self.flows.best_socket(Transport::Udp, ip)).ok_or(RouteError::Family)?;
            let remote = address::scoped(SocketAddr::new(ip, port), local);
            return Ok(Found::Hop(Hop { flow, transport, remote, local, above: None, alias: false }));
        }
        let (_, local) = self.flows.best_socket(transport, ip).ok_or(RouteError::Family)?;
        let remote = address::scoped(SocketAddr::new(ip, port), local);
        let flow = self.flows.find(transport, remote, name);
        let flow = flow.unwrap_or_else(|| self.plan(cx, transport, remote, local, name));
        let Some(connection) = self.flows.connection_mut(flow) else { return Err(RouteError::Overload) };
        if connection.local.port() == 0 {
            return Ok(Found::Connect(flow));
        }
        connection.told = true;
        Ok(Found::Hop(connection.hop(flow)))
    }

    /// Beside a hop by UDP, one by TCP for requests that are too long for it, where TCP is listened on (RFC 3261 §18.1.1).
    /// None where that failed lately: the next request would wait for the same failure, and an ACK be lost by it.
    fn hop_for_large(&mut self, cx: &mut Cx<'_>, target: Target, name: &str) -> Option<Hop> {
        let above = self.config.stream_above?;
        let target = Target { transport: Transport::Tcp, ..target };
        let (_, local) = self.flows.best_socket(Transport::Tcp, target.ip)?;
        if local.port() == 0 || self.dead.avoids(&target, cx.now) {
            return None;
        }
        match self.find_hop(cx, target, name, None) {
            Ok(Found::Hop(hop)) => Some(Hop { above: Some(above), ..hop }),
            Ok(Found::Connect(_)) | Err(_) => None,
        }
    }
}

pub(super) fn routed(route: RouteId, result: Result<Hops, RouteError>, out: &mut Out<'_, TransportOutput>) {
    tell(FlowEvent::Routed { route, result }, out);
}
