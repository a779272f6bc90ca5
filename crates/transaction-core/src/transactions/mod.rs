//! The reducer: the table of transactions and what moves it.

mod clients;
mod encoding;
mod requests;
mod responses;
mod servers;
mod stateless;

use std::net::{IpAddr, SocketAddr};

use sip_message::Via;
use sip_transport::{Cx, FlowEvent, FlowId, Out, Purpose, TimerOp};

use crate::{
    boundary::{TimerName, Timing, TxCommand, TxEvent, TxFailure, TxId, TxOutput, TxTimer},
    client,
    counters::Counters,
    machine::SHORTEST_T1,
    server,
    table::{Clients, Servers},
};

/// The settings of [`Transactions`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The base timers; T1 below 1 ms is taken as 1 ms.
    pub timing: Timing,
    /// Most transactions at a time, client and server together. The default of 65,536 is 2,000 new ones a second, each
    /// staying for the 32 s that most of them stay, and bounds memory to some 100 MB. The last eighth is kept for our own
    /// requests and for those in dialogs, so that calls can still be ended when new ones are refused.
    pub capacity: usize,
    /// The value of the Server header in responses that are made here (RFC 3261 §20.35).
    pub server_name: Option<Box<str>>,
}

impl Default for Config {
    fn default() -> Self {
        Self { timing: Timing::default(), capacity: 65_536, server_name: None }
    }
}

/// The transaction layer: client and server transactions of INVITE and of all other methods.
///
/// It follows the step contract of [`sip_transport::step`]. Two things it does without a transaction of their own:
/// responses that refuse a request (400, 482, 503, 505) and those to CANCEL are *stateless*; a repeated request gets the
/// same response again, with the same To tag (RFC 3261 §8.2.7).
///
/// A client INVITE that got a provisional response, and a server INVITE that got none but provisional ones, have no timer:
/// how long something may ring is for the layer above to say. It ends them by [`TxCommand::Cancel`] and
/// [`TxCommand::Respond`].
#[derive(Debug)]
pub struct Transactions {
    config: Config,
    clients: Clients,
    servers: Servers,
    counters: Counters,
}

impl Transactions {
    /// Makes an empty transaction layer.
    pub fn new(mut config: Config) -> Self {
        config.timing.t1 = config.timing.t1.max(SHORTEST_T1);
        Self { config, clients: Clients::new(), servers: Servers::new(), counters: Counters::default() }
    }

    /// Takes an order from the layer above.
    pub fn command(&mut self, cx: &mut Cx<'_>, command: TxCommand, out: &mut Out<'_, TxOutput>) {
        match command {
            TxCommand::Route(route) => out.push(TxOutput::Route(route)),
            TxCommand::Request { tx, hops, draft } => self.request(cx, tx, hops, draft, out),
            TxCommand::Respond { tx, status, wire } => self.respond(tx, status, wire, out),
            TxCommand::Resend(outbound) => out.push(TxOutput::Send(outbound)),
            TxCommand::Ack { tx, hops, draft } => Self::acknowledge(cx, tx, hops, &draft, out),
            TxCommand::Cancel { tx, reason } => self.cancel(cx, tx, reason, out),
        }
    }

    /// Takes what transport reports.
    pub fn receive(&mut self, cx: &mut Cx<'_>, event: FlowEvent, out: &mut Out<'_, TxOutput>) {
        match event {
            FlowEvent::Inbound(inbound) if inbound.message.is_request() => {
                self.inbound_request(cx, inbound, out);
            }
            FlowEvent::Inbound(inbound) => self.inbound_response(cx, &inbound, out),
            FlowEvent::Routed { route, result } => {
                out.push(TxOutput::Event(TxEvent::Routed { route, result }));
            }
            FlowEvent::Unreachable { branch: Some(branch), flow: _, remote: _ } => {
                self.unsent(cx, &branch, out);
            }
            FlowEvent::Unreachable { flow, remote, branch: None } => self.unreachable(cx, flow, remote, out),
            FlowEvent::Ended(flow) => self.flow_ended(cx, flow, out),
            FlowEvent::Recovered { was, now } => {
                out.push(TxOutput::Event(TxEvent::FlowRecovered { was, now }));
            }
        }
    }

    /// Takes the end of a timer that was armed here. A timer of a transaction that is over is ignored.
    pub fn expire(&mut self, cx: &mut Cx<'_>, timer: TxTimer, out: &mut Out<'_, TxOutput>) {
        let TxTimer { tx, name } = timer;
        if self.clients.contains(tx) {
            self.move_client(cx, tx, client::Happening::Timer(name), None, out);
        } else if self.servers.contains(tx) {
            self.move_server(tx, server::Happening::Timer(name), None, out);
        }
    }

    /// How many transactions there are, client and server together.
    pub fn len(&self) -> usize {
        self.clients.len() + self.servers.len()
    }

    /// Whether there is no transaction.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What was dropped or answered without the layer above.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    fn is_full(&self) -> bool {
        self.len() >= self.config.capacity
    }

    fn is_full_for_new_calls(&self) -> bool {
        self.len() >= self.config.capacity - self.config.capacity / 8
    }

    /// One request of ours could not be sent.
    fn unsent(&mut self, cx: &mut Cx<'_>, branch: &str, out: &mut Out<'_, TxOutput>) {
        let Some(branch) = branch_number(cx, branch) else { return };
        // A CANCEL has its INVITE's branch. Moving both is right whichever it was: the INVITE's machine takes no notice
        // while it waits for the answer to a CANCEL, and once it has its answer the CANCEL has no purpose any more.
        let owners = [self.clients.cancel_of_branch(branch), self.clients.of_branch(branch)];
        for tx in owners.into_iter().flatten() {
            self.move_client(cx, tx, client::Happening::Unreachable, None, out);
        }
    }

    /// Whatever goes to this remote cannot be sent.
    fn unreachable(
        &mut self,
        cx: &mut Cx<'_>,
        flow: FlowId,
        remote: SocketAddr,
        out: &mut Out<'_, TxOutput>,
    ) {
        for tx in self.clients.with_peer(peer(cx, flow, remote)) {
            let same =
                self.clients.get(tx).is_some_and(|met| met.hop.flow == flow && met.hop.remote == remote);
            if same {
                self.move_client(cx, tx, client::Happening::Unreachable, None, out);
            }
        }
    }

    fn flow_ended(&mut self, cx: &mut Cx<'_>, flow: FlowId, out: &mut Out<'_, TxOutput>) {
        for tx in self.clients.on_flow(flow) {
            self.move_client(cx, tx, client::Happening::FlowEnded, None, out);
        }
        for tx in self.servers.on_flow(flow) {
            self.move_server(tx, server::Happening::FlowEnded, None, out);
        }
        out.push(TxOutput::Event(TxEvent::FlowEnded(flow)));
    }
}

/// The number in a branch that was made here.
fn branch_number(cx: &Cx<'_>, branch: &str) -> Option<u64> {
    cx.guard.read(Purpose::Branch, branch.strip_prefix(Via::MAGIC_COOKIE)?)
}

/// [`client::Client::peer`] of a hop.
fn peer(cx: &Cx<'_>, flow: FlowId, remote: SocketAddr) -> u64 {
    let ip = remote.ip().to_canonical();
    let octets = match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    };
    cx.guard.digest(&[b"peer", &flow.number().to_be_bytes(), &octets, &remote.port().to_be_bytes()]) as u64
}

fn arm(tx: TxId, name: TimerName, length: std::time::Duration, out: &mut Out<'_, TxOutput>) {
    out.push(TxOutput::Timer(TimerOp::Arm(TxTimer { tx, name }, length)));
}

fn disarm(tx: TxId, name: TimerName, out: &mut Out<'_, TxOutput>) {
    out.push(TxOutput::Timer(TimerOp::Disarm(TxTimer { tx, name })));
}

fn fail(tx: TxId, failure: TxFailure, out: &mut Out<'_, TxOutput>) {
    out.push(TxOutput::Event(TxEvent::Failed { tx, failure }));
}
