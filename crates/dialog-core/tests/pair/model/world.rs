//! Two ends and the network between them, driven by transitions.

use std::time::Duration;

use dialog_core::{
    Account, Credential, DialogCommand, DialogConfig, DialogEvent, Invite, Keyring, LegCommand, LegEvent,
    LegId, Place, Refer, RegistrationCommand, RegistrationId, Reliability, Request, RequestCommand, Secret,
    SessionTimers, Subscribe, SubscriptionCommand, SubscriptionEvent, SubscriptionId,
};
use proptest_state_machine::StateMachineTest;
use sip_message::{Message, Method, NameAddrBuf, StatusCode, SubReason, UriBuf};

use crate::{
    net::Net,
    registrar::{self, Passed, REALM, Verdict},
};

use super::{
    belief::{Belief, Call},
    numbers::assert_rising,
    registering::Registering,
    transitions::{Ask, Asked, Reference, Transition},
};

/// Long enough for every transaction, back-off and retransmission to run out.
const QUIET: Duration = Duration::from_mins(3);

/// Long enough for every subscription to run out.
const LONG: Duration = Duration::from_hours(3);

/// Longer than a registration waits for its next try: the longest back-off, and the longest Retry-After here.
const LONGEST_WAIT: Duration = Duration::from_mins(90);

/// Any package but `refer`.
const PACKAGE: &str = "presence";

/// How long a call rings.
const RING: Duration = Duration::from_mins(1);

/// The system under test.
pub(crate) struct World {
    net: Net,
    beliefs: [Belief; 2],
    /// Who placed each call, and its leg there.
    placed: Vec<(usize, LegId)>,
    /// Who sent each REFER and SUBSCRIBE, and its subscription there.
    asked: Vec<(usize, SubscriptionId)>,
    /// Who began each registration, its name there, and what came of it.
    registrations: Vec<(usize, RegistrationId, Registering)>,
    /// Of what passed to the registrar and back, how much was taken in.
    passed: usize,
    /// Whether the registrar has gone when everybody is to unregister.
    gone: bool,
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
            packages: vec![PACKAGE.into()],
            requests: vec![Method::Info, Method::Message],
            keys: keys(),
            ..DialogConfig::default()
        });
        Self {
            net,
            beliefs: Default::default(),
            placed: Vec::new(),
            asked: Vec::new(),
            registrations: Vec::new(),
            passed: 0,
            gone: asked.gone,
        }
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
            Transition::Subscribe { by, expires } => self.subscribe(by, expires),
            Transition::Report { usage, last } => self.report(usage, last),
            Transition::Unsubscribe { usage } => self.unsubscribe(usage),
            Transition::Inform { by, call } => {
                if let Some(leg) = self.leg(by, call) {
                    self.send(by, Place::Leg(leg), Method::Info);
                }
            }
            Transition::Message { by } => {
                let place = Place::Outside {
                    target: target(1 - by, "somebody"),
                    to: address("somebody"),
                    from: address("somebody"),
                    registration: None,
                };
                self.send(by, place, Method::Message);
            }
            Transition::Register { by, seconds } => self.register(by, seconds),
            Transition::Refresh { registration } => {
                self.registration(registration, RegistrationCommand::Refresh);
            }
            Transition::Unregister { registration } => {
                self.registration(registration, RegistrationCommand::Unregister);
            }
            Transition::Answer(verdict) => self.net.registrar.verdicts.push_back(verdict),
            Transition::Break { whose } => self.net.breaks(whose),
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
        for (at, end, told, passed) in &self.net.registering[self.passed..] {
            for (number, (by, id, registering)) in self.registrations.iter_mut().enumerate() {
                let concerned = match (told, passed) {
                    (Some(told), _) => told == id,
                    (None, Passed::Sent(message) | Passed::Got(message)) => is_of(message, number),
                    (None, Passed::Broken | Passed::Told(_)) => true,
                };
                if by == end && concerned {
                    registering.learn(*at, passed);
                    let holds = |call_id: &str| self.net.registrar.holds(call_id, *at);
                    assert!(
                        !(registering.is_gone() && registering.call_id.as_deref().is_some_and(holds)),
                        "it was told that no binding is left: {registering:?}"
                    );
                }
            }
        }
        self.passed = self.net.registering.len();
        for (_, _, registering) in &self.registrations {
            registering.assert_in_time(self.net.now);
        }
    }

    fn register(&mut self, by: usize, seconds: u64) {
        let id = self.net.agents[by].ids.mint();
        let number = self.registrations.len().to_string();
        let mut account = Account::new(address(&number)).expect("an account");
        account.registrars = vec![format!("sip:{}", registrar::address()).parse().expect("a URI")];
        account.contact_user = Some(number.into());
        account.expires = Duration::from_secs(seconds);
        self.registrations.push((by, id, Registering::default()));
        let register = RegistrationCommand::Register(Box::new(account));
        self.net.command(by, DialogCommand::Registration(id, register));
    }

    fn registration(&mut self, number: usize, command: RegistrationCommand) {
        let (by, id, registering) = &mut self.registrations[number];
        registering.asked(matches!(command, RegistrationCommand::Unregister));
        self.net.command(*by, DialogCommand::Registration(*id, command));
    }

    fn place(&mut self, by: usize, offerless: bool) {
        let leg = self.net.agents[by].ids.mint();
        let invite = Invite {
            registration: None,
            target: target(1 - by, "somebody"),
            to: address(&self.placed.len().to_string()),
            from: address("somebody"),
            contact_user: None,
            headers: Vec::new(),
            extensions: Vec::new(),
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
        let number = self.asked.len();
        self.asked.push((by, subscription));
        let Some(leg) = self.leg(by, call) else { return };
        let refer_to = format!("sip:{number}@192.0.2.30").parse().expect("a URI");
        let refer = LegCommand::Refer { subscription, refer: Refer::to(refer_to).into() };
        self.net.command(by, DialogCommand::Leg(leg, refer));
    }

    fn subscribe(&mut self, by: usize, expires: u32) {
        let id = self.net.agents[by].ids.mint();
        let number = self.asked.len().to_string();
        self.asked.push((by, id));
        let subscribe = Subscribe {
            target: target(1 - by, &number),
            to: address(&number),
            from: address("somebody"),
            contact_user: None,
            registration: None,
            package: PACKAGE.into(),
            id: None,
            accept: Vec::new(),
            expires,
            headers: Vec::new(),
            body: None,
        };
        let subscribe = SubscriptionCommand::Subscribe(Box::new(subscribe));
        self.net.command(by, DialogCommand::Subscription(id, subscribe));
    }

    /// Who got the REFER or SUBSCRIBE, its subscription there, and whether it was a REFER.
    fn notifier(&self, usage: usize) -> Option<(usize, SubscriptionId, bool)> {
        let end = 1 - self.asked[usage].0;
        let number = usage.to_string();
        self.net.agents[end].events.iter().find_map(|event| {
            let DialogEvent::Subscription(id, event) = event else { return None };
            let (uri, refer) = match event {
                SubscriptionEvent::Requested(it) => (&it.target, true),
                SubscriptionEvent::Subscribed(it) => (&it.request_uri, false),
                _ => return None,
            };
            (uri.as_uri().user() == Some(&number)).then_some((end, *id, refer))
        })
    }

    fn report(&mut self, usage: usize, last: bool) {
        let Some((by, id, refer)) = self.notifier(usage) else { return };
        let command = match (refer, last) {
            (true, true) => SubscriptionCommand::Report {
                status: StatusCode::OK,
                headers: Vec::new(),
                last: Some(SubReason::Noresource),
            },
            (true, false) => {
                SubscriptionCommand::Report { status: StatusCode::RINGING, headers: Vec::new(), last: None }
            }
            (false, true) => {
                let reason = SubReason::Noresource;
                SubscriptionCommand::Terminate { reason, retry_after: None, body: None }
            }
            (false, false) => SubscriptionCommand::Notify { body: None },
        };
        self.net.command(by, DialogCommand::Subscription(id, command));
    }

    fn unsubscribe(&mut self, usage: usize) {
        let (by, id) = self.asked[usage];
        self.net.command(by, DialogCommand::Subscription(id, SubscriptionCommand::Unsubscribe));
    }

    fn send(&mut self, by: usize, place: Place, method: Method) {
        let id = self.net.agents[by].ids.mint();
        self.beliefs[by].requests.insert(id);
        let request = Request { place, method, headers: Vec::new(), extensions: Vec::new(), body: None };
        let send = RequestCommand::Send(Box::new(request));
        self.net.command(by, DialogCommand::Request(id, send));
    }

    /// Lets the network heal and everything run out, and compares what both ends believe.
    pub(crate) fn comes_to_rest(mut self) {
        self.net.registrar.verdicts.clear();
        self.net.fates.iter_mut().for_each(std::collections::VecDeque::clear);
        for end in 0..2 {
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
        for usage in 0..self.asked.len() {
            self.report(usage, true);
            self.unsubscribe(usage);
        }
        self.pass(LONGEST_WAIT);
        self.assert_registered();
        if self.gone {
            self.net.registrar.verdicts = [Verdict::Silence; 8].into();
        }
        for number in 0..self.registrations.len() {
            self.registration(number, RegistrationCommand::Unregister);
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

    /// Every registration that is to last stands, at both ends: the registrar has granted what it was asked for.
    fn assert_registered(&self) {
        for (_, _, registering) in self.registrations.iter().filter(|(_, _, it)| it.is_lasting()) {
            let call_id = registering.call_id.as_deref().expect("a REGISTER was sent");
            assert!(registering.is_bound(), "{registering:?}");
            assert!(self.net.registrar.holds(call_id, self.net.now), "{registering:?}");
        }
    }

    fn assert_nothing_left(&self) {
        for (_, _, registering) in &self.registrations {
            assert!(registering.is_over(), "{registering:?}");
        }
        for (agent, belief) in self.net.agents.iter().zip(&self.beliefs) {
            for (leg, call) in &belief.calls {
                assert!(call.is_over(), "{leg:?} has not ended: {call:#?}");
            }
            for (id, over) in &belief.subscriptions {
                let began = agent.count(|event| matches!(event, DialogEvent::Subscription(it, event) if it == id && !matches!(event, SubscriptionEvent::Misused(_)))) > 0;
                assert!(*over || !began, "{id:?} has not ended");
            }
            assert!(belief.requests.is_empty(), "{:?} have no outcome", belief.requests);
            assert!(agent.is_clean(), "{:?} {:#?}", agent.timers, agent.dialogs);
            assert_rising(&agent.log);
        }
    }
}

fn keys() -> Keyring {
    let mut keys = Keyring::new();
    let key = Credential::of_realm(REALM, "somebody", Secret::password("secret"));
    keys.add(key).expect("there is room for one");
    keys
}

/// Whether a REGISTER, or its response, is of the registration with this number.
fn is_of(message: &Message, number: usize) -> bool {
    let from = message.from().expect("a From");
    from.uri.user() == Some(&number.to_string())
}

fn target(end: usize, user: &str) -> UriBuf {
    let host = ["192.0.2.1", "192.0.2.20"][end];
    format!("sip:{user}@{host}").parse().expect("a URI")
}

fn address(user: &str) -> NameAddrBuf {
    format!("<sip:{user}@example.com>").parse().expect("an address")
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
