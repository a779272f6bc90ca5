//! Plays a scenario: is the application of every party, and judges what came of it.

use std::{collections::BTreeMap, time::Duration};

use media_core::Source;
use session_core::{
    EventKind, SessionEvent, SessionId,
    engine::{CallOptions, Command, CommandId, Delivery, EngineConfig, MediaMode, Output},
    outcome_name,
};
use sip_message::{NameAddrBuf, UriBuf};
use transfer::{Decision, OutcomeKind, ReferPolicy, TransferId, TransferPolicy};

use crate::{
    journal::{Journal, What},
    node::Node,
    scenario::{Action, Expectation, OnCall, OnRefer, Party, Scenario, When},
    seed::Seed,
    world::{News, Told, World},
};

/// How long everything may take after the last command of an application: the transfer itself, then CANCEL or BYE, then
/// what remembers ended dialogs, each 64*T1 at most, and the last subscription.
pub const SETTLING: Duration = Duration::from_mins(10);

/// More steps than any run needs: a run that does not come to rest must not go on for ever.
const MOST_STEPS: usize = 4_000_000;

/// What came of a run.
#[derive(Debug)]
pub struct Played {
    /// Everything that happened.
    pub journal: Journal,
    /// The parties' names.
    pub names: Vec<String>,
    /// When everybody hung up.
    pub ended: Duration,
    /// When the world came to rest.
    pub rested: Duration,
    /// What was not as it should be: left over, or never at rest.
    pub faults: Vec<String>,
    /// What was not as the scenario expects.
    pub unexpected: Vec<String>,
}

/// Plays a scenario with a seed.
pub fn play(scenario: &Scenario, seed: u64) -> Played {
    Player::new(scenario, seed, true).play()
}

/// The same without a journal and without expectations; the number of steps. For measurements.
pub fn play_unobserved(scenario: &Scenario, seed: u64) -> usize {
    let mut player = Player::new(scenario, seed, false);
    player.run(scenario.end);
    player.hang_up_all();
    player.run(scenario.end + SETTLING);
    player.steps
}

/// The SIP URI of a party: its name at its address.
///
/// # Panics
///
/// If the name cannot stand in a URI; the scenario's reader takes only words that can.
pub fn uri_of(party: usize, name: &str) -> UriBuf {
    let uri = format!("sip:{name}@{}", Node::address_of(party));
    // invariant: names of parties are single words that were read by the scenario's reader.
    uri.parse().expect("invariant: a URI of a name and an address")
}

/// The tone that a party sends, in Hz.
pub fn tone_of(party: usize) -> u16 {
    [440, 600, 800, 1000][party % 4]
}

fn config(scenario: &Scenario, number: usize, party: &Party) -> EngineConfig {
    let mut policy = TransferPolicy {
        refer: match party.refers {
            OnRefer::Deny => ReferPolicy::Deny,
            OnRefer::Allow => ReferPolicy::Allow,
            OnRefer::Ask => ReferPolicy::Ask,
        },
        ring_limit: party.ring_limit,
        ..TransferPolicy::default()
    };
    // invariant: a block of documentation addresses (RFC 5737), written correctly.
    policy.targets.networks.push("192.0.2.0/24".parse().expect("invariant: a network"));
    let mut config = EngineConfig::new(NameAddrBuf::from(uri_of(number, &party.name)));
    config.policy = policy;
    config.media = if scenario.rtp { MediaMode::On } else { MediaMode::Off };
    config.source = Source::Tone { hz: tone_of(number) };
    config.ring_limit = party.ring_limit;
    config.hold_before_transfer = party.hold;
    config
}

/// What an application does later.
#[derive(Debug, Clone, Copy)]
enum Plan {
    Step(usize),
    Answer(SessionId),
}

/// What an application knows.
#[derive(Debug, Default)]
struct Known {
    calls: Vec<SessionId>,
    established: Vec<SessionId>,
    ended: Vec<SessionId>,
    transfers: Vec<TransferId>,
    outcomes: Vec<(TransferId, OutcomeKind, &'static str)>,
    events: BTreeMap<&'static str, u32>,
}

impl Known {
    /// The first call of this party, if it has not ended.
    fn first(&self) -> Option<SessionId> {
        self.calls.first().copied().filter(|call| !self.ended.contains(call))
    }

    fn up(&self) -> usize {
        self.established.iter().filter(|call| !self.ended.contains(call)).count()
    }
}

struct Player<'a> {
    scenario: &'a Scenario,
    world: World,
    seed: Seed,
    plans: Vec<Plan>,
    known: Vec<Known>,
    asked: BTreeMap<CommandId, (usize, String)>,
    steps: usize,
    closing: bool,
}

impl<'a> Player<'a> {
    fn new(scenario: &'a Scenario, seed: u64, keep: bool) -> Self {
        let mut world = World::new(seed, scenario.faults.clone(), keep);
        for (number, party) in scenario.parties.iter().enumerate() {
            world.add(&party.name, config(scenario, number, party));
        }
        let known = scenario.parties.iter().map(|_| Known::default()).collect();
        let mut player = Self {
            scenario,
            world,
            seed: Seed::new(seed, 0x99),
            plans: Vec::new(),
            known,
            asked: BTreeMap::new(),
            steps: 0,
            closing: false,
        };
        for number in 0..scenario.steps.len() {
            if scenario.steps[number].when == When::Start {
                player.plan_step(number);
            }
        }
        player
    }

    fn play(mut self) -> Played {
        self.run(self.scenario.end);
        let ended = self.world.now();
        let mut unexpected = self.unexpected();
        self.hang_up_all();
        self.run(ended + SETTLING);
        unexpected.extend(self.unexpected_events());
        let faults = self.left_over();
        Played {
            names: self.scenario.parties.iter().map(|party| party.name.clone()).collect(),
            rested: self.world.now(),
            ended,
            faults,
            unexpected,
            journal: self.world.take_journal(),
        }
    }

    /// Lets the world go on until a time, or until nothing happens any more.
    fn run(&mut self, until: Duration) {
        loop {
            while let Some(news) = self.world.news() {
                self.told(news);
            }
            if self.steps >= MOST_STEPS {
                return;
            }
            if self.world.next().is_none_or(|next| next > until) {
                if !self.closing {
                    self.world.pass(until);
                }
                return;
            }
            self.world.step();
            self.steps += 1;
        }
    }

    fn hang_up_all(&mut self) {
        self.closing = true;
        for party in 0..self.known.len() {
            self.ask(party, Command::HangUpAll, "hang-up-all".to_owned());
        }
    }

    fn plan(&mut self, party: usize, after: Duration, plan: Plan) {
        self.plans.push(plan);
        self.world.wake(party, after, self.plans.len() - 1);
    }

    fn plan_step(&mut self, number: usize) {
        let step = &self.scenario.steps[number];
        let after = self.seed.within(step.after);
        self.plan(step.party, after, Plan::Step(number));
    }

    fn told(&mut self, news: News) {
        let party = news.node;
        match news.what {
            Told::Event(event) => self.event(party, &event),
            Told::Output(Output::Deliver(Delivery::Call { session, .. })) => self.incoming(party, session),
            Told::Output(Output::Reply { id, result }) => {
                let asked = self.asked.remove(&id);
                if let (Err(error), Some((_, what))) = (result, asked) {
                    self.world.note(party, What::Refused(format!("{what}: {error}")));
                }
            }
            // A transfer to decide about is known by its event.
            Told::Output(_) => {}
            Told::Woken(token) => match self.plans[token] {
                Plan::Step(number) => self.act(party, self.scenario.steps[number].action),
                Plan::Answer(session) if !self.known[party].ended.contains(&session) => {
                    self.ask(party, Command::Answer { session, source: None }, "answer".to_owned());
                }
                Plan::Answer(_) => {}
            },
        }
    }

    fn event(&mut self, party: usize, event: &SessionEvent) {
        let known = &mut self.known[party];
        if let Some(session) = event.session
            && !known.calls.contains(&session)
        {
            known.calls.push(session);
        }
        if let Some(transfer) = event.transfer
            && !known.transfers.contains(&transfer)
        {
            known.transfers.push(transfer);
        }
        match (&event.kind, event.session, event.transfer) {
            (EventKind::Established { .. }, Some(session), _) => known.established.push(session),
            (EventKind::CallEnded { .. }, Some(session), _) => known.ended.push(session),
            (EventKind::TransferEnded(outcome), _, Some(transfer)) => {
                known.outcomes.push((transfer, outcome.kind, event.learned_from().unwrap_or_default()));
            }
            _ => {}
        }
        let name = event.name();
        let count = known.events.entry(name).or_default();
        *count += 1;
        let now = When::Event { party, name: name.to_owned(), nth: *count };
        if !self.closing {
            for number in 0..self.scenario.steps.len() {
                if self.scenario.steps[number].when == now {
                    self.plan_step(number);
                }
            }
        }
    }

    fn incoming(&mut self, party: usize, session: SessionId) {
        match self.scenario.parties[party].calls {
            OnCall::Ignore => {}
            OnCall::Ring => self.ask(party, Command::Ring { session }, "ring".to_owned()),
            OnCall::Answer(after) => {
                self.ask(party, Command::Ring { session }, "ring".to_owned());
                let after = self.seed.within(after);
                self.plan(party, after, Plan::Answer(session));
            }
            OnCall::Reject(status) => {
                self.ask(party, Command::Reject { session, status }, "reject".to_owned());
            }
        }
    }

    fn act(&mut self, party: usize, action: Action) {
        let known = &self.known[party];
        let first = known.first();
        let transfer = known.transfers.last().copied();
        let name = |number: usize| self.scenario.parties[number].name.clone();
        let (what, command) = match (action, first, transfer) {
            (Action::Call(whom), _, _) => {
                let command =
                    Command::Call { target: uri_of(whom, &name(whom)), options: CallOptions::default() };
                (format!("call {}", name(whom)), Some(command))
            }
            (Action::Blind(whom), Some(session), _) => (
                format!("blind {}", name(whom)),
                Some(Command::Blind { session, target: uri_of(whom, &name(whom)) }),
            ),
            (Action::HangUp, Some(session), _) => ("hang-up".to_owned(), Some(Command::HangUp { session })),
            (Action::HangUpAll, _, _) => ("hang-up-all".to_owned(), Some(Command::HangUpAll)),
            (Action::Hold, Some(session), _) => ("hold".to_owned(), Some(Command::Hold { session })),
            (Action::Resume, Some(session), _) => ("resume".to_owned(), Some(Command::Resume { session })),
            (Action::CancelTransfer, _, Some(transfer)) => {
                ("cancel-transfer".to_owned(), Some(Command::CancelTransfer { transfer }))
            }
            (Action::AcceptTransfer, _, Some(transfer)) => {
                ("accept-transfer".to_owned(), Some(Command::Decide { transfer, decision: Decision::Accept }))
            }
            (Action::RejectTransfer, _, Some(transfer)) => {
                ("reject-transfer".to_owned(), Some(Command::Decide { transfer, decision: Decision::Reject }))
            }
            (action, _, _) => (format!("{action:?}"), None),
        };
        match command {
            Some(command) => self.ask(party, command, what),
            None => self.world.note(party, What::Refused(format!("{what}: there is nothing to do it with"))),
        }
    }

    fn ask(&mut self, party: usize, command: Command, what: String) {
        self.world.note(party, What::Asked(what.clone()));
        let id = self.world.command(party, command);
        self.asked.insert(id, (party, what));
    }

    /// What should not be there once everybody has hung up and all timers have run.
    fn left_over(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if let Some(next) = self.world.next() {
            faults.push(format!("not at rest: something is due at {next:?}"));
        }
        for node in self.world.nodes() {
            let left = node.engine().leftovers();
            if !left.is_empty() {
                faults.push(format!("{} has left: {left:?}", node.name()));
            }
            if !node.streams().is_empty() {
                faults.push(format!("{} has RTP streams left", node.name()));
            }
        }
        for (party, what) in self.asked.values() {
            faults.push(format!("{}: no reply to {what}", self.scenario.parties[*party].name));
        }
        faults
    }

    fn unexpected(&self) -> Vec<String> {
        let name = |party: usize| &self.scenario.parties[party].name;
        let mut unexpected = Vec::new();
        for expectation in &self.scenario.expectations {
            match expectation {
                Expectation::Calls { party, count } if self.known[*party].up() != *count => {
                    unexpected.push(format!(
                        "{} has {} calls, not {count}",
                        name(*party),
                        self.known[*party].up()
                    ));
                }
                Expectation::Hears { party, hz } => {
                    let heard = self.heard(*party);
                    if self.scenario.rtp && heard.is_none_or(|heard| heard.abs_diff(*hz) > 10) {
                        unexpected.push(format!("{} hears {heard:?}, not {hz} Hz", name(*party)));
                    }
                }
                Expectation::Calls { .. } | Expectation::Outcome { .. } | Expectation::Event { .. } => {}
            }
        }
        unexpected
    }

    fn unexpected_events(&self) -> Vec<String> {
        let name = |party: usize| &self.scenario.parties[party].name;
        let mut unexpected = Vec::new();
        for expectation in &self.scenario.expectations {
            match expectation {
                Expectation::Outcome { party, outcomes, learned_from } => {
                    let fits = |wanted: &[String], is: &str| {
                        wanted.is_empty() || wanted.iter().any(|wanted| wanted == is)
                    };
                    let first = self.known[*party].outcomes.first();
                    let found = first.map(|(_, kind, learned)| (outcome_name(*kind), *learned));
                    if !found
                        .is_some_and(|(kind, learned)| fits(outcomes, kind) && fits(learned_from, learned))
                    {
                        let wanted = (outcomes.join("|"), learned_from.join("|"));
                        unexpected.push(format!("{}: outcome {found:?}, not {wanted:?}", name(*party)));
                    }
                }
                Expectation::Event { party, name: event, count } => {
                    let told = self.known[*party].events.get(event.as_str()).copied().unwrap_or_default();
                    if told as usize != *count {
                        unexpected.push(format!("{}: {event} told {told} times, not {count}", name(*party)));
                    }
                }
                Expectation::Calls { .. } | Expectation::Hears { .. } => {}
            }
        }
        unexpected
    }

    /// The tone that the party's ears hear: of the first stream with a device on which any is heard.
    fn heard(&self, party: usize) -> Option<u16> {
        let streams = self.world.nodes()[party].streams();
        let now = media_core::Tick(self.world.now().as_micros() as u64);
        let devices = streams.streams().filter_map(|stream| streams.snapshot(stream)?.device);
        devices.filter_map(|device| streams.hearing_at(device, now)).find_map(|heard| heard.tone)
    }
}
