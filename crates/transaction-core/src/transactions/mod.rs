//! The reducer: the table of transactions and what moves it.

mod clients;
mod encoding;
mod requests;
mod responses;
mod servers;
mod stateless;

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use sip_message::Via;
use sip_transport::{CloseCause, Cx, FlowEvent, FlowId, Out, Purpose, TimerOp};

use crate::{
    boundary::{TimerName, Timing, TxCommand, TxEvent, TxFailure, TxId, TxOutput, TxTimer},
    client,
    counters::Counters,
    drain::Drain,
    machine::SHORTEST_T1,
    server,
    table::{Clients, Servers},
};

/// The settings of [`Transactions`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The base timers; T1 below 1 ms is taken as 1 ms, T2 below T1 as T1.
    pub timing: Timing,
    /// Most transactions at a time, client and server together. The default of 65,536 is 2,000 new ones a second, each
    /// staying for the 32 s that most of them stay, and bounds memory to some 100 MB. Requests of ours and those in dialogs are
    /// taken up to here; ACK and CANCEL need no room.
    pub capacity: usize,
    /// Percent of the capacity up to which a new INVITE is taken; then it is answered 503 with Retry-After. The default of 75
    /// leaves each of three calls that are there one transaction, to be answered, changed and ended.
    pub calls: u8,
    /// Percent of the capacity up to which other requests outside of dialogs are taken. The default of 90 lets
    /// registrations and health checks through when new calls are refused already.
    pub others: u8,
    /// How long an INVITE may wait for a response of the layer above, after it came and after each provisional one; then it
    /// is answered 408 and the layer above is told [`TxFailure::TuSilent`]. The default of 180 s is the shortest timer C of a
    /// proxy (RFC 3261 §16.6 item 11), so that nobody who forwarded the call gives up later.
    pub silence: Duration,
    /// Whether a request that has come on another path already is answered 482 (RFC 3261 §8.2.2.2). `true` by default; a
    /// proxy sets it to `false`, as one request may come through it more than once (RFC 3261 §16.3 item 4).
    pub merging: bool,
    /// The value of the Server header in responses that are made here (RFC 3261 §20.35).
    pub server_name: Option<Box<str>>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            timing: Timing::default(),
            capacity: 65_536,
            calls: 75,
            others: 90,
            silence: Duration::from_mins(3),
            merging: true,
            server_name: None,
        }
    }
}

impl Config {
    fn limit_of_calls(&self) -> usize {
        self.share(self.calls)
    }

    fn limit_of_others(&self) -> usize {
        self.share(self.others)
    }

    fn share(&self, percent: u8) -> usize {
        // Wide, so that no capacity overflows.
        (self.capacity as u128 * u128::from(percent.min(100)) / 100) as usize
    }
}

/// The transaction layer: client and server transactions of INVITE and of all other methods.
///
/// It follows the step contract of [`sip_transport::step`]. Two things it does without a transaction of their own:
/// responses that refuse a request (400, 482, 503, 505) and those to CANCEL are *stateless*; a repeated request gets the
/// same response again, with the same To tag (RFC 3261 §8.2.7).
///
/// A client INVITE that got a provisional response has no timer: how long something may ring is for the layer above to say.
/// It ends it by [`TxCommand::Cancel`]. A server INVITE ends by itself only where the layer above falls silent
/// ([`Config::silence`]).
#[derive(Debug)]
pub struct Transactions {
    config: Config,
    clients: Clients,
    servers: Servers,
    drain: Drain,
    counters: Counters,
}

impl Transactions {
    /// Makes an empty transaction layer.
    pub fn new(mut config: Config) -> Self {
        config.timing.t1 = config.timing.t1.max(SHORTEST_T1);
        config.timing.t2 = config.timing.t2.max(config.timing.t1);
        Self {
            config,
            clients: Clients::new(),
            servers: Servers::new(),
            drain: Drain::default(),
            counters: Counters::default(),
        }
    }

    /// Takes an order from the layer above.
    pub fn command(&mut self, cx: &mut Cx<'_>, command: TxCommand, out: &mut Out<'_, TxOutput>) {
        match command {
            TxCommand::Route(route) => out.push(TxOutput::Route(route)),
            TxCommand::Keep { flow, remote, every } => out.push(TxOutput::Keep { flow, remote, every }),
            TxCommand::LetGo { flow, remote } => out.push(TxOutput::LetGo { flow, remote }),
            TxCommand::Request { tx, hops, draft } => self.request(cx, tx, hops, draft, out),
            TxCommand::Respond { tx, status, wire } => self.respond(cx, tx, status, wire, out),
            TxCommand::Resend(outbound) => out.push(TxOutput::Send(outbound)),
            TxCommand::Ack { tx, hops, draft } => self.acknowledge(cx, tx, hops, draft, out),
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
            FlowEvent::Ended { flow, cause } => self.flow_ended(cx, flow, cause, out),
            // What waits for an answer goes on waiting: requests of ours may pass where nothing comes back by itself.
            FlowEvent::Failed { flow, remote } => {
                out.push(TxOutput::Event(TxEvent::FlowFailed { flow, remote }));
            }
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
            self.move_server(cx, tx, server::Happening::Timer(name), None, out);
        }
    }

    /// Whether the transaction is there still.
    pub fn contains(&self, tx: TxId) -> bool {
        self.clients.contains(tx) || self.servers.contains(tx)
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

    fn flow_ended(&mut self, cx: &mut Cx<'_>, flow: FlowId, cause: CloseCause, out: &mut Out<'_, TxOutput>) {
        for tx in self.clients.on_flow(flow) {
            self.move_client(cx, tx, client::Happening::FlowEnded, None, out);
        }
        for tx in self.servers.on_flow(flow) {
            self.move_server(cx, tx, server::Happening::FlowEnded, None, out);
        }
        out.push(TxOutput::Event(TxEvent::FlowEnded { flow, cause }));
    }
}

/// The number in a branch that was made here.
fn branch_number(cx: &Cx<'_>, branch: &str) -> Option<u64> {
    cx.guard.read(Purpose::Branch, branch.strip_prefix(Via::MAGIC_COOKIE)?)
}

/// [`client::Client::peer`] of a hop.
fn peer(cx: &Cx<'_>, flow: FlowId, remote: SocketAddr) -> u64 {
    let ip = match remote.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    let bits = ip.to_bits();
    cx.guard.number_of(&[flow.number(), (bits >> 64) as u64, bits as u64, remote.port().into()])
}

fn arm(tx: TxId, name: TimerName, length: Duration, out: &mut Out<'_, TxOutput>) {
    out.push(TxOutput::Timer(TimerOp::Arm(TxTimer { tx, name }, length)));
}

fn disarm(tx: TxId, name: TimerName, out: &mut Out<'_, TxOutput>) {
    out.push(TxOutput::Timer(TimerOp::Disarm(TxTimer { tx, name })));
}

fn fail(tx: TxId, failure: TxFailure, out: &mut Out<'_, TxOutput>) {
    out.push(TxOutput::Event(TxEvent::Failed { tx, failure }));
}
