//! A bench for the reducer: virtual time, a timer wheel, and logs of what left it.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use bytes::Bytes;
use sip_message::{Draft, HeaderId, Message, Method, Response, StatusCode};
use sip_transport::{
    CloseCause, Cx, FlowEvent, FlowId, Guard, Hop, IdMint, Inbound, Origin, Outbound, Outbox, Random, Tick,
    TimerOp, Transport, TransportInput, TransportOutput, Transports, UnixTime, wheel::Wheel,
};
use transaction_core::{Config, Transactions, TxCommand, TxEvent, TxId, TxOutput, TxTimer};

/// A small generator (xorshift64*), seeded, so that every run is the same.
pub(crate) struct Seeded(pub(crate) u64);

impl Random for Seeded {
    fn next_u64(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

pub(crate) const LOCAL: &str = "192.0.2.10:5060";
pub(crate) const PEER: &str = "192.0.2.20:5060";
pub(crate) const OTHER: &str = "192.0.2.30:5060";

pub(crate) fn address(text: &str) -> SocketAddr {
    text.parse().expect("test address")
}

pub(crate) fn flow() -> FlowId {
    FlowId::from(1)
}

pub(crate) fn hop(remote: &str) -> Hop {
    Hop {
        flow: flow(),
        transport: Transport::Udp,
        remote: address(remote),
        local: address(LOCAL),
        above: None,
        alias: false,
    }
}

/// A flow is gone.
pub(crate) fn ended(flow: FlowId) -> FlowEvent {
    FlowEvent::Ended { flow, cause: CloseCause::Lost }
}

pub(crate) fn reliable(remote: &str) -> Hop {
    Hop { transport: Transport::Tcp, ..hop(remote) }
}

/// One message that left the layer, with the time since the start in milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) at: u128,
    pub(crate) outbound: Outbound,
    pub(crate) message: Message,
}

impl Sent {
    pub(crate) fn status(&self) -> Option<u16> {
        self.message.status().map(StatusCode::as_u16)
    }

    pub(crate) fn is(&self, method: Method) -> bool {
        self.message.method() == Some(method)
    }
}

pub(crate) struct Bench {
    pub(crate) transactions: Transactions,
    pub(crate) transports: Transports,
    pub(crate) sent: Vec<Sent>,
    pub(crate) events: Vec<(u128, TxEvent)>,
    /// The remotes that transport is told to put behind others.
    pub(crate) avoided: Vec<SocketAddr>,
    /// What transport is to take back if it can.
    pub(crate) withdrawn: Vec<Outbound>,
    now: Duration,
    timers: Wheel<TxTimer>,
    armed: BTreeSet<TxTimer>,
    random: Seeded,
    ids: IdMint,
    guard: Guard,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(Config::default())
    }

    pub(crate) fn with(config: Config) -> Self {
        let mut random = Seeded(42);
        let guard = Guard::new(&mut random);
        let mut bench = Self {
            transactions: Transactions::new(config),
            transports: Transports::new(sip_transport::Config::default()),
            sent: Vec::new(),
            events: Vec::new(),
            avoided: Vec::new(),
            withdrawn: Vec::new(),
            now: Duration::ZERO,
            timers: Wheel::new(),
            armed: BTreeSet::new(),
            random,
            ids: IdMint::default(),
            guard,
        };
        let opened =
            TransportInput::Opened { flow: flow(), transport: Transport::Udp, local: address(LOCAL) };
        let mut outbox = Outbox::default();
        let mut cx = Cx {
            now: Tick::default(),
            unix: UnixTime::default(),
            random: &mut bench.random,
            ids: &mut bench.ids,
            guard: &bench.guard,
        };
        bench.transports.receive(&mut cx, opened, &mut outbox.out());
        bench
    }

    fn step(
        &mut self,
        run: impl FnOnce(&mut Transactions, &mut Cx<'_>, &mut sip_transport::Out<'_, TxOutput>),
    ) {
        let mut outbox = Outbox::default();
        let now = self.tick();
        let mut cx = Cx {
            now,
            unix: UnixTime(self.now),
            random: &mut self.random,
            ids: &mut self.ids,
            guard: &self.guard,
        };
        run(&mut self.transactions, &mut cx, &mut outbox.out());
        while let Some(output) = outbox.pop() {
            match output {
                TxOutput::Send(outbound) => {
                    let message = Message::parse(outbound.wire.clone()).expect("what is sent can be read");
                    self.sent.push(Sent { at: self.now.as_millis(), outbound, message });
                }
                TxOutput::Withdraw(outbound) => self.withdrawn.push(outbound),
                TxOutput::Avoid(hop) => self.avoided.push(hop.remote),
                TxOutput::Event(event) => self.events.push((self.now.as_millis(), event)),
                TxOutput::Timer(TimerOp::Arm(timer, length)) => {
                    self.timers.arm(now, timer, length);
                    self.armed.insert(timer);
                }
                TxOutput::Timer(TimerOp::Disarm(timer)) => {
                    self.timers.disarm(&timer);
                    self.armed.remove(&timer);
                }
                unasked @ (TxOutput::Route(_) | TxOutput::Keep { .. } | TxOutput::LetGo { .. }) => {
                    panic!("nobody asked for {unasked:?}")
                }
            }
        }
    }

    fn tick(&self) -> Tick {
        Tick::from_micros(self.now.as_micros() as u64)
    }

    pub(crate) fn mint(&mut self) -> TxId {
        self.ids.mint()
    }

    pub(crate) fn command(&mut self, command: TxCommand) {
        self.step(|transactions, cx, out| transactions.command(cx, command, out));
    }

    pub(crate) fn receive(&mut self, event: FlowEvent) {
        self.step(|transactions, cx, out| transactions.receive(cx, event, out));
    }

    /// A datagram arrives on our socket.
    pub(crate) fn arrive(&mut self, source: &str, bytes: impl Into<Bytes>) {
        let mut outbox = Outbox::default();
        let mut cx = Cx {
            now: Tick::default(),
            unix: UnixTime::default(),
            random: &mut self.random,
            ids: &mut self.ids,
            guard: &self.guard,
        };
        let input = TransportInput::Bytes { flow: flow(), source: address(source), bytes: bytes.into() };
        self.transports.receive(&mut cx, input, &mut outbox.out());
        while let Some(output) = outbox.pop() {
            match output {
                TransportOutput::Flow(event) => self.receive(event),
                other => panic!("a datagram leads to nothing but messages, not {other:?}"),
            }
        }
    }

    /// A message arrives on a stream, which needs no transport here.
    pub(crate) fn arrive_reliably(&mut self, source: &str, bytes: impl Into<Bytes>) {
        let message = Message::parse(bytes.into()).expect("test message");
        let origin = Origin {
            flow: flow(),
            transport: Transport::Tcp,
            source: address(source),
            local: address(LOCAL),
            peer: None,
        };
        let reply = origin.hop();
        let inbound = Inbound { origin, message: message.into(), via: None, reply };
        self.receive(FlowEvent::Inbound(inbound));
    }

    /// The peer answers a request of ours.
    pub(crate) fn answer(&mut self, request: &Sent, status: u16) {
        let wire = response(&request.message, status, "peer");
        self.arrive(&request.outbound.hop.remote.to_string(), wire);
    }

    /// Lets time pass and every timer in it fire.
    pub(crate) fn advance(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(next) = self.next().filter(|next| *next <= until) {
            self.now = self.now.max(next);
            while let Some(timer) = self.timers.pop(self.tick()) {
                self.armed.remove(&timer);
                self.step(|transactions, cx, out| transactions.expire(cx, timer, out));
            }
        }
        self.now = until;
    }

    pub(crate) fn advance_ms(&mut self, milliseconds: u64) {
        self.advance(Duration::from_millis(milliseconds));
    }

    /// Fires a timer although it is not armed, as a late driver would.
    pub(crate) fn fire(&mut self, timer: TxTimer) {
        self.step(|transactions, cx, out| transactions.expire(cx, timer, out));
    }

    /// Lets time pass until no timer is left.
    pub(crate) fn exhaust(&mut self) {
        while let Some(next) = self.next() {
            self.advance(next.saturating_sub(self.now));
        }
    }

    /// The time since the start at which the wheel has to be looked at next.
    fn next(&self) -> Option<Duration> {
        self.timers.next().map(|next| Duration::from_micros(next.as_micros()))
    }

    pub(crate) fn now(&self) -> Duration {
        self.now
    }

    pub(crate) fn timers(&self) -> Vec<TxTimer> {
        self.armed.iter().copied().collect()
    }

    pub(crate) fn request(&mut self, draft: Draft, hops: impl IntoIterator<Item = Hop>) -> TxId {
        let tx = self.mint();
        self.command(TxCommand::Request { tx, hops: hops.into_iter().collect(), draft });
        tx
    }

    pub(crate) fn respond(&mut self, tx: TxId, status: u16) {
        let request = self
            .events
            .iter()
            .find_map(|(_, event)| match event {
                TxEvent::Request { tx: at, inbound } if *at == tx => Some(inbound.clone()),
                _ => None,
            })
            .expect("the request came");
        let status = StatusCode::new(status).expect("test status");
        let mut response = Response::to(&request.message, status).to_tag("ours");
        if let Some(via) = &request.via {
            response = response.top_via(via);
        }
        self.command(TxCommand::Respond { tx, status, wire: response.encode().expect("test response") });
    }

    /// The transaction of the last request that was passed up.
    pub(crate) fn requested(&self) -> TxId {
        self.requests().last().copied().expect("a request was passed up")
    }

    pub(crate) fn requests(&self) -> Vec<TxId> {
        self.events
            .iter()
            .filter_map(|(_, event)| match event {
                TxEvent::Request { tx, .. } => Some(*tx),
                _ => None,
            })
            .collect()
    }

    /// Status codes passed up for a transaction, with their times.
    pub(crate) fn responses(&self, tx: TxId) -> Vec<(u128, u16)> {
        self.events
            .iter()
            .filter_map(|(at, event)| match event {
                TxEvent::Response { tx: of, message, .. } if *of == tx => {
                    message.status().map(|status| (*at, status.as_u16()))
                }
                _ => None,
            })
            .collect()
    }

    /// Failures told, with their times.
    pub(crate) fn failures(&self) -> Vec<(u128, TxId, transaction_core::TxFailure)> {
        self.events
            .iter()
            .filter_map(|(at, event)| match event {
                TxEvent::Failed { tx, failure } => Some((*at, *tx, *failure)),
                _ => None,
            })
            .collect()
    }

    /// Times of the messages of a method.
    pub(crate) fn times(&self, method: Method) -> Vec<u128> {
        self.sent.iter().filter(|sent| sent.is(method)).map(|sent| sent.at).collect()
    }

    /// Status codes sent, with their times.
    pub(crate) fn statuses(&self) -> Vec<(u128, u16)> {
        self.sent.iter().filter_map(|sent| Some((sent.at, sent.status()?))).collect()
    }

    /// The last message sent.
    pub(crate) fn last(&self) -> Sent {
        self.sent.last().expect("something was sent").clone()
    }

    pub(crate) fn assert_idle(&self) {
        assert_eq!(self.transactions.len(), 0, "transactions are left");
        assert_eq!(self.timers(), [], "timers are left");
    }
}

/// A request of ours.
pub(crate) fn draft(method: Method) -> Draft {
    let draft = Draft::request(method, "sip:bob@192.0.2.20")
        .header(HeaderId::From, "<sip:alice@192.0.2.10>;tag=ours")
        .header(HeaderId::To, "<sip:bob@192.0.2.20>")
        .header(HeaderId::CallId, "call@192.0.2.10")
        .header(HeaderId::CSeq, format!("1 {method}"));
    if method == Method::Refer { draft.header(HeaderId::ReferTo, "<sip:carol@192.0.2.30>") } else { draft }
}

/// A request of the peer's.
pub(crate) fn request(method: &str, branch: &str) -> String {
    let refer = if method == "REFER" { "Refer-To: <sip:carol@192.0.2.30>\r\n" } else { "" };
    format!(
        "{method} sip:alice@192.0.2.10 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.20:5060;branch={branch}\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:bob@192.0.2.20>;tag=peer\r\n\
         To: <sip:alice@192.0.2.10>\r\n\
         Call-ID: {branch}@192.0.2.20\r\n\
         CSeq: 1 {method}\r\n\
         {refer}\
         Content-Length: 0\r\n\r\n"
    )
}

/// A response of the peer's to a request of ours.
pub(crate) fn response(request: &Message, status: u16, tag: &str) -> Bytes {
    let status = StatusCode::new(status).expect("test status");
    Response::to(request, status).to_tag(tag).encode().expect("test response")
}
