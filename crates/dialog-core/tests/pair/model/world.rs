//! Two ends and the network between them, driven by transitions.

use std::time::Duration;

use dialog_core::{
    DialogCommand, DialogConfig, DialogEvent, Invite, LegCommand, LegEvent, LegId, Reliability,
    SessionTimers, SubscriptionCommand, SubscriptionEvent, SubscriptionId,
};
use proptest_state_machine::StateMachineTest;
use sip_message::{StatusCode, SubReason};

use crate::net::Net;

use super::{
    belief::{Belief, Call},
    numbers::assert_rising,
    transitions::{Ask, Asked, Reference, Transition},
};

/// Long enough for every transaction, back-off and retransmission to run out.
const QUIET: Duration = Duration::from_mins(3);

/// Long enough for every subscription to run out.
const LONG: Duration = Duration::from_hours(3);

/// How long a call rings.
const RING: Duration = Duration::from_mins(1);

/// The system under test.
pub(crate) struct World {
    net: Net,
    beliefs: [Belief; 2],
    /// Who placed each call, and its leg there.
    placed: Vec<(usize, LegId)>,
    /// Who sent each REFER, and its subscription there.
    referred: Vec<(usize, SubscriptionId)>,
}

impl World {
    pub(crate) fn new(asked: &Asked) -> Self {
        let net = Net::silent(asked.seed, |end| DialogConfig {
            reliability: if asked.reliable[end] {
                Reliability::WhenSupported
            } else {
                Reliability::default()
            },
            session_timers: match asked.interval[end] {
                Some(interval) => SessionTimers::Offered { interval },
                None => SessionTimers::Off,
            },
            ..DialogConfig::default()
        });
        Self { net, beliefs: Default::default(), placed: Vec::new(), referred: Vec::new() }
    }

    pub(crate) fn does(&mut self, transition: &Transition) {
        match *transition {
            Transition::Place { by, offerless } => self.place(by, offerless),
            Transition::Call { by, call, ask } => {
                if let Some(leg) = self.leg(by, call) {
                    self.ask(by, leg, ask);
                }
            }
            Transition::Refer { by, call } => self.refer(by, call),
            Transition::Report { refer, last } => {
                if let Some((by, id)) = self.notifier(refer) {
                    self.net.command(by, DialogCommand::Subscription(id, report(last)));
                }
            }
            Transition::Unsubscribe { refer } => {
                let (by, id) = self.referred[refer];
                self.net.command(by, DialogCommand::Subscription(id, SubscriptionCommand::Unsubscribe));
            }
            Transition::Able { who, follows, describes } => {
                let agent = &mut self.net.agents[who];
                (agent.follows, agent.describes) = (follows, describes);
            }
            Transition::Network { from, next, fate } => {
                self.net.fates[from].extend(std::iter::repeat_n(fate, next));
            }
            Transition::Pass { millis } => self.net.advance(Duration::from_millis(millis)),
        }
        self.learn();
    }

    fn learn(&mut self) {
        for (belief, agent) in self.beliefs.iter_mut().zip(&self.net.agents) {
            belief.learn(&agent.events, &agent.said);
        }
    }

    fn place(&mut self, by: usize, offerless: bool) {
        let leg = self.net.agents[by].ids.mint();
        let target = ["sip:alice@192.0.2.1", "sip:bob@192.0.2.20"][1 - by];
        let invite = Invite {
            target: target.parse().expect("a URI"),
            to: format!("<sip:{}@example.com>", self.placed.len()).parse().expect("an address"),
            from: "<sip:somebody@example.com>".parse().expect("an address"),
            contact_user: None,
            headers: Vec::new(),
            ring_limit: RING,
            redirects: Invite::REDIRECTS,
            offerless,
        };
        self.placed.push((by, leg));
        self.net.command(by, DialogCommand::Place { leg, invite: Box::new(invite) });
    }

    /// The leg of a call at an end, if the end knows it.
    fn leg(&self, end: usize, call: usize) -> Option<LegId> {
        let (by, leg) = self.placed[call];
        if by == end {
            return Some(leg);
        }
        let number = call.to_string();
        self.net.agents[end].events.iter().find_map(|event| match event {
            DialogEvent::Leg(leg, LegEvent::Incoming(incoming))
                if incoming.to.uri.as_uri().user() == Some(&number) =>
            {
                Some(*leg)
            }
            _ => None,
        })
    }

    fn call(&self, end: usize, call: usize) -> Option<&Call> {
        self.beliefs[end].calls.get(&self.leg(end, call)?)
    }

    fn ask(&mut self, by: usize, leg: LegId, ask: Ask) {
        let command = match ask {
            Ask::Ring => LegCommand::Ring,
            Ask::Progress => LegCommand::Progress,
            Ask::Accept => LegCommand::Accept { contact_user: None },
            Ask::Reject => LegCommand::Reject { status: StatusCode::BUSY_HERE, retry_after: None },
            Ask::Reoffer { seconds } => {
                self.beliefs[by].wish(leg);
                LegCommand::Reoffer { limit: Duration::from_secs(seconds) }
            }
            Ask::Unacceptable => LegCommand::Unacceptable { status: StatusCode::NOT_ACCEPTABLE_HERE },
            Ask::HangUp => LegCommand::HangUp { reason: None },
        };
        self.net.command(by, DialogCommand::Leg(leg, command));
    }

    fn refer(&mut self, by: usize, call: usize) {
        let subscription = self.net.agents[by].ids.mint();
        let number = self.referred.len();
        self.referred.push((by, subscription));
        let Some(leg) = self.leg(by, call) else { return };
        let refer_to = format!("sip:{number}@192.0.2.30").parse().expect("a URI");
        let refer = LegCommand::Refer { subscription, refer_to, referred_by: None };
        self.net.command(by, DialogCommand::Leg(leg, refer));
    }

    /// Who got a REFER, and its subscription there.
    fn notifier(&self, refer: usize) -> Option<(usize, SubscriptionId)> {
        let end = 1 - self.referred[refer].0;
        let number = refer.to_string();
        self.net.agents[end].events.iter().find_map(|event| match event {
            DialogEvent::Subscription(id, SubscriptionEvent::Requested(it))
                if it.target.as_uri().user() == Some(&number) =>
            {
                Some((end, *id))
            }
            _ => None,
        })
    }

    /// Lets the network heal and everything run out, and compares what both ends believe.
    pub(crate) fn comes_to_rest(mut self) {
        for end in 0..2 {
            self.net.fates[end].clear();
            (self.net.agents[end].follows, self.net.agents[end].describes) = (true, true);
        }
        self.pass(QUIET);
        for belief in &mut self.beliefs {
            belief.calls.values_mut().for_each(Call::wishes_are_over);
        }
        // Where all of a BYE was lost, the next request of the other end shows it (RFC 5057 §5.1).
        self.at_each_end(World::asks_again);
        self.pass(QUIET);
        for call in 0..self.placed.len() {
            self.assert_agreed(call);
        }
        self.at_each_end(World::hangs_up);
        for refer in 0..self.referred.len() {
            if let Some((by, id)) = self.notifier(refer) {
                self.net.command(by, DialogCommand::Subscription(id, report(true)));
            }
        }
        self.pass(LONG);
        self.assert_nothing_left();
    }

    fn pass(&mut self, time: Duration) {
        self.net.advance(time);
        self.learn();
    }

    fn at_each_end(&mut self, act: fn(&mut Self, usize, LegId)) {
        for end in 0..2 {
            for call in 0..self.placed.len() {
                if let Some(leg) = self.leg(end, call) {
                    act(self, end, leg);
                    self.learn();
                }
            }
        }
    }

    fn asks_again(&mut self, end: usize, leg: LegId) {
        if self.beliefs[end].calls.get(&leg).is_some_and(Call::is_up) {
            self.ask(end, leg, Ask::Reoffer { seconds: 30 });
        }
    }

    fn hangs_up(&mut self, end: usize, leg: LegId) {
        self.ask(end, leg, Ask::HangUp);
    }

    fn assert_agreed(&self, call: usize) {
        let (Some(one), Some(other)) = (self.call(0, call), self.call(1, call)) else { return };
        assert_eq!(one.is_up(), other.is_up(), "call {call} is up at one end only: {one:#?} {other:#?}");
        for end in [one, other] {
            assert!(!(end.is_up() && end.is_open()), "call {call}: an offer is open: {end:#?}");
        }
        if one.is_up() {
            assert!(one.agreed().is_some(), "call {call} is up without a description: {one:#?}");
            assert_eq!(one.agreed(), other.agreed(), "call {call}");
        }
    }

    fn assert_nothing_left(&self) {
        for (agent, belief) in self.net.agents.iter().zip(&self.beliefs) {
            for (leg, call) in &belief.calls {
                assert!(call.is_over(), "{leg:?} has not ended: {call:#?}");
            }
            for (id, over) in &belief.subscriptions {
                let began = agent.count(|event| matches!(event, DialogEvent::Subscription(it, event) if it == id && !matches!(event, SubscriptionEvent::Misused(_)))) > 0;
                assert!(*over || !began, "{id:?} has not ended");
            }
            assert!(agent.is_clean(), "{:?} {:#?}", agent.timers, agent.dialogs);
            assert_rising(&agent.log);
        }
    }
}

fn report(last: bool) -> SubscriptionCommand {
    if last {
        SubscriptionCommand::Report { status: StatusCode::OK, last: Some(SubReason::Noresource) }
    } else {
        SubscriptionCommand::Report { status: StatusCode::RINGING, last: None }
    }
}

impl StateMachineTest for World {
    type SystemUnderTest = Self;
    type Reference = Reference;

    fn init_test(asked: &Asked) -> Self {
        Self::new(asked)
    }

    fn apply(mut world: Self, _: &Asked, transition: Transition) -> Self {
        world.does(&transition);
        world
    }

    fn teardown(world: Self, _: Asked) {
        world.comes_to_rest();
    }
}
