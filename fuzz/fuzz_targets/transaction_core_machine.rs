//! Any order of requests, responses, answers, errors, flows and time through the transaction layer and the timer wheel:
//! nothing panics, the table keeps its bound, each timer has an owner, each request of ours ends exactly once, and after the
//! longest timer nothing is left.
//!
//! An input is a list of steps of four bytes: what happens, and three bytes of how; see [`Stack::run`].

#![no_main]

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sip_message::{Draft, HeaderId, Limits, Message, Method, Response, StatusCode};
use sip_transport::{
    CloseCause, Cx, FlowEvent, FlowId, Guard, Hop, IdMint, Inbound, Origin, Out, Outbound, Outbox, Random,
    RouteId, Tick, TimerOp, Transport, UnixTime, wheel::Wheel,
};
use transaction_core::{Config, Transactions, TxCommand, TxEvent, TxId, TxOutput, TxTimer};

/// The bound of the table under test; small, so that it is met.
const CAPACITY: usize = 10;

/// Most steps of one input, so that a slow input is not taken for a hang.
const MAX_STEPS: usize = 250;

/// How long silence may last; the longest timer.
const SILENCE: Duration = Duration::from_mins(3);

/// 64*T1, and a slot of the wheel.
const TIMEOUT: Duration = Duration::from_millis(32_010);

/// T4, and a slot of the wheel.
const T4: Duration = Duration::from_millis(5_010);

struct Counting(u64);

impl Random for Counting {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0 ^ (self.0 >> 29)
    }
}

/// A request of ours.
struct Ours {
    tx: TxId,
    invite: bool,
    /// When it has to be over at the latest; an INVITE may ring for ever.
    end: Option<Duration>,
    failures: usize,
    refusals: usize,
    successes: usize,
}

/// A request of the peer that was passed up.
struct Theirs {
    tx: TxId,
    inbound: Inbound,
    end: Option<Duration>,
    failures: usize,
}

struct Stack {
    transactions: Transactions,
    timers: Wheel<TxTimer>,
    armed: BTreeSet<TxTimer>,
    random: Counting,
    ids: IdMint,
    guard: Guard,
    now: Duration,
    ours: Vec<Ours>,
    theirs: Vec<Theirs>,
    sent: Vec<Outbound>,
}

impl Stack {
    fn new() -> Self {
        let mut random = Counting(0);
        let guard = Guard::new(&mut random);
        let config =
            Config { capacity: CAPACITY, calls: 80, others: 90, silence: SILENCE, ..Config::default() };
        Self {
            transactions: Transactions::new(config),
            timers: Wheel::new(),
            armed: BTreeSet::new(),
            random,
            ids: IdMint::default(),
            guard,
            now: Duration::ZERO,
            ours: Vec::new(),
            theirs: Vec::new(),
            sent: Vec::new(),
        }
    }

    fn tick(&self) -> Tick {
        Tick::from_micros(self.now.as_micros() as u64)
    }

    fn step(&mut self, run: impl FnOnce(&mut Transactions, &mut Cx<'_>, &mut Out<'_, TxOutput>)) {
        let (mut outbox, now) = (Outbox::default(), self.tick());
        let (random, ids, guard) = (&mut self.random, &mut self.ids, &self.guard);
        run(
            &mut self.transactions,
            &mut Cx { now, unix: UnixTime(self.now), random, ids, guard },
            &mut outbox.out(),
        );
        while let Some(output) = outbox.pop() {
            match output {
                TxOutput::Send(outbound) => {
                    // A response repeats what the peer wrote, which may leave no room within the parser's limits.
                    let response = outbound.wire.starts_with(b"SIP/2.0");
                    assert!(
                        response || Message::parse(outbound.wire.clone()).is_ok(),
                        "a request can be read"
                    );
                    self.sent.push(outbound);
                }
                TxOutput::Event(event) => self.told(event),
                TxOutput::Timer(TimerOp::Arm(timer, after)) => {
                    self.timers.arm(now, timer, after);
                    self.armed.insert(timer);
                }
                TxOutput::Timer(TimerOp::Disarm(timer)) => {
                    self.timers.disarm(&timer);
                    self.armed.remove(&timer);
                }
                TxOutput::Withdraw(_) | TxOutput::Avoid(_) | TxOutput::Keep { .. } | TxOutput::LetGo { .. } => {}
                TxOutput::Route(_) => unreachable!("nobody asked"),
            }
        }
        self.check();
    }

    fn told(&mut self, event: TxEvent) {
        match event {
            TxEvent::Request { tx, inbound } => {
                let invite = inbound.message.method() == Some(Method::Invite);
                let end = (!invite).then(|| self.now + TIMEOUT * 2);
                self.theirs.push(Theirs { tx, inbound, end, failures: 0 });
            }
            TxEvent::Response { tx, message, .. } => {
                let status = message.status().expect("a response has a status");
                let ours = self.ours.iter_mut().find(|ours| ours.tx == tx).expect("we asked");
                match status.class() {
                    1 => {}
                    2 => ours.successes += 1,
                    _ => ours.refusals += 1,
                }
            }
            TxEvent::Failed { tx, .. } => {
                for ours in self.ours.iter_mut().filter(|ours| ours.tx == tx) {
                    ours.failures += 1;
                }
                for theirs in self.theirs.iter_mut().filter(|theirs| theirs.tx == tx) {
                    theirs.failures += 1;
                }
            }
            TxEvent::Cancelled { .. }
            | TxEvent::StrayAck(_)
            | TxEvent::Acked { .. }
            | TxEvent::Routed { .. }
            | TxEvent::FlowEnded { .. }
            | TxEvent::FlowFailed { .. }
            | TxEvent::FlowRecovered { .. } => {}
        }
    }

    fn check(&self) {
        assert!(self.transactions.len() <= CAPACITY);
        assert_eq!(self.timers.len(), self.armed.len());
        for timer in &self.armed {
            assert!(self.transactions.contains(timer.tx), "{timer:?} has no owner");
        }
        let ends = self.ours.iter().map(|ours| (ours.tx, ours.end));
        for (tx, end) in ends.chain(self.theirs.iter().map(|theirs| (theirs.tx, theirs.end))) {
            let late = end.is_some_and(|end| self.now > end) && self.transactions.contains(tx);
            assert!(!late, "{tx} is past its time");
        }
    }

    fn receive(&mut self, event: FlowEvent) {
        self.step(|transactions, cx, out| transactions.receive(cx, event, out));
    }

    fn command(&mut self, command: TxCommand) {
        self.step(|transactions, cx, out| transactions.command(cx, command, out));
    }

    /// A message arrives, as transport passes it up.
    fn arrive(&mut self, bytes: Bytes, stream: bool) {
        let Ok(message) = Message::parse_to_answer(bytes, &Limits::default()) else { return };
        if message.is_response() && message.fault().is_some() {
            return;
        }
        let Ok(via) = message.top_via() else { return };
        let Hop { flow, transport, local, .. } = hop(0, stream);
        let source = remote(0);
        let Ok(stamped) = via.received_from(source.ip(), source.port()) else { return };
        let via = message.is_request().then(|| stamped.into());
        let origin = Origin { flow, transport, source, local, peer: None };
        let reply = origin.hop();
        let inbound = Inbound { origin, message: message.into(), via, reply };
        self.receive(FlowEvent::Inbound(inbound));
    }

    fn advance(&mut self, time: Duration) {
        let until = self.now + time;
        let next =
            |timers: &Wheel<TxTimer>| timers.next().map(|next| Duration::from_micros(next.as_micros()));
        while let Some(next) = next(&self.timers).filter(|next| *next <= until) {
            self.now = self.now.max(next);
            while let Some(timer) = self.timers.pop(self.tick()) {
                self.armed.remove(&timer);
                self.step(|transactions, cx, out| transactions.expire(cx, timer, out));
            }
        }
        self.now = until;
        self.check();
    }

    fn respond(&mut self, which: usize, status: StatusCode) {
        let Some(Theirs { tx, inbound, .. }) = pick(&self.theirs, which) else { return };
        let mut response = Response::to(&inbound.message, status).to_tag("ours");
        if let Some(via) = &inbound.via {
            response = response.top_via(via);
        }
        let tx = *tx;
        if let Ok(wire) = response.encode() {
            self.command(TxCommand::Respond { tx, status, wire });
        }
    }

    fn request(&mut self, method: u8, hops: u8, large: bool) {
        let methods = [Method::Invite, Method::Refer, Method::Bye, Method::Notify, Method::Ack];
        let method = methods[usize::from(method) % methods.len()];
        let hops: Vec<Hop> = (0..hops % 4).map(|number| hop(number, hops & (16 << number) != 0)).collect();
        let mut draft = draft(method);
        if large {
            draft = draft.header(HeaderId::Subject, "x".repeat(usize::from(ABOVE)));
        }
        let tx = self.ids.mint();
        let invite = method == Method::Invite;
        let end = (!invite).then(|| self.now + TIMEOUT * hops.len() as u32 + T4);
        self.ours.push(Ours { tx, invite, end, failures: 0, refusals: 0, successes: 0 });
        self.command(TxCommand::Request { tx, hops: hops.into_iter().collect(), draft });
    }

    /// One step; what is left of the input.
    fn run<'a>(&mut self, [what, a, b, c]: [u8; 4], rest: &'a [u8]) -> &'a [u8] {
        let (which, status) = (usize::from(a), code(u16::from_be_bytes([b, c])));
        match what % 12 {
            0 => self.request(a, b, c % 2 == 1),
            1 => {
                let Some(outbound) = pick(&self.sent, which).cloned() else { return rest };
                let Ok(request) = Message::parse(outbound.wire) else { return rest };
                if let Ok(wire) = Response::to(&request, status).to_tag("peer").encode() {
                    self.arrive(wire, outbound.hop.transport.is_reliable());
                }
            }
            2 => {
                let Some(tx) = pick(&self.ours, which).map(|ours| ours.tx) else { return rest };
                let reason = [None, Some("SIP;cause=200"), Some("SIP\r\nX: y")][usize::from(b) % 3];
                self.command(TxCommand::Cancel { tx, reason: reason.map(Into::into) });
            }
            3 => {
                let Some(ours) = pick(&self.ours, which).filter(|ours| ours.invite) else { return rest };
                let (tx, hops) = (ours.tx, (0..b % 3).map(|number| hop(number, c % 2 == 1)).collect());
                // A failure of the ACK would be told for the INVITE, which has ended already.
                if b % 3 > 0 {
                    self.command(TxCommand::Ack { tx, hops, draft: draft(Method::Ack) });
                }
            }
            4 | 5 => self.arrive(request(a, b, c).into(), c & 4 != 0),
            6 => self.respond(which, status),
            7 => {
                let Hop { flow, remote, .. } = hop(a % 4, b % 2 == 1);
                self.receive(FlowEvent::Unreachable { flow, remote, branch: None });
            }
            8 => {
                let Some(outbound) = pick(&self.sent, which).cloned() else { return rest };
                let Ok(message) = Message::parse(outbound.wire) else { return rest };
                let branch = message.top_via().ok().and_then(|via| via.branch().map(Box::from));
                let Hop { flow, remote, .. } = outbound.hop;
                self.receive(FlowEvent::Unreachable { flow, remote, branch });
            }
            9 => self.receive(FlowEvent::Ended { flow: flow(a % 2 == 1), cause: CloseCause::Lost }),
            10 => self.advance(Duration::from_millis(u64::from(u16::from_be_bytes([b, c])) << (a % 3))),
            _ => {
                let (bytes, rest) = rest.split_at(usize::from(u16::from_be_bytes([b, c])).min(rest.len()));
                self.arrive(Bytes::copy_from_slice(bytes), a % 2 == 1);
                return rest;
            }
        }
        rest
    }

    /// The layer above cancels what rings and leaves the rest to the timers.
    fn finish(mut self) {
        for tx in self.ours.iter().map(|ours| ours.tx).collect::<Vec<_>>() {
            self.command(TxCommand::Cancel { tx, reason: None });
        }
        let route = RouteId::from(1);
        let result = Err(sip_transport::RouteError::Unresolved);
        self.receive(FlowEvent::Routed { route, result });
        self.advance(SILENCE + TIMEOUT + T4);
        assert_eq!(self.transactions.len(), 0);
        assert_eq!(self.timers.len(), 0);
        for ours in &self.ours {
            let successes = if ours.invite { ours.successes.min(1) } else { ours.successes };
            assert_eq!(ours.failures + ours.refusals + successes, 1, "{} ends once", ours.tx);
        }
        assert!(self.theirs.iter().all(|theirs| theirs.failures <= 1));
    }
}

fuzz_target!(|data: &[u8]| {
    let (mut stack, mut rest) = (Stack::new(), data);
    for _ in 0..MAX_STEPS {
        let Some((step, behind)) = rest.split_first_chunk() else { break };
        rest = stack.run(*step, behind);
    }
    stack.finish();
});

fn pick<T>(from: &[T], which: usize) -> Option<&T> {
    from.get(which % from.len().max(1))
}

fn code(status: u16) -> StatusCode {
    StatusCode::new(100 + status % 600).expect("from 100 to 699")
}

fn flow(stream: bool) -> FlowId {
    FlowId::from(if stream { 7 } else { u64::MAX })
}

fn remote(number: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 20 + number], 5060))
}

/// Length over which a request goes by stream.
const ABOVE: u16 = 500;

fn hop(number: u8, stream: bool) -> Hop {
    let local = "192.0.2.10:5060".parse().expect("an address");
    let transport = if stream { Transport::Tcp } else { Transport::Udp };
    let above = stream.then_some(ABOVE);
    Hop { flow: flow(stream), transport, remote: remote(number), local, above, alias: false }
}

fn draft(method: Method) -> Draft {
    let draft = Draft::request(method, "sip:bob@192.0.2.20")
        .header(HeaderId::From, "<sip:alice@192.0.2.10>;tag=ours")
        .header(HeaderId::To, "<sip:bob@192.0.2.20>")
        .header(HeaderId::CallId, "call@192.0.2.10")
        .header(HeaderId::CSeq, format!("1 {method}"));
    if method == Method::Refer { draft.header(HeaderId::ReferTo, "<sip:carol@192.0.2.30>") } else { draft }
}

/// A request of the peer. Bits of `how`: magic cookie, To tag, (4: by stream), another Call-ID, without From, another method
/// in `CSeq`.
fn request(method: u8, branch: u8, how: u8) -> String {
    let methods = ["INVITE", "ACK", "CANCEL", "REFER", "BYE", "NOTIFY", "PRACK"];
    let method = methods[usize::from(method) % methods.len()];
    let cookie = if how & 1 != 0 { "z9hG4bK" } else { "" };
    let tag = if how & 2 != 0 { ";tag=ours" } else { "" };
    let call = if how & 8 != 0 { "other" } else { "" };
    let from = if how & 16 != 0 { "" } else { "From: <sip:bob@192.0.2.20>;tag=b\r\n" };
    let numbered = if how & 32 != 0 { "INFO" } else { method };
    format!(
        "{method} sip:alice@192.0.2.10 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.20;branch={cookie}{}\r\n\
         {from}To: <sip:alice@192.0.2.10>{tag}\r\nCall-ID: {call}{}\r\nCSeq: 1 {numbered}\r\n\
         Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        branch % 8,
        branch % 4
    )
}
