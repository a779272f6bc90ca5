//! Whole transactions through the reducer and a timer wheel, without transport and engine: each turn begins one, answers
//! it and lets time pass until the oldest has ended, so that as many as wanted are alive all the time.

use std::{hint::black_box, sync::Arc, time::Duration};

use bytes::Bytes;
use sip_message::{Draft, HeaderId, Message, Method, StatusCode};
use sip_transport::{
    Cx, FlowEvent, FlowId, Guard, Hops, IdMint, Inbound, Origin, Outbox, Tick, TimerOp, Transport, UnixTime,
    wheel::Wheel,
};
use transaction_core::{Config, Transactions, TxCommand, TxEvent, TxId, TxOutput, TxTimer};

use crate::seed::Seed;

/// What a turn does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// OPTIONS of the peer, 200 of ours, timer J.
    ServerNonInvite,
    /// INVITE of the peer, 180 and 200 of ours, the ACK, timer L.
    ServerInvite,
    /// OPTIONS of ours, 200 of the peer, timer K.
    ClientNonInvite,
    /// INVITE of ours, 180 and 200 of the peer, the ACK, timer M.
    ClientInvite,
}

/// The kinds by the name of their case.
pub const KINDS: [(&str, Kind); 4] = [
    ("server-options", Kind::ServerNonInvite),
    ("server-invite", Kind::ServerInvite),
    ("client-options", Kind::ClientNonInvite),
    ("client-invite", Kind::ClientInvite),
];

impl Kind {
    /// How long a completed transaction stays.
    const fn stay(self) -> Duration {
        match self {
            Self::ServerNonInvite | Self::ServerInvite | Self::ClientInvite => Duration::from_secs(32),
            Self::ClientNonInvite => Duration::from_secs(5),
        }
    }
}

/// The branch of our requests where only the messages are made.
const NO_BRANCH: &str = "z9hG4bK00000000000000000000000000000000";

/// A transaction layer with its surroundings.
#[derive(Debug)]
pub struct Rig {
    kind: Kind,
    /// `None` where only the messages are made, which tells the share of reading and writing them.
    transactions: Option<Transactions>,
    timers: Wheel<TxTimer>,
    outbox: Outbox<TxOutput>,
    now: Duration,
    pause: Duration,
    turns: u64,
    random: Seed,
    ids: IdMint,
    guard: Guard,
    peer: Origin,
}

/// What the reducer asked for.
#[derive(Debug, Default)]
struct Asked {
    sent: Option<Bytes>,
    requested: Option<TxId>,
    reported: bool,
}

impl Rig {
    /// Makes a rig in which so many transactions are alive, each completed and waiting for its last timer. With none, the
    /// turns make the messages only.
    pub fn new(kind: Kind, alive: u32) -> Self {
        let mut random = Seed::new(1, 0);
        let guard = Guard::new(&mut random);
        let config = Config { capacity: 2 * alive as usize + 16, ..Config::default() };
        let address = |last: u8| ([192, 0, 2, last], 5060).into();
        let peer = Origin {
            flow: FlowId::from(1),
            transport: Transport::Udp,
            source: address(20),
            local: address(10),
            peer: None,
        };
        let mut rig = Self {
            kind,
            transactions: (alive > 0).then(|| Transactions::new(config)),
            timers: Wheel::new(),
            outbox: Outbox::default(),
            now: Duration::ZERO,
            pause: kind.stay() / alive.max(1),
            turns: 0,
            random,
            ids: IdMint::default(),
            guard,
            peer,
        };
        for _ in 0..alive {
            rig.turn();
        }
        rig
    }

    /// How many transactions are alive.
    pub fn alive(&self) -> usize {
        self.transactions.as_ref().map_or(0, Transactions::len)
    }

    /// One whole transaction; tells whether it went as it should.
    pub fn turn(&mut self) -> bool {
        self.turns += 1;
        self.now += self.pause;
        while let Some(timer) = self.timers.pop(self.tick()) {
            self.step(|transactions, cx, out| transactions.expire(cx, timer, out));
        }
        match self.kind {
            Kind::ServerNonInvite => self.serve("OPTIONS", &[StatusCode::OK]),
            Kind::ServerInvite => {
                self.serve("INVITE", &[StatusCode::RINGING, StatusCode::OK])
                    && self.arrive(request("ACK", &format!("z9hG4bKa{:031x}", self.turns))).reported
            }
            Kind::ClientNonInvite => self.ask(Method::Options, "OPTIONS", &[200]).is_some(),
            Kind::ClientInvite => match self.ask(Method::Invite, "INVITE", &[180, 200]) {
                Some(tx) => {
                    let ack = TxCommand::Ack { tx, hops: self.hops(), draft: draft(Method::Ack, "ACK") };
                    self.command(ack).reported
                }
                None => false,
            },
        }
    }

    fn serve(&mut self, method: &str, statuses: &[StatusCode]) -> bool {
        let branch = format!("z9hG4bK{:032x}", self.turns);
        let asked = self.arrive(request(method, &branch));
        let Some(tx) = asked.requested else { return false };
        statuses.iter().all(|status| {
            // In exactly as many bytes, as an encoder makes it.
            let wire = Bytes::from(answer(status.as_u16(), method, &branch).into_bytes().into_boxed_slice());
            self.command(TxCommand::Respond { tx, status: *status, wire }).sent.is_some()
        })
    }

    fn ask(&mut self, method: Method, name: &str, statuses: &[u16]) -> Option<TxId> {
        let tx = self.ids.mint();
        let command = TxCommand::Request { tx, hops: self.hops(), draft: draft(method, name) };
        let wire = self.command(command).sent?;
        let branch = branch(&wire)?;
        statuses.iter().all(|status| self.arrive(answer(*status, name, branch)).reported).then_some(tx)
    }

    fn hops(&self) -> Hops {
        Hops::from_elem(self.peer.hop(), 1)
    }

    fn arrive(&mut self, text: String) -> Asked {
        let Ok(message) = Message::parse(text.into()) else { return Asked::default() };
        let via = message.is_request().then(|| message.first(HeaderId::Via).unwrap_or_default().into());
        if self.transactions.is_none() {
            // The layer checks each request; that is reading too.
            black_box(message.is_request() && message.check().is_ok());
        }
        let inbound =
            Inbound { origin: self.peer.clone(), message: Arc::new(message), via, reply: self.peer.hop() };
        self.step(|transactions, cx, out| transactions.receive(cx, FlowEvent::Inbound(inbound), out))
    }

    fn command(&mut self, command: TxCommand) -> Asked {
        self.step(|transactions, cx, out| transactions.command(cx, command, out))
    }

    fn tick(&self) -> Tick {
        Tick::from_micros(self.now.as_micros() as u64)
    }

    fn step(
        &mut self,
        run: impl FnOnce(&mut Transactions, &mut Cx<'_>, &mut sip_transport::Out<'_, TxOutput>),
    ) -> Asked {
        let now = self.tick();
        let Some(transactions) = &mut self.transactions else {
            // As if all had gone well.
            let sent = Some(Bytes::from_static(NO_BRANCH.as_bytes()));
            return Asked { sent, requested: Some(TxId::from(1)), reported: true };
        };
        let (random, ids, guard) = (&mut self.random, &mut self.ids, &self.guard);
        let mut cx = Cx { now, unix: UnixTime(self.now), random, ids, guard };
        run(transactions, &mut cx, &mut self.outbox.out());
        let mut asked = Asked::default();
        while let Some(output) = self.outbox.pop() {
            match output {
                TxOutput::Send(outbound) => asked.sent = Some(outbound.wire),
                TxOutput::Timer(TimerOp::Arm(timer, after)) => self.timers.arm(now, timer, after),
                TxOutput::Timer(TimerOp::Disarm(timer)) => self.timers.disarm(&timer),
                TxOutput::Event(TxEvent::Request { tx, .. }) => asked.requested = Some(tx),
                TxOutput::Event(_) => asked.reported = true,
                TxOutput::Route(_)
                | TxOutput::Withdraw(_)
                | TxOutput::Avoid(_)
                | TxOutput::Keep { .. }
                | TxOutput::LetGo { .. } => {}
            }
        }
        asked
    }
}

fn branch(request: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(request).ok()?;
    let start = text.find("z9hG4bK")?;
    text.get(start..start + NO_BRANCH.len())
}

/// A request of the peer.
fn request(method: &str, branch: &str) -> String {
    format!(
        "{method} sip:alice@192.0.2.10:5060 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.20:5060;branch={branch};rport\r\n\
         Max-Forwards: 70\r\n\
         From: \"Bob\" <sip:bob@example.com>;tag=a6c85cf\r\n\
         To: <sip:alice@example.com>\r\n\
         Call-ID: {branch}@192.0.2.20\r\n\
         CSeq: 63104 {method}\r\n\
         Contact: <sip:bob@192.0.2.20:5060>\r\n\
         Accept: application/sdp\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

/// A response of some 400 bytes, whoever sends it.
fn answer(status: u16, method: &str, branch: &str) -> String {
    format!(
        "SIP/2.0 {status} Answered\r\n\
         Via: SIP/2.0/UDP 192.0.2.20:5060;branch={branch};rport=5060;received=192.0.2.20\r\n\
         From: \"Bob\" <sip:bob@example.com>;tag=a6c85cf\r\n\
         To: <sip:alice@example.com>;tag=1928301774\r\n\
         Call-ID: 843817637684230998sdasdh09@192.0.2.20\r\n\
         CSeq: 63104 {method}\r\n\
         Contact: <sip:alice@192.0.2.10:5060>\r\n\
         Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

fn draft(method: Method, name: &str) -> Draft {
    Draft::request(method, "sip:bob@192.0.2.20:5060")
        .header(HeaderId::From, "\"Alice\" <sip:alice@example.com>;tag=1928301774")
        .header(HeaderId::To, "<sip:bob@example.com>")
        .header(HeaderId::CallId, "843817637684230998sdasdh09@192.0.2.10")
        .header(HeaderId::CSeq, format_args!("63104 {name}"))
        .contact_user(Some("alice"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_transactions_are_alive_as_wanted_all_the_time() {
        for (name, kind) in KINDS {
            for alive in [1, 1000] {
                let mut rig = Rig::new(kind, alive);
                for turn in 0..2000 {
                    assert!(rig.turn(), "{name} fails in turn {turn}");
                    // Those that are due within a slot end together.
                    let near = alive as usize..=alive as usize + 3;
                    assert!(near.contains(&rig.alive()), "{name}: {} of {alive}", rig.alive());
                }
            }
            assert!(Rig::new(kind, 0).turn());
        }
    }
}
