//! Two user agents and a registrar on a network that loses datagrams, in virtual time.

use std::{collections::VecDeque, time::Duration};

use dialog_core::{
    DialogCommand, DialogConfig, DialogEvent, Invite, LegCommand, LegEvent, LegId, Refer, RegistrationId,
    SubscriptionEvent, SubscriptionId,
};
use sip_message::Message;
use sip_transport::{Hop, Outbound, Random, Tick};

use crate::{
    agent::{Agent, Seeded},
    registrar::{self, Passed, Registrar},
};

/// The registrar's place among those who send and get datagrams.
pub(crate) const REGISTRAR: usize = 2;

/// One way through the network.
const DELAY: u64 = 10_000;

/// What becomes of one datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is lost.
    Lost,
    /// It comes twice.
    Twice,
    /// It comes so many milliseconds late, so that others overtake it.
    Late(u32),
}

/// The two agents and what is between them.
pub(crate) struct Net {
    pub(crate) now: Tick,
    pub(crate) agents: [Agent; 2],
    pub(crate) registrar: Registrar,
    /// What passed between each agent and the registrar, and what the agent was told, in order.
    pub(crate) registering: Vec<(Tick, usize, Option<RegistrationId>, Passed)>,
    told: [usize; 2],
    /// In the order of arrival: when, to whom, what.
    flying: VecDeque<(Tick, usize, Outbound)>,
    /// What becomes of the next datagrams of each agent, and of the registrar.
    pub(crate) fates: [VecDeque<Fate>; 3],
    random: Seeded,
    /// Datagrams lost in a hundred.
    pub(crate) loss: u32,
    /// How often each datagram arrives.
    pub(crate) copies: usize,
}

impl Net {
    pub(crate) fn new(seed: u64, loss: u32) -> Self {
        Self::with(seed, loss, |_| DialogConfig::default())
    }

    pub(crate) fn with(seed: u64, loss: u32, config: impl Fn(usize) -> DialogConfig) -> Self {
        let mut random = Seeded(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        // The state of the generator is its last number: seeds that followed each other would give both agents the same ones.
        let mut apart = || random.next_u64().wrapping_mul(0x2545_f491_4f6c_dd1d) | 1;
        let agents = [
            Agent::new("192.0.2.1:5060", apart(), config(0)),
            Agent::new("192.0.2.20:5060", apart(), config(1)),
        ];
        Self {
            now: Tick::default(),
            agents,
            registrar: Registrar::default(),
            registering: Vec::new(),
            told: [0; 2],
            flying: VecDeque::new(),
            fates: Default::default(),
            random,
            loss,
            copies: 1,
        }
    }

    /// Agents that take no call by themselves.
    pub(crate) fn silent(seed: u64, config: impl Fn(usize) -> DialogConfig) -> Self {
        let mut net = Self::with(seed, 0, config);
        for agent in &mut net.agents {
            agent.picks_up = false;
        }
        net
    }

    pub(crate) fn command(&mut self, agent: usize, command: DialogCommand) {
        self.agents[agent].command(self.now, command);
        self.collect();
    }

    /// The flow of an agent to the registrar ends.
    pub(crate) fn breaks(&mut self, agent: usize) {
        self.registering.push((self.now, agent, None, Passed::Broken));
        self.agents[agent].loses_registrar(self.now);
        self.collect();
    }

    fn collect(&mut self) {
        for agent in 0..2 {
            self.hear(agent);
            for outbound in std::mem::take(&mut self.agents[agent].wire) {
                self.agents[agent].log.push(outbound.wire.clone());
                let mut to = 1 - agent;
                if outbound.hop.remote == registrar::address() {
                    let register = Message::parse(outbound.wire.clone()).expect("what we send can be read");
                    self.registering.push((self.now, agent, None, Passed::Sent(register)));
                    to = REGISTRAR;
                }
                self.carry(agent, to, &outbound);
            }
        }
    }

    /// Takes note of what an agent was told of its registrations.
    fn hear(&mut self, agent: usize) {
        for event in &self.agents[agent].events[self.told[agent]..] {
            if let DialogEvent::Registration(id, event) = event {
                self.registering.push((self.now, agent, Some(*id), Passed::Told(event.clone())));
            }
        }
        self.told[agent] = self.agents[agent].events.len();
    }

    fn carry(&mut self, from: usize, to: usize, outbound: &Outbound) {
        match self.fates[from].pop_front() {
            Some(Fate::Lost) => {}
            Some(Fate::Twice) => {
                self.fly(to, outbound, DELAY);
                self.fly(to, outbound, 3 * DELAY);
            }
            Some(Fate::Late(millis)) => self.fly(to, outbound, DELAY + u64::from(millis) * 1000),
            None => {
                for _ in 0..self.copies {
                    if self.random.up_to(99) >= self.loss {
                        self.fly(to, outbound, DELAY);
                    }
                }
            }
        }
    }

    fn fly(&mut self, to: usize, outbound: &Outbound, micros: u64) {
        let at = Tick::from_micros(self.now.as_micros() + micros);
        let place = self.flying.partition_point(|(before, _, _)| *before <= at);
        self.flying.insert(place, (at, to, outbound.clone()));
    }

    fn arrive(&mut self, at: usize, outbound: Outbound) {
        if at == REGISTRAR {
            let Some(wire) = self.registrar.receive(self.now, &outbound.wire) else { return };
            let hop = Hop { local: outbound.hop.remote, remote: outbound.hop.local, ..outbound.hop };
            let agent = usize::from(hop.remote == self.agents[1].local);
            return self.carry(REGISTRAR, agent, &Outbound { hop, wire });
        }
        if outbound.hop.local == registrar::address() {
            let response = Message::parse(outbound.wire.clone()).expect("a response");
            self.registering.push((self.now, at, None, Passed::Got(response)));
        }
        self.agents[at].datagram(self.now, outbound);
    }

    pub(crate) fn advance(&mut self, by: Duration) {
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
                    let (_, to, outbound) = self.flying.pop_front().expect("one is flying");
                    self.arrive(to, outbound);
                }
                (_, Some((_, agent, key))) => self.agents[agent].expire(self.now, key),
                (_, None) => break,
            }
            self.collect();
        }
        self.now = Tick::from_micros(target);
    }

    pub(crate) fn place(&mut self) -> LegId {
        self.place_with(false)
    }

    pub(crate) fn place_with(&mut self, offerless: bool) -> LegId {
        let leg = self.agents[0].ids.mint();
        let invite = Invite {
            registration: None,
            target: "sip:bob@192.0.2.20".parse().expect("a URI"),
            to: "<sip:bob@example.com>".parse().expect("an address"),
            from: "<sip:alice@example.com>".parse().expect("an address"),
            contact_user: Some("alice".into()),
            headers: Vec::new(),
            extensions: Vec::new(),
            ring_limit: Duration::from_mins(1),
            redirects: Invite::REDIRECTS,
            offerless,
        };
        self.command(0, DialogCommand::Place { leg, invite: Box::new(invite) });
        leg
    }

    pub(crate) fn refer(&mut self, leg: LegId) -> SubscriptionId {
        let subscription = self.agents[0].ids.mint();
        let refer_to = "sip:carol@192.0.2.30".parse().expect("a URI");
        self.command(
            0,
            DialogCommand::Leg(leg, LegCommand::Refer { subscription, refer: Refer::to(refer_to).into() }),
        );
        subscription
    }

    pub(crate) fn requested(&self) -> Option<SubscriptionId> {
        self.agents[1].events.iter().find_map(|event| match event {
            DialogEvent::Subscription(id, SubscriptionEvent::Requested(_)) => Some(*id),
            _ => None,
        })
    }

    pub(crate) fn answered_leg(&self) -> Option<LegId> {
        self.agents[1].events.iter().find_map(|event| match event {
            DialogEvent::Leg(leg, LegEvent::Incoming(_)) => Some(*leg),
            _ => None,
        })
    }
}
