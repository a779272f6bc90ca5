//! The reducer: what arrives goes up as messages; routes and messages come down.

mod binding;
mod connecting;
mod keeping;
mod receiving;
mod routing;
mod sending;

use std::{collections::BTreeMap, net::SocketAddr};

use crate::{
    boundary::{TransportCommand, TransportInput, TransportOutput, TransportTimer},
    config::Config,
    counters::Counters,
    flow::{FlowEvent, FlowId},
    flows::{Flows, Socket},
    resolving::Resolving,
    step::{Cx, Out, TimerOp},
    targets::{Cache, CacheConfig, DeadTargets},
};

use self::{binding::Binding, keeping::Lost};
pub use self::{binding::KEPT_REMOTES, keeping::SHORTEST_BEAT};

/// Longest payload of a UDP datagram over IPv4, in bytes (65,535 less 20 of IP and 8 of UDP header).
pub const MAX_DATAGRAM: usize = 65_507;

/// The transport layer: knows the open flows, reads what arrives and finds the way for what leaves.
///
/// It follows the step contract of [`step`](crate::step) and never retries.
#[derive(Debug)]
pub struct Transports {
    config: Config,
    flows: Flows,
    resolving: Resolving,
    cache: Cache,
    dead: DeadTargets,
    /// Kept connections that are gone and will be opened again, by the name of the one that ended.
    lost: BTreeMap<FlowId, Lost>,
    /// The remotes of UDP sockets that are kept.
    bindings: BTreeMap<(FlowId, SocketAddr), Binding>,
    counters: Counters,
}

impl Transports {
    /// Makes a transport layer without flows.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            flows: Flows::default(),
            resolving: Resolving::new(config.resolving),
            cache: Cache::new(CacheConfig::default()),
            dead: DeadTargets::default(),
            lost: BTreeMap::new(),
            bindings: BTreeMap::new(),
            counters: Counters::default(),
        }
    }

    /// Takes an order from the transaction layer.
    pub fn command(
        &mut self,
        cx: &mut Cx<'_>,
        command: TransportCommand,
        out: &mut Out<'_, TransportOutput>,
    ) {
        match command {
            TransportCommand::Route(route) => self.route(cx, &route, out),
            TransportCommand::Send(outbound) => self.send(cx, outbound, out),
            TransportCommand::Withdraw(outbound) => self.withdraw(outbound, out),
            TransportCommand::Avoid(hop) => self.avoid(cx, &hop),
            TransportCommand::Keep { flow, remote, every } => self.keep(cx, (flow, remote), every, out),
            TransportCommand::LetGo { flow, remote } => self.let_go((flow, remote), out),
        }
    }

    /// Takes what a socket or the resolver reports.
    pub fn receive(&mut self, cx: &mut Cx<'_>, input: TransportInput, out: &mut Out<'_, TransportOutput>) {
        match input {
            TransportInput::Opened { flow, transport, local } => {
                self.flows.open_socket(flow, Socket { transport, local });
            }
            TransportInput::Accepted { flow, listener, remote } => {
                self.accepted(cx, flow, listener, remote, out);
            }
            TransportInput::Connected { flow, local, peer } => self.connected(cx, flow, local, peer, out),
            TransportInput::Bytes { flow, source, bytes } => self.bytes(cx, flow, source, bytes, out),
            TransportInput::Again(flow) => self.again(cx, flow, out),
            TransportInput::Closed { flow, cause } => self.closed(cx, flow, cause, out),
            TransportInput::SendFailed { flow, remote } => self.send_failed(cx, flow, remote, out),
            TransportInput::Resolved { route, question, result } => {
                self.resolved(cx, route, &question, result, out);
            }
        }
    }

    /// Takes the end of a timer that was armed here.
    pub fn expire(&mut self, cx: &mut Cx<'_>, timer: TransportTimer, out: &mut Out<'_, TransportOutput>) {
        match timer {
            TransportTimer::Resolve(route) => self.unanswered(cx, route, out),
            TransportTimer::Open(flow) => self.not_open_in_time(cx, flow, out),
            TransportTimer::Message(flow) => self.slow_message(cx, flow, out),
            TransportTimer::Idle(flow) => self.maybe_idle(cx, flow, out),
            TransportTimer::KeepAlive(flow) => self.beat(cx, flow, out),
            TransportTimer::Binding(flow, remote) => self.check_binding(cx, (flow, remote), out),
            TransportTimer::Reconnect(flow) => self.reconnect(cx, flow, out),
        }
    }

    /// What was dropped, by reason.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Whether nothing is under way: no route waits for the resolver or a connection.
    pub fn is_idle(&self) -> bool {
        self.resolving.is_empty()
    }

    /// How many connections are open or being opened.
    pub fn connections(&self) -> usize {
        self.flows.existing()
    }

    /// Our address on a flow, as messages name it.
    pub fn local(&self, flow: FlowId) -> Option<SocketAddr> {
        self.flows.local(flow)
    }
}

fn arm(timer: TransportTimer, after: std::time::Duration, out: &mut Out<'_, TransportOutput>) {
    out.push(TransportOutput::Timer(TimerOp::Arm(timer, after)));
}

fn disarm(timer: TransportTimer, out: &mut Out<'_, TransportOutput>) {
    out.push(TransportOutput::Timer(TimerOp::Disarm(timer)));
}

fn tell(event: FlowEvent, out: &mut Out<'_, TransportOutput>) {
    out.push(TransportOutput::Flow(event));
}
