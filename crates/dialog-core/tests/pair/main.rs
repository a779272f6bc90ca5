//! Two user agents, each dialogs over transactions, on a network that loses datagrams; in virtual time.

mod sessions;

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    time::Duration,
};

use dialog_core::{
    DialogCommand, DialogConfig, DialogEvent, DialogOutput, DialogTimer, Dialogs, EndReason, Invite,
    LegCommand, LegEvent, LegId, ReferAnswer, SubscriptionCommand, SubscriptionEnd, SubscriptionEvent,
    SubscriptionId,
};
use sip_message::{Message, StatusCode, SubReason};
use sip_transport::{
    Cx, FlowEvent, FlowId, Guard, Hop, Hops, IdMint, Inbound, Origin, Outbound, Outbox, Random, Tick,
    TimerOp, Transport, UnixTime,
};
use transaction_core::{Config, Transactions, TxEvent, TxOutput, TxTimer};

/// One way through the network.
const DELAY: u64 = 10_000;

struct Seeded(u64);

impl Random for Seeded {
    fn next_u64(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Dialog(DialogTimer),
    Transaction(TxTimer),
}

/// A user agent that takes every call and every REFER.
struct Agent {
    local: SocketAddr,
    dialogs: Dialogs,
    transactions: Transactions,
    guard: Guard,
    ids: IdMint,
    random: Seeded,
    timers: BTreeMap<Key, Tick>,
    above: Outbox<DialogOutput>,
    below: Outbox<TxOutput>,
    events: Vec<DialogEvent>,
    wire: Vec<Outbound>,
    /// What was sent, lost or not.
    log: Vec<bytes::Bytes>,
    /// Whether it takes every call at once.
    picks_up: bool,
}

impl Agent {
    fn new(local: &str, seed: u64, config: DialogConfig) -> Self {
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
        }
    }

    fn hop(&self, remote: SocketAddr) -> Hop {
        Hop {
            flow: FlowId::from(1),
            transport: Transport::Udp,
            remote,
            local: self.local,
            above: None,
            alias: false,
        }
    }

    fn command(&mut self, now: Tick, command: DialogCommand) {
        let Self { dialogs, above, .. } = self;
        let mut cx = cx(now, &mut self.random, &mut self.ids, &self.guard);
        dialogs.command(&mut cx, command, &mut above.out());
        self.settle(now);
    }

    fn datagram(&mut self, now: Tick, wire: Outbound) {
        let message = Message::parse(wire.wire).expect("what we send can be read");
        let source = wire.hop.local;
        let origin = Origin {
            flow: FlowId::from(1),
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

    fn expire(&mut self, now: Tick, key: Key) {
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
                        self.react(now, &event);
                        self.events.push(event);
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
                    TxOutput::Withdraw(_) | TxOutput::Avoid(_) => {}
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
                DialogCommand::Leg(leg, LegCommand::Describe { body: Ok("v=0".into()) })
            }
            DialogEvent::Subscription(id, SubscriptionEvent::Requested(_)) => DialogCommand::Subscription(
                id,
                SubscriptionCommand::Accept { pending: false, lifetime: Duration::from_secs(30) },
            ),
            _ => return,
        };
        let mut cx = cx(now, &mut self.random, &mut self.ids, &self.guard);
        self.dialogs.command(&mut cx, command, &mut self.above.out());
    }

    fn is_clean(&self) -> bool {
        self.dialogs.is_empty()
            && self.dialogs.tombstones() == 0
            && self.transactions.is_empty()
            && self.timers.is_empty()
    }

    fn count(&self, wanted: impl Fn(&DialogEvent) -> bool) -> usize {
        self.events.iter().filter(|event| wanted(event)).count()
    }
}

fn cx<'a>(now: Tick, random: &'a mut Seeded, ids: &'a mut IdMint, guard: &'a Guard) -> Cx<'a> {
    Cx { now, unix: UnixTime::default(), random, ids, guard }
}

/// The two agents and what is between them.
struct Net {
    now: Tick,
    agents: [Agent; 2],
    flying: VecDeque<(Tick, usize, Outbound)>,
    random: Seeded,
    /// Datagrams lost in a hundred.
    loss: u32,
    /// How often each datagram arrives.
    copies: usize,
}

impl Net {
    fn new(seed: u64, loss: u32) -> Self {
        Self::with(seed, loss, DialogConfig::default)
    }

    fn with(seed: u64, loss: u32, config: impl Fn() -> DialogConfig) -> Self {
        let mut random = Seeded(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let agents = [
            Agent::new("192.0.2.1:5060", random.next_u64(), config()),
            Agent::new("192.0.2.20:5060", random.next_u64(), config()),
        ];
        Self { now: Tick::default(), agents, flying: VecDeque::new(), random, loss, copies: 1 }
    }

    fn command(&mut self, agent: usize, command: DialogCommand) {
        self.agents[agent].command(self.now, command);
        self.collect();
    }

    fn collect(&mut self) {
        for agent in 0..2 {
            for outbound in std::mem::take(&mut self.agents[agent].wire) {
                self.agents[agent].log.push(outbound.wire.clone());
                for _ in 0..self.copies {
                    if self.random.up_to(99) < self.loss {
                        continue;
                    }
                    let at = Tick::from_micros(self.now.as_micros() + DELAY);
                    self.flying.push_back((at, 1 - agent, outbound.clone()));
                }
            }
        }
    }

    fn advance(&mut self, by: Duration) {
        let target = self.now.as_micros() + u64::try_from(by.as_micros()).expect("a time that fits");
        loop {
            let timer = (0..2)
                .flat_map(|agent| self.agents[agent].timers.iter().map(move |(key, at)| (*at, agent, *key)))
                .min();
            let flight = self.flying.front().map(|(at, _, _)| *at);
            let next = match (timer, flight) {
                (Some((timer, _, _)), Some(flight)) => timer.min(flight),
                (Some((timer, _, _)), None) => timer,
                (None, Some(flight)) => flight,
                (None, None) => break,
            };
            if next.as_micros() > target {
                break;
            }
            self.now = next;
            match (flight, timer) {
                (Some(at), _) if at == next => {
                    let (_, agent, outbound) = self.flying.pop_front().expect("one is flying");
                    self.agents[agent].datagram(self.now, outbound);
                }
                (_, Some((_, agent, key))) => self.agents[agent].expire(self.now, key),
                (_, None) => break,
            }
            self.collect();
        }
        self.now = Tick::from_micros(target);
    }

    fn place(&mut self) -> LegId {
        self.place_with(false)
    }

    fn place_with(&mut self, offerless: bool) -> LegId {
        let leg = self.agents[0].ids.mint();
        let invite = Invite {
            target: "sip:bob@192.0.2.20".parse().expect("a URI"),
            to: "<sip:bob@example.com>".parse().expect("an address"),
            from: "<sip:alice@example.com>".parse().expect("an address"),
            contact_user: Some("alice".into()),
            headers: Vec::new(),
            ring_limit: Duration::from_mins(1),
            redirects: Invite::REDIRECTS,
            offerless,
        };
        self.command(0, DialogCommand::Place { leg, invite: Box::new(invite) });
        leg
    }

    fn refer(&mut self, leg: LegId) -> SubscriptionId {
        let subscription = self.agents[0].ids.mint();
        let refer_to = "sip:carol@192.0.2.30".parse().expect("a URI");
        self.command(
            0,
            DialogCommand::Leg(
                leg,
                LegCommand::Refer { subscription, refer_to, referred_by: None, suppress: false },
            ),
        );
        subscription
    }

    fn requested(&self) -> Option<SubscriptionId> {
        self.agents[1].events.iter().find_map(|event| match event {
            DialogEvent::Subscription(id, SubscriptionEvent::Requested(_)) => Some(*id),
            _ => None,
        })
    }

    fn answered_leg(&self) -> Option<LegId> {
        self.agents[1].events.iter().find_map(|event| match event {
            DialogEvent::Leg(leg, LegEvent::Incoming(_)) => Some(*leg),
            _ => None,
        })
    }
}

#[test]
fn a_call_with_a_transfer_runs_from_end_to_end() {
    let mut net = Net::new(1, 0);
    let leg = net.place();
    net.advance(Duration::from_secs(1));
    assert_eq!(net.agents[0].count(|event| matches!(event, DialogEvent::Leg(_, LegEvent::Up(_)))), 1);
    assert_eq!(net.agents[1].count(|event| matches!(event, DialogEvent::Leg(_, LegEvent::Up(_)))), 1);
    net.command(0, DialogCommand::Leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(10) }));
    let subscription = net.refer(leg);
    net.advance(Duration::from_secs(1));
    assert_eq!(
        net.agents[0].count(|event| matches!(event, DialogEvent::Leg(_, LegEvent::Reoffered(Ok(()))))),
        1
    );
    assert_eq!(net.agents[1].count(|event| matches!(event, DialogEvent::Leg(_, LegEvent::Changed))), 1);
    let theirs = net.requested().expect("the REFER came");
    for (status, last) in [(StatusCode::RINGING, None), (StatusCode::OK, Some(SubReason::Noresource))] {
        net.command(1, DialogCommand::Subscription(theirs, SubscriptionCommand::Report { status, last }));
        net.advance(Duration::from_secs(2));
    }
    let told: Vec<u16> = net.agents[0]
        .events
        .iter()
        .filter_map(|event| match event {
            DialogEvent::Subscription(_, SubscriptionEvent::Notified(it)) => {
                it.status.map(StatusCode::as_u16)
            }
            _ => None,
        })
        .collect();
    assert_eq!(told, [100, 180, 200]);
    let answered = |event: &DialogEvent| matches!(event, DialogEvent::Subscription(id, SubscriptionEvent::Answered(ReferAnswer::Accepted(_))) if *id == subscription);
    assert_eq!(net.agents[0].count(answered), 1);
    for agent in &net.agents {
        let ended = agent.count(|event| {
            matches!(
                event,
                DialogEvent::Subscription(_, SubscriptionEvent::Ended(SubscriptionEnd::Terminated))
            )
        });
        assert_eq!(ended, 1);
    }
    net.command(0, DialogCommand::Leg(leg, LegCommand::HangUp { reason: None }));
    net.advance(Duration::from_mins(2));
    for agent in &net.agents {
        let bye = |event: &DialogEvent| matches!(event, DialogEvent::Leg(_, LegEvent::Ended(cause)) if cause.reason == EndReason::Bye);
        assert_eq!(agent.count(bye), 1);
        assert!(agent.is_clean(), "{:#?}", agent.dialogs);
    }
}

#[test]
fn repeated_datagrams_make_one_call_and_one_transfer() {
    // covers: TR-191, TR-248
    let mut net = Net::new(1, 0);
    net.copies = 3;
    let leg = net.place();
    net.advance(Duration::from_secs(1));
    net.refer(leg);
    net.advance(Duration::from_secs(1));
    let incoming = |event: &DialogEvent| matches!(event, DialogEvent::Leg(_, LegEvent::Incoming(_)));
    let requested =
        |event: &DialogEvent| matches!(event, DialogEvent::Subscription(_, SubscriptionEvent::Requested(_)));
    assert_eq!((net.agents[1].count(incoming), net.agents[1].count(requested)), (1, 1));
    let answered =
        |event: &DialogEvent| matches!(event, DialogEvent::Subscription(_, SubscriptionEvent::Answered(_)));
    let notified =
        |event: &DialogEvent| matches!(event, DialogEvent::Subscription(_, SubscriptionEvent::Notified(_)));
    assert_eq!((net.agents[0].count(answered), net.agents[0].count(notified)), (1, 1));
}

#[test]
fn two_offers_at_once_both_come_through() {
    // covers: TR-194
    for seed in 0..50 {
        let mut net = Net::new(seed, 0);
        let leg = net.place();
        net.advance(Duration::from_secs(1));
        let other = net.answered_leg().expect("a call came");
        net.command(0, DialogCommand::Leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(20) }));
        net.command(1, DialogCommand::Leg(other, LegCommand::Reoffer { limit: Duration::from_secs(20) }));
        net.advance(Duration::from_secs(21));
        for agent in &net.agents {
            assert_eq!(
                agent.count(|event| matches!(event, DialogEvent::Leg(_, LegEvent::Reoffered(Ok(()))))),
                1
            );
        }
    }
}

#[test]
fn nothing_is_left_on_a_network_that_loses_datagrams() {
    for seed in 1..150 {
        let mut net = Net::new(seed, 10 + (seed % 4) as u32 * 15);
        let leg = net.place();
        net.advance(Duration::from_secs(5));
        net.command(0, DialogCommand::Leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(10) }));
        net.refer(leg);
        net.advance(Duration::from_secs(3));
        if let Some(theirs) = net.requested() {
            let last = Some(SubReason::Noresource);
            let report = SubscriptionCommand::Report { status: StatusCode::OK, last };
            net.command(1, DialogCommand::Subscription(theirs, report));
        }
        net.advance(Duration::from_secs(seed % 7));
        let hang_up = LegCommand::HangUp { reason: None };
        if seed % 3 == 0
            && let Some(other) = net.answered_leg()
        {
            net.command(1, DialogCommand::Leg(other, hang_up));
        } else {
            net.command(0, DialogCommand::Leg(leg, hang_up));
        }
        net.advance(Duration::from_mins(2));
        if let Some(theirs) = net.requested() {
            let last = Some(SubReason::Noresource);
            let report = SubscriptionCommand::Report { status: StatusCode::OK, last };
            net.command(1, DialogCommand::Subscription(theirs, report));
        }
        net.advance(Duration::from_mins(10));
        // One side may not have heard of the other's end, where every BYE was lost.
        for (agent, leg) in [(0, Some(leg)), (1, net.answered_leg())] {
            if let Some(leg) = leg {
                net.command(agent, DialogCommand::Leg(leg, LegCommand::HangUp { reason: None }));
            }
        }
        net.advance(Duration::from_mins(10));
        for agent in &net.agents {
            assert!(agent.is_clean(), "seed {seed}: {:?} {:#?}", agent.timers, agent.dialogs);
            let ends = agent.count(|event| matches!(event, DialogEvent::Leg(_, LegEvent::Ended(_))));
            let begun = agent.count(|event| matches!(event, DialogEvent::Leg(_, LegEvent::Incoming(_))));
            assert!(ends == 1 || begun == 0);
        }
    }
}
