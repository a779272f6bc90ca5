//! A model of sockets and a resolver drives the transport layer with any inputs and commands, true ones and stray ones: it
//! opens and closes only what is there, keeps its bounds, arms no timer without an owner, answers each route once, says of
//! each request whether it was sent, and in the end has nothing left.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sip_message::{Message, Response, StatusCode, UriBuf};
use sip_transport::{
    Answer, CloseCause, Config, Counters, Cx, FlowEvent, FlowId, Guard, Hop, IdMint, LookupError, Naptr, Out,
    Outbound, Outbox, PeerIdentity, Question, Random, Records, Route, RouteId, Srv, Tick, TimerOp, Transport,
    TransportCommand, TransportInput, TransportOutput, TransportTimer, Transports, UnixTime,
};

/// Pieces of the input are divided by this byte. The lower half of a piece's first byte says what happens, the upper half
/// to which of what there is.
const DIVIDER: u8 = 0xff;

/// Enough to come to every state; a longer list finds nothing more and slows the search.
const MOST_STEPS: usize = 400;

/// Small, so that inputs reach them.
const CONFIG: fn() -> Config = || Config {
    connections: 6,
    per_source: 3,
    resolving: 3,
    queue_messages: 3,
    queue_bytes: 2_000,
    ..Config::default()
};

/// The sockets, flows 1 and on.
const SOCKETS: [(Transport, &str); 7] = [
    (Transport::Udp, "192.0.2.10:5060"),
    (Transport::Udp, "[2001:db8::a]:5060"),
    (Transport::Tcp, "192.0.2.10:5060"),
    (Transport::Tcp, "[2001:db8::a]:0"),
    (Transport::Tls, "192.0.2.10:5061"),
    (Transport::Ws, "192.0.2.10:80"),
    (Transport::Wss, "192.0.2.10:0"),
];

/// Connections that come in are named from here, far above what the layer mints.
const FIRST_FLOW: u64 = 1 << 48;

struct Counting(u64);

impl Random for Counting {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0
    }
}

/// A connection as the sockets know it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Opening,
    Open,
}

struct Connection {
    phase: Phase,
    remote: SocketAddr,
    came_in: bool,
}

struct Model {
    transports: Transports,
    outbox: Outbox<TransportOutput>,
    random: Counting,
    ids: IdMint,
    guard: Guard,
    now: Duration,
    timers: BTreeMap<TransportTimer, Duration>,
    connections: BTreeMap<FlowId, Connection>,
    accepted: u64,
    questions: Vec<(RouteId, Question)>,
    /// Routes that were asked for, and how often each was answered.
    routes: BTreeMap<RouteId, u32>,
    hops: Vec<Hop>,
    replies: Vec<Outbound>,
    kept: BTreeSet<FlowId>,
    /// Remotes of UDP sockets that are kept.
    bound: BTreeSet<(FlowId, SocketAddr)>,
    ended: BTreeSet<FlowId>,
    /// Requests by branch that were to be sent, with their flow.
    requests: BTreeMap<String, FlowId>,
    /// Connections that have more messages than a turn takes.
    again: Vec<FlowId>,
    written: BTreeSet<String>,
    unreachable: BTreeSet<String>,
}

impl Model {
    fn new() -> Self {
        let mut random = Counting(0);
        let guard = Guard::new(&mut random);
        let mut model = Self {
            transports: Transports::new(CONFIG()),
            outbox: Outbox::default(),
            random,
            ids: IdMint::default(),
            guard,
            now: Duration::ZERO,
            timers: BTreeMap::new(),
            connections: BTreeMap::new(),
            accepted: 0,
            questions: Vec::new(),
            routes: BTreeMap::new(),
            hops: Vec::new(),
            replies: Vec::new(),
            kept: BTreeSet::new(),
            bound: BTreeSet::new(),
            ended: BTreeSet::new(),
            requests: BTreeMap::new(),
            again: Vec::new(),
            written: BTreeSet::new(),
            unreachable: BTreeSet::new(),
        };
        for (transport, local) in SOCKETS {
            let flow = model.ids.mint();
            let local = local.parse().expect("an address");
            model.receive(TransportInput::Opened { flow, transport, local });
        }
        model
    }

    fn step(&mut self, run: impl FnOnce(&mut Transports, &mut Cx<'_>, &mut Out<'_, TransportOutput>)) {
        let mut cx = Cx {
            now: Tick::from_micros(self.now.as_micros() as u64),
            unix: UnixTime(self.now),
            random: &mut self.random,
            ids: &mut self.ids,
            guard: &self.guard,
        };
        run(&mut self.transports, &mut cx, &mut self.outbox.out());
        while let Some(output) = self.outbox.pop() {
            self.carry_out(output);
        }
        self.check();
    }

    fn receive(&mut self, input: TransportInput) {
        self.step(|transports, cx, out| transports.receive(cx, input, out));
        while let Some(flow) = self.again.pop() {
            self.step(|transports, cx, out| transports.receive(cx, TransportInput::Again(flow), out));
        }
    }

    fn command(&mut self, command: TransportCommand) {
        self.step(|transports, cx, out| transports.command(cx, command, out));
    }

    fn carry_out(&mut self, output: TransportOutput) {
        match output {
            TransportOutput::Timer(TimerOp::Arm(timer, after)) => {
                self.timers.insert(timer, self.now + after);
            }
            TransportOutput::Timer(TimerOp::Disarm(timer)) => {
                self.timers.remove(&timer);
            }
            TransportOutput::Connect(connect) => {
                let opening = Connection { phase: Phase::Opening, remote: connect.remote, came_in: false };
                assert!(self.connections.insert(connect.flow, opening).is_none(), "a name is used once");
            }
            TransportOutput::Close(flow) => {
                assert!(self.connections.remove(&flow).is_some(), "only what is there is closed");
            }
            TransportOutput::KeepAlive { hop, wire: _ } => {
                if hop.flow.number() > SOCKETS.len() as u64 {
                    self.assert_open(hop.flow);
                }
            }
            TransportOutput::Again(flow) => {
                self.assert_open(flow);
                self.again.push(flow);
            }
            TransportOutput::Write(Outbound { hop, wire }) => {
                if hop.flow.number() > SOCKETS.len() as u64 {
                    self.assert_open(hop.flow);
                }
                if let Some(branch) = branch(&wire) {
                    self.written.insert(branch);
                }
            }
            TransportOutput::Resolve { route, question } => self.questions.push((route, question)),
            TransportOutput::Flow(FlowEvent::Routed { route, result }) => {
                *self.routes.get_mut(&route).expect("it was asked") += 1;
                if let Ok(hops) = result {
                    assert!(!hops.is_empty());
                    self.hops.extend(hops);
                }
            }
            TransportOutput::Flow(FlowEvent::Inbound(inbound)) => {
                assert_eq!(inbound.via.is_some(), inbound.message.is_request());
                assert!(!self.ended.contains(&inbound.origin.flow), "nothing comes from what has ended");
                self.hops.push(inbound.origin.hop());
                if let Some(via) = &inbound.via {
                    let response = Response::to(&inbound.message, StatusCode::BAD_REQUEST).top_via(via);
                    // What the peer wrote may leave no room within the limits.
                    if let Ok(wire) = response.to_tag("t").encode() {
                        self.replies.push(Outbound { hop: inbound.reply, wire });
                    }
                }
            }
            TransportOutput::Flow(FlowEvent::Ended { flow, .. }) => {
                assert!(self.ended.insert(flow), "an end is told once");
            }
            TransportOutput::Flow(FlowEvent::Unreachable { branch, .. }) => {
                self.unreachable.extend(branch.map(String::from));
            }
            TransportOutput::Flow(FlowEvent::Failed { flow, remote }) => {
                assert!(self.bound.remove(&(flow, remote)), "only what is kept can fail");
            }
            TransportOutput::Flow(FlowEvent::Recovered { was, now }) => {
                assert!(self.kept.remove(&was), "only what is kept is recovered");
                self.kept.insert(now);
            }
        }
    }

    fn assert_open(&self, flow: FlowId) {
        let open = self.connections.get(&flow).is_some_and(|connection| connection.phase == Phase::Open);
        assert!(open, "only what is open is written to");
    }

    fn check(&self) {
        let config = CONFIG();
        assert_eq!(self.transports.connections(), self.connections.len());
        assert!(self.connections.len() <= config.connections);
        let came_in = self.connections.values().filter(|connection| connection.came_in);
        let mut sources: BTreeMap<IpAddr, usize> = BTreeMap::new();
        came_in.for_each(|connection| *sources.entry(connection.remote.ip()).or_default() += 1);
        assert!(sources.values().all(|count| *count <= config.per_source));
        let phase = |flow| self.connections.get(flow).map(|connection| connection.phase);
        for timer in self.timers.keys() {
            let owned = match timer {
                TransportTimer::Resolve(route) => self.routes.get(route) == Some(&0),
                TransportTimer::Open(flow) => phase(flow) == Some(Phase::Opening),
                TransportTimer::Message(flow)
                | TransportTimer::Idle(flow)
                | TransportTimer::KeepAlive(flow) => phase(flow) == Some(Phase::Open),
                TransportTimer::Binding(flow, remote) => self.bound.contains(&(*flow, *remote)),
                TransportTimer::Reconnect(flow) => self.kept.contains(flow),
            };
            assert!(owned, "{timer:?} has no owner");
        }
    }

    /// Lets time pass up to the `nth` timer that is armed.
    fn expire(&mut self, nth: usize) {
        let mut due: Vec<_> = self.timers.values().copied().collect();
        due.sort_unstable();
        let Some(until) = due.get(nth % due.len().max(1)).copied() else { return };
        while let Some((&timer, &at)) = self.timers.iter().min_by_key(|(_, at)| **at)
            && at <= until
        {
            self.timers.remove(&timer);
            self.now = self.now.max(at);
            self.step(|transports, cx, out| transports.expire(cx, timer, out));
        }
    }

    fn accept(&mut self, which: usize, octet: u8) {
        self.accepted += 1;
        let flow = FlowId::from(FIRST_FLOW + self.accepted);
        // Some come by what does not listen, or by nothing that is there.
        let listener = FlowId::from(1 + which as u64 % 8);
        let remote = SocketAddr::from(([192, 0, 2, 20 + octet % 4], 40_000 + self.accepted as u16));
        let came = Connection { phase: Phase::Opening, remote, came_in: true };
        self.connections.insert(flow, came);
        // The bound is checked after the step: what is too much is closed in it.
        self.receive(TransportInput::Accepted { flow, listener, remote });
    }

    fn connected(&mut self, flow: FlowId, verified: bool) {
        let Some(connection) = self.connections.get_mut(&flow) else { return };
        connection.phase = Phase::Open;
        let local = "192.0.2.10:50000".parse().expect("an address");
        let peer = PeerIdentity::new(verified.then(|| Box::from("example.com")));
        self.receive(TransportInput::Connected { flow, local, peer });
    }

    fn close(&mut self, flow: FlowId, cause: CloseCause) {
        self.connections.remove(&flow);
        self.receive(TransportInput::Closed { flow, cause });
    }

    fn bytes(&mut self, flow: FlowId, bytes: Bytes) {
        let is_udp = matches!(flow.number(), 1 | 2);
        let before = dropped_and_passed(&self.transports.counters());
        let source = match self.connections.get(&flow) {
            Some(connection) if connection.phase == Phase::Opening => return,
            Some(connection) => connection.remote,
            None => "192.0.2.20:40000".parse().expect("an address"),
        };
        self.receive(TransportInput::Bytes { flow, source, bytes });
        let counted = dropped_and_passed(&self.transports.counters()) - before;
        assert!(!is_udp || counted == 1, "a datagram is counted once");
    }

    /// Sends a request with a body of that length.
    fn request(&mut self, hop: Hop, length: usize) {
        let branch = format!("z9hG4bK{}", self.requests.len());
        let text = format!(
            "OPTIONS sip:bob@192.0.2.20 SIP/2.0\r\nVia: {}\r\nMax-Forwards: 70\r\n\
             From: <sip:alice@192.0.2.10>;tag=a\r\nTo: <sip:bob@192.0.2.20>\r\nCall-ID: c\r\n\
             CSeq: 1 OPTIONS\r\nContent-Length: {length}\r\n\r\n{}",
            hop.via(&branch),
            "x".repeat(length)
        );
        self.requests.insert(branch, hop.flow);
        self.command(TransportCommand::Send(Outbound { hop, wire: text.into() }));
    }

    fn resolve(&mut self, route: RouteId, question: Question, rest: &[u8]) {
        let records = records(&question, rest);
        let result = records.map(|records| Answer { records, ttl: Duration::from_secs(60) });
        self.receive(TransportInput::Resolved {
            route,
            question,
            result: result.ok_or(LookupError::NotFound),
        });
    }

    fn run(&mut self, piece: &[u8]) {
        let Some((kind, rest)) = piece.split_first() else { return };
        let which = usize::from(kind >> 4);
        let first = rest.first().copied().unwrap_or_default();
        // Mostly something that is there, else any number.
        let known: Vec<FlowId> = (1..=SOCKETS.len() as u64)
            .map(FlowId::from)
            .chain(self.connections.keys().copied())
            .chain(self.kept.iter().copied())
            .collect();
        let flow = known.get(which).copied().unwrap_or(FlowId::from(900 + which as u64));
        let connection = self.connections.keys().nth(which % self.connections.len().max(1)).copied();
        let hop = self.hops.get(which % self.hops.len().max(1)).copied();
        match kind & 15 {
            0 => {
                if let Ok(uri) = UriBuf::parse(&String::from_utf8_lossy(rest)) {
                    let route = self.ids.mint();
                    self.routes.insert(route, 0);
                    let flow = (which > 7).then_some(flow);
                    self.command(TransportCommand::Route(Route { route, uri, secure: false, flow }));
                }
            }
            1 if !self.questions.is_empty() => {
                let (route, question) = self.questions.remove(which % self.questions.len());
                self.resolve(route, question, rest);
            }
            2 => self.expire(which),
            3 if which < 8 => self.receive(TransportInput::SendFailed { flow, remote: remote(first) }),
            3 => {
                if let Some(hop) = hop {
                    self.command(TransportCommand::Avoid(hop));
                }
            }
            // The sockets stay: what is closed is a connection, or nothing.
            4 if flow.number() > SOCKETS.len() as u64 => self.close(flow, CloseCause::Lost),
            5 => self.bytes(flow, Bytes::copy_from_slice(rest)),
            6 => self.accept(which, first),
            7 => {
                if let Some(flow) = connection {
                    self.connected(flow, first & 1 == 1);
                }
            }
            8 => {
                if let Some(hop) = hop {
                    self.request(hop, usize::from(first) * 250);
                }
            }
            9 if !self.replies.is_empty() => {
                let reply = self.replies[which % self.replies.len()].clone();
                self.command(TransportCommand::Send(reply));
            }
            10 => {
                let ours = self.connections.get(&flow).is_some_and(|connection| !connection.came_in);
                if flow.number() == 1 {
                    self.bound.insert((flow, remote(first)));
                }
                if flow.number() == 1 || ours && !self.is_reconnecting() {
                    if ours {
                        self.kept.insert(flow);
                    }
                    self.command(TransportCommand::Keep { flow, remote: remote(first), every: None });
                }
            }
            11 => self.let_go(flow, remote(first)),
            12 => {
                if let Some(flow) = connection {
                    self.close(flow, CloseCause::Refused);
                }
            }
            13 => {
                if let Some(flow) = connection {
                    self.bytes(flow, Bytes::copy_from_slice(rest));
                }
            }
            _ => {}
        }
    }

    /// Whether some kept connection is gone.
    fn is_reconnecting(&self) -> bool {
        self.kept.iter().any(|flow| !self.connections.contains_key(flow))
    }

    fn let_go(&mut self, flow: FlowId, remote: SocketAddr) {
        self.kept.remove(&flow);
        self.bound.remove(&(flow, remote));
        self.command(TransportCommand::LetGo { flow, remote });
    }

    /// Lets everything come to its end.
    fn finish(&mut self) {
        for flow in self.kept.clone() {
            self.let_go(flow, remote(0));
        }
        for (flow, remote) in self.bound.clone() {
            self.let_go(flow, remote);
        }
        while !self.connections.is_empty() || !self.timers.is_empty() {
            while let Some(flow) = self.connections.keys().next().copied() {
                self.close(flow, CloseCause::Closed);
            }
            self.expire(0);
        }
        assert!(self.transports.is_idle());
        assert!(self.routes.values().all(|answers| *answers == 1), "each route is answered once");
        for (branch, flow) in &self.requests {
            let told = self.written.contains(branch) || self.unreachable.contains(branch);
            assert!(told || self.ended.contains(flow), "{branch}: neither sent nor told");
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let mut model = Model::new();
    for piece in data.split(|byte| *byte == DIVIDER).take(MOST_STEPS) {
        model.run(piece);
    }
    model.finish();
});

fn dropped_and_passed(counters: &Counters) -> u64 {
    let Counters { passed, malformed, keep_alive, too_large, foreign_response, .. } = counters;
    passed + malformed + keep_alive + too_large + foreign_response
}

fn branch(wire: &Bytes) -> Option<String> {
    let message = Message::parse(wire.clone()).ok().filter(Message::is_request)?;
    message.top_via().ok()?.branch().map(str::to_owned)
}

fn remote(octet: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 20 + octet % 4], 5060))
}

/// Records that fit a question; none where there are no bytes.
fn records(question: &Question, rest: &[u8]) -> Option<Records> {
    let host = |byte: &u8| Box::from(format!("h{}.example.com", byte % 4));
    if rest.is_empty() {
        return None;
    }
    Some(match question {
        Question::Addresses(_) => {
            Records::Addresses(rest.iter().take(20).map(|byte| remote(*byte).ip()).collect())
        }
        Question::Srv(_) => {
            let record = |byte: &u8| Srv {
                priority: u16::from(byte >> 6),
                weight: u16::from(byte & 7),
                port: 5060 + u16::from(byte & 1),
                target: host(byte),
            };
            Records::Srv(rest.iter().map(record).collect())
        }
        Question::Naptr(_) => {
            let services = ["SIP+D2U", "SIP+D2T", "SIPS+D2T", "SIP+D2W", "E2U+sip"];
            let record = |byte: &u8| Naptr {
                order: u16::from(byte >> 6),
                preference: u16::from(byte & 7),
                service: services[usize::from(*byte) % services.len()].into(),
                replacement: format!("_sip._tcp.{}", host(byte)).into(),
            };
            Records::Naptr(rest.iter().map(record).collect())
        }
    })
}
