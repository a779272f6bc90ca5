//! Any order of requests, responses, datagrams, answers, errors and time through transport and transactions: nothing
//! panics, the table keeps its bound, and when the layer above has done its part nothing is left.

#![no_main]

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use arbitrary::Arbitrary;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sip_message::{Draft, HeaderId, Message, Method, Response, StatusCode};
use sip_transport::{
    Cx, FlowEvent, FlowId, Guard, Hop, IdMint, Inbound, Out, Outbound, Outbox, Random, Tick, TimerOp,
    Transport, TransportCommand, TransportInput, TransportOutput, Transports, UnixTime,
};
use transaction_core::{Config, Transactions, TxCommand, TxEvent, TxId, TxOutput, TxTimer};

#[derive(Debug, Arbitrary)]
enum Op {
    Request { method: u8, hops: u8 },
    Ack { which: u8 },
    Cancel { which: u8, reason: Option<String> },
    Answer { which: u8, status: u16 },
    Respond { which: u8, status: u16 },
    Arrive { method: u8, branch: u8, cookie: bool, tagged: bool },
    Datagram { bytes: Vec<u8> },
    SendFailed { which: u8 },
    Advance { milliseconds: u16 },
    Close,
}

/// The bound of the table under test; small, so that it is met.
const CAPACITY: usize = 8;

/// Most steps of one input, so that a slow input is not taken for a hang.
const MAX_OPS: usize = 200;

struct Counting(u64);

impl Random for Counting {
    fn next_u64(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

struct Stack {
    transactions: Transactions,
    transports: Transports,
    random: Counting,
    ids: IdMint,
    guard: Guard,
    now: Duration,
    timers: BTreeMap<TxTimer, Duration>,
    requests: Vec<(TxId, Inbound)>,
    ours: Vec<TxId>,
    sent: Vec<Outbound>,
}

impl Stack {
    fn new() -> Self {
        let mut random = Counting(0);
        let guard = Guard::new(&mut random);
        Self {
            transactions: Transactions::new(Config { capacity: CAPACITY, ..Config::default() }),
            transports: Transports::new(sip_transport::Config::default()),
            random,
            ids: IdMint::default(),
            guard,
            now: Duration::ZERO,
            timers: BTreeMap::new(),
            requests: Vec::new(),
            ours: Vec::new(),
            sent: Vec::new(),
        }
    }

    fn transact(&mut self, run: impl FnOnce(&mut Transactions, &mut Cx<'_>, &mut Out<'_, TxOutput>)) {
        let mut outbox = Outbox::default();
        let now = Tick::from_micros(self.now.as_micros() as u64);
        let mut cx = Cx {
            now,
            unix: UnixTime(self.now),
            random: &mut self.random,
            ids: &mut self.ids,
            guard: &self.guard,
        };
        run(&mut self.transactions, &mut cx, &mut outbox.out());
        assert!(self.transactions.len() <= CAPACITY);
        while let Some(output) = outbox.pop() {
            match output {
                TxOutput::Send(outbound) => {
                    // A response repeats what the peer wrote, which may leave no room within the parser's limits.
                    let response = outbound.wire.starts_with(b"SIP/2.0");
                    assert!(
                        response || Message::parse(outbound.wire.clone()).is_ok(),
                        "a request can be read"
                    );
                    self.sent.push(outbound.clone());
                    self.transport(|transports, cx, out| {
                        transports.command(cx, TransportCommand::Send(outbound), out);
                    });
                }
                TxOutput::Event(TxEvent::Request { tx, inbound }) => self.requests.push((tx, inbound)),
                TxOutput::Event(_) | TxOutput::Avoid(_) => {}
                TxOutput::Timer(TimerOp::Arm(timer, length)) => {
                    self.timers.insert(timer, self.now + length);
                }
                TxOutput::Timer(TimerOp::Disarm(timer)) => {
                    self.timers.remove(&timer);
                }
                TxOutput::Route(_) => unreachable!("nobody asked"),
            }
        }
    }

    fn transport(&mut self, run: impl FnOnce(&mut Transports, &mut Cx<'_>, &mut Out<'_, TransportOutput>)) {
        let mut outbox = Outbox::default();
        let mut cx = Cx {
            now: Tick::default(),
            unix: UnixTime::default(),
            random: &mut self.random,
            ids: &mut self.ids,
            guard: &self.guard,
        };
        run(&mut self.transports, &mut cx, &mut outbox.out());
        while let Some(output) = outbox.pop() {
            if let TransportOutput::Flow(event) = output {
                self.receive(event);
            }
        }
    }

    fn receive(&mut self, event: FlowEvent) {
        self.transact(|transactions, cx, out| transactions.receive(cx, event, out));
    }

    fn command(&mut self, command: TxCommand) {
        self.transact(|transactions, cx, out| transactions.command(cx, command, out));
    }

    fn datagram(&mut self, bytes: Bytes) {
        let input = TransportInput::Bytes { flow: flow(), source: remote(0), bytes };
        self.transport(|transports, cx, out| transports.receive(cx, input, out));
    }

    fn advance(&mut self, until: Duration) {
        while let Some((&timer, &due)) = self.timers.iter().min_by_key(|(_, due)| **due) {
            if due > until {
                break;
            }
            self.timers.remove(&timer);
            self.now = self.now.max(due);
            self.transact(|transactions, cx, out| transactions.expire(cx, timer, out));
        }
        self.now = self.now.max(until);
    }

    fn respond(&mut self, which: usize, status: StatusCode) {
        let Some((tx, inbound)) = pick(&self.requests, which).cloned() else { return };
        let mut response = Response::to(&inbound.message, status).to_tag("ours");
        if let Some(via) = &inbound.via {
            response = response.top_via(via);
        }
        if let Ok(wire) = response.encode() {
            self.command(TxCommand::Respond { tx, status, wire });
        }
    }

    fn run(&mut self, op: Op) {
        match op {
            Op::Request { method, hops } => {
                let methods = [Method::Invite, Method::Refer, Method::Bye, Method::Notify, Method::Ack];
                let draft = draft(methods[usize::from(method) % methods.len()]);
                let tx = self.ids.mint();
                self.ours.push(tx);
                let hops = (0..hops % 4).map(hop).collect();
                self.command(TxCommand::Request { tx, hops, draft });
            }
            Op::Ack { which } => {
                if let Some(tx) = pick(&self.ours, usize::from(which)).copied() {
                    let hops = [hop(0)].into_iter().collect();
                    self.command(TxCommand::Ack { tx, hops, draft: draft(Method::Ack) });
                }
            }
            Op::Cancel { which, reason } => {
                if let Some(tx) = pick(&self.ours, usize::from(which)).copied() {
                    self.command(TxCommand::Cancel { tx, reason: reason.map(Into::into) });
                }
            }
            Op::Answer { which, status } => {
                let Some(outbound) = pick(&self.sent, usize::from(which)) else { return };
                let Ok(request) = Message::parse(outbound.wire.clone()) else { return };
                if let Ok(wire) = Response::to(&request, code(status)).to_tag("peer").encode() {
                    self.datagram(wire);
                }
            }
            Op::Respond { which, status } => self.respond(usize::from(which), code(status)),
            Op::Arrive { method, branch, cookie, tagged } => {
                self.datagram(request(method, branch, cookie, tagged).into());
            }
            Op::Datagram { bytes } => self.datagram(bytes.into()),
            Op::SendFailed { which } => {
                let input = TransportInput::SendFailed { flow: flow(), remote: remote(which % 4) };
                self.transport(|transports, cx, out| transports.receive(cx, input, out));
            }
            Op::Advance { milliseconds } => {
                self.advance(self.now + Duration::from_millis(milliseconds.into()))
            }
            Op::Close => self.transport(|transports, cx, out| {
                transports.receive(cx, TransportInput::Closed { flow: flow() }, out);
                transports.receive(cx, opened(), out);
            }),
        }
    }
}

fuzz_target!(|ops: Vec<Op>| {
    let mut stack = Stack::new();
    stack.transport(|transports, cx, out| transports.receive(cx, opened(), out));
    for op in ops.into_iter().take(MAX_OPS) {
        stack.run(op);
    }
    for tx in stack.ours.clone() {
        stack.command(TxCommand::Cancel { tx, reason: None });
    }
    for which in 0..stack.requests.len() {
        stack.respond(which, StatusCode::SERVER_INTERNAL_ERROR);
    }
    while let Some(due) = stack.timers.values().min().copied() {
        stack.advance(due);
    }
    assert_eq!(stack.transactions.len(), 0);
});

fn pick<T>(from: &[T], which: usize) -> Option<&T> {
    from.get(which % from.len().max(1))
}

fn code(status: u16) -> StatusCode {
    StatusCode::new(100 + status % 600).expect("from 100 to 699")
}

fn flow() -> FlowId {
    FlowId::from(u64::MAX)
}

fn opened() -> TransportInput {
    let local = "192.0.2.10:5060".parse().expect("an address");
    TransportInput::Opened { flow: flow(), transport: Transport::Udp, local }
}

fn remote(number: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 20 + number], 5060))
}

fn hop(number: u8) -> Hop {
    let local = "192.0.2.10:5060".parse().expect("an address");
    Hop { flow: flow(), transport: Transport::Udp, remote: remote(number), local, above: None }
}

fn draft(method: Method) -> Draft {
    let draft = Draft::request(method, "sip:bob@192.0.2.20")
        .header(HeaderId::From, "<sip:alice@192.0.2.10>;tag=ours")
        .header(HeaderId::To, "<sip:bob@192.0.2.20>")
        .header(HeaderId::CallId, "call@192.0.2.10")
        .header(HeaderId::CSeq, format!("1 {method}"));
    if method == Method::Refer { draft.header(HeaderId::ReferTo, "<sip:carol@192.0.2.30>") } else { draft }
}

fn request(method: u8, branch: u8, cookie: bool, tagged: bool) -> String {
    let methods = ["INVITE", "ACK", "CANCEL", "REFER", "BYE", "NOTIFY"];
    let method = methods[usize::from(method) % methods.len()];
    let cookie = if cookie { "z9hG4bK" } else { "" };
    let tag = if tagged { ";tag=ours" } else { "" };
    format!(
        "{method} sip:alice@192.0.2.10 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.20;branch={cookie}{}\r\n\
         From: <sip:bob@192.0.2.20>;tag=b\r\nTo: <sip:alice@192.0.2.10>{tag}\r\nCall-ID: {}\r\n\
         CSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        branch % 8,
        branch % 4
    )
}
