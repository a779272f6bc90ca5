//! A user agent: dialogs over transactions.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use bytes::Bytes;
use dialog_core::{
    DialogCommand, DialogConfig, DialogEvent, DialogOutput, DialogTimer, Dialogs, LegCommand, LegEvent,
    RequestCommand, RequestEvent, SubscriptionCommand, SubscriptionEvent,
};
use sip_message::{Message, StatusCode};
use sip_transport::{
    CloseCause, Cx, FlowEvent, FlowId, Guard, Hop, Hops, IdMint, Inbound, Origin, Outbound, Outbox, Random,
    Tick, TimerOp, Transport, UnixTime,
};
use transaction_core::{Config, Transactions, TxEvent, TxOutput, TxTimer};

use crate::registrar;

/// A generator whose whole state is its seed.
pub(crate) struct Seeded(pub(crate) u64);

impl Random for Seeded {
    fn next_u64(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// What runs out, in either layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Dialog(DialogTimer),
    Transaction(TxTimer),
}

/// A user agent that takes every call and every REFER, unless it is told otherwise.
pub(crate) struct Agent {
    pub(crate) local: SocketAddr,
    pub(crate) dialogs: Dialogs,
    transactions: Transactions,
    guard: Guard,
    pub(crate) ids: IdMint,
    random: Seeded,
    pub(crate) timers: BTreeMap<Key, Tick>,
    above: Outbox<DialogOutput>,
    below: Outbox<TxOutput>,
    pub(crate) events: Vec<DialogEvent>,
    pub(crate) wire: Vec<Outbound>,
    /// What was sent, lost or not.
    pub(crate) log: Vec<Bytes>,
    /// Whether it takes every call at once.
    pub(crate) picks_up: bool,
    /// Whether it takes a REFER or SUBSCRIBE.
    pub(crate) follows: bool,
    /// Whether it can make a description.
    pub(crate) describes: bool,
    /// The flow to the registrar.
    registrar: FlowId,
    /// The descriptions that it was asked for, in order; no two are alike.
    pub(crate) said: Vec<Option<Bytes>>,
}

impl Agent {
    pub(crate) fn new(local: &str, seed: u64, config: DialogConfig) -> Self {
        let mut random = Seeded(seed);
        Self {
            local: local.parse().expect("an address"),
            dialogs: Dialogs::new(config),
            transactions: Transactions::new(Config::default()),
            guard: Guard::new(&mut random),
            ids: IdMint::default(),
            random,
            timers: BTreeMap::new(),
            above: Outbox::default(),
            below: Outbox::default(),
            events: Vec::new(),
            wire: Vec::new(),
            log: Vec::new(),
            picks_up: true,
            follows: true,
            describes: true,
            registrar: FlowId::from(2),
            said: Vec::new(),
        }
    }

    fn flow(&self, remote: SocketAddr) -> FlowId {
        if remote == registrar::address() { self.registrar } else { FlowId::from(1) }
    }

    fn hop(&self, remote: SocketAddr) -> Hop {
        Hop {
            flow: self.flow(remote),
            transport: Transport::Udp,
            remote,
            local: self.local,
            above: None,
            alias: false,
        }
    }

    pub(crate) fn command(&mut self, now: Tick, command: DialogCommand) {
        let Self { dialogs, above, .. } = self;
        let mut cx = cx(now, &mut self.random, &mut self.ids, &self.guard);
        dialogs.command(&mut cx, command, &mut above.out());
        self.settle(now);
    }

    pub(crate) fn datagram(&mut self, now: Tick, wire: Outbound) {
        let message = Message::parse(wire.wire).expect("what we send can be read");
        let source = wire.hop.local;
        let origin = Origin {
            flow: self.flow(source),
            transport: Transport::Udp,
            source,
            local: self.local,
            peer: None,
        };
        let via = message.is_request().then(|| message.vias().next().map(Into::into)).flatten();
        let event =
            FlowEvent::Inbound(Inbound { origin, message: message.into(), via, reply: self.hop(source) });
        let mut cx = cx(now, &mut self.random, &mut self.ids, &self.guard);
        self.transactions.receive(&mut cx, event, &mut self.below.out());
        self.settle(now);
    }

    /// The flow to the registrar ends, and there is another one.
    pub(crate) fn loses_registrar(&mut self, now: Tick) {
        let event = FlowEvent::Ended { flow: self.registrar, cause: CloseCause::Lost };
        self.registrar = FlowId::from(self.registrar.number() + 1);
        let mut cx = cx(now, &mut self.random, &mut self.ids, &self.guard);
        self.transactions.receive(&mut cx, event, &mut self.below.out());
        self.settle(now);
    }

    pub(crate) fn expire(&mut self, now: Tick, key: Key) {
        self.timers.remove(&key);
        let mut cx = cx(now, &mut self.random, &mut self.ids, &self.guard);
        match key {
            Key::Dialog(timer) => self.dialogs.expire(&mut cx, timer, &mut self.above.out()),
            Key::Transaction(timer) => self.transactions.expire(&mut cx, timer, &mut self.below.out()),
        }
        self.settle(now);
    }

    /// Carries values between the two layers until both are quiet.
    fn settle(&mut self, now: Tick) {
        loop {
            if let Some(output) = self.above.pop() {
                match output {
                    DialogOutput::Transaction(command) => {
                        let mut cx = cx(now, &mut self.random, &mut self.ids, &self.guard);
                        self.transactions.command(&mut cx, command, &mut self.below.out());
                    }
                    DialogOutput::Event(event) => {
                        self.events.push(event.clone());
                        self.react(now, &event);
                    }
                    DialogOutput::Timer(op) => self.timer(now, op, Key::Dialog),
                }
            } else if let Some(output) = self.below.pop() {
                match output {
                    TxOutput::Route(route) => {
                        let uri = route.uri.as_uri();
                        let ip = uri.host().ip().expect("an address");
                        let hop = self.hop((ip, uri.port().unwrap_or(5060)).into());
                        self.tell(
                            now,
                            TxEvent::Routed { route: route.route, result: Ok(Hops::from_elem(hop, 1)) },
                        );
                    }
                    TxOutput::Send(outbound) => self.wire.push(outbound),
                    TxOutput::Withdraw(_)
                    | TxOutput::Avoid(_)
                    | TxOutput::Keep { .. }
                    | TxOutput::LetGo { .. } => {}
                    TxOutput::Event(event) => self.tell(now, event),
                    TxOutput::Timer(op) => self.timer(now, op, Key::Transaction),
                }
            } else {
                return;
            }
        }
    }

    fn tell(&mut self, now: Tick, event: TxEvent) {
        let mut cx = cx(now, &mut self.random, &mut self.ids, &self.guard);
        self.dialogs.receive(&mut cx, event, &mut self.above.out());
    }

    fn timer<K>(&mut self, now: Tick, op: TimerOp<K>, key: impl Fn(K) -> Key) {
        match op {
            TimerOp::Arm(of, after) => {
                let micros = u64::try_from(after.as_micros()).expect("a time that fits");
                self.timers.insert(key(of), Tick::from_micros(now.as_micros() + micros));
            }
            TimerOp::Disarm(of) => {
                self.timers.remove(&key(of));
            }
        }
    }

    fn react(&mut self, now: Tick, event: &DialogEvent) {
        let command = match *event {
            DialogEvent::Leg(leg, LegEvent::Incoming(_)) if self.picks_up => {
                DialogCommand::Leg(leg, LegCommand::Accept { contact_user: None })
            }
            DialogEvent::Leg(leg, LegEvent::NeedDescription { .. }) => {
                let text = format!("v=0\r\ns={} {}\r\n", self.local, self.said.len());
                let said = self.describes.then(|| Bytes::from(text));
                self.said.push(said.clone());
                let body = said.ok_or(StatusCode::NOT_ACCEPTABLE_HERE);
                DialogCommand::Leg(leg, LegCommand::Describe { body })
            }
            DialogEvent::Subscription(id, SubscriptionEvent::Requested(_)) => {
                let answer = if self.follows {
                    SubscriptionCommand::Accept { pending: false, lifetime: Duration::from_secs(30) }
                } else {
                    SubscriptionCommand::Refuse { status: StatusCode::DECLINE }
                };
                DialogCommand::Subscription(id, answer)
            }
            DialogEvent::Subscription(id, SubscriptionEvent::Subscribed(_)) => {
                let answer = if self.follows {
                    SubscriptionCommand::Grant { pending: false, longest: Duration::from_mins(2), body: None }
                } else {
                    SubscriptionCommand::Refuse { status: StatusCode::DECLINE }
                };
                DialogCommand::Subscription(id, answer)
            }
            DialogEvent::Request(id, RequestEvent::Incoming(_)) => {
                let answer =
                    RequestCommand::Answer { status: StatusCode::OK, headers: Vec::new(), body: None };
                DialogCommand::Request(id, answer)
            }
            _ => return,
        };
        let mut cx = cx(now, &mut self.random, &mut self.ids, &self.guard);
        self.dialogs.command(&mut cx, command, &mut self.above.out());
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.dialogs.is_empty()
            && self.dialogs.tombstones() == 0
            && self.transactions.is_empty()
            && self.timers.is_empty()
    }

    pub(crate) fn count(&self, wanted: impl Fn(&DialogEvent) -> bool) -> usize {
        self.events.iter().filter(|event| wanted(event)).count()
    }
}

fn cx<'a>(now: Tick, random: &'a mut Seeded, ids: &'a mut IdMint, guard: &'a Guard) -> Cx<'a> {
    Cx { now, unix: UnixTime::default(), random, ids, guard }
}
