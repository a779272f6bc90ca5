//! Plays a scenario: is the application of every party, and judges what came of it.

mod acting;
mod expectations;
mod known;
mod scripts;
mod settings;
mod stock;

use std::{collections::BTreeMap, time::Duration};

use session_core::{
    SessionEvent, SessionId,
    engine::{Command, CommandId, Delivery, Leftovers, Output, Reply},
};
use sip_transport::Transport;

use crate::{
    journal::{Journal, What},
    scenario::{OnCall, Scenario, When},
    seed::Seed,
    world::{News, Told, World},
};

use known::Known;
pub use known::name_in;
pub use settings::{tone_of, uri_for, uri_of};
pub use stock::CallAtEnd;

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
    /// Which of them have no engine.
    pub scripted: Vec<bool>,
    /// Which of them started anew on the way, or stopped.
    pub restarted: Vec<bool>,
    /// The calls that were up when everybody hung up, by party.
    pub at_end: Vec<Vec<CallAtEnd>>,
    /// When everybody hung up.
    pub ended: Duration,
    /// When the world came to rest.
    pub rested: Duration,
    /// What was not as it should be: left over, or never at rest.
    pub faults: Vec<String>,
    /// What was not as the scenario expects.
    pub unexpected: Vec<String>,
}

impl Played {
    /// Whether a party may break every rule: one that is scripted, or has forgotten what it did.
    pub fn is_lawless(&self, node: usize) -> bool {
        self.scripted[node] || self.restarted[node]
    }
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

/// What an application does later.
#[derive(Debug, Clone, Copy)]
enum Plan {
    Step { number: usize, about: Option<usize> },
    Answer(SessionId),
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
    restarted: Vec<bool>,
}

impl<'a> Player<'a> {
    fn new(scenario: &'a Scenario, seed: u64, keep: bool) -> Self {
        let mut world = World::new(seed, scenario.faults.clone(), keep);
        for (number, party) in scenario.parties.iter().enumerate() {
            if party.is_scripted() {
                world.add_scripted(&party.name, &party.listens);
            } else {
                world.add(&party.name, settings::config(scenario, number, party), &party.listens);
            }
        }
        if scenario.parties.iter().any(|party| party.listens != [Transport::Udp])
            || !scenario.faults.restarts.is_empty()
            || !scenario.faults.stops.is_empty()
        {
            world.plan_faults();
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
            restarted: vec![false; scenario.parties.len()],
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
        let at_end = self.take_stock();
        let mut unexpected = self.unexpected(&at_end);
        self.hang_up_all();
        self.run(ended + SETTLING);
        let mut faults = self.connections_in_doubt();
        // Live connections ping each other for ever.
        self.world.close_connections();
        self.run(ended + 2 * SETTLING);
        unexpected.extend(self.unexpected_events());
        faults.extend(self.left_over());
        Played {
            names: self.scenario.parties.iter().map(|party| party.name.clone()).collect(),
            scripted: self.scenario.parties.iter().map(crate::scenario::Party::is_scripted).collect(),
            restarted: self.restarted,
            at_end,
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
        let scenario = self.scenario;
        let engines = (0..self.known.len()).filter(|party| !scenario.parties[*party].is_scripted());
        for party in engines {
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
        self.plan(step.party, after, Plan::Step { number, about: None });
    }

    fn told(&mut self, news: News) {
        let party = news.node;
        match news.what {
            Told::Event(event) => self.event(party, &event),
            Told::Output(Output::Deliver(Delivery::Call { session, .. })) => self.incoming(party, session),
            Told::Output(Output::Reply { id, result }) => {
                let asked = self.asked.remove(&id);
                match (result, asked) {
                    (Err(error), Some((_, what))) => {
                        self.known[party].refused += 1;
                        self.world.note(party, || What::Refused(format!("{what}: {error}")));
                    }
                    (Ok(Reply::Registration(id)), _) => self.known[party].registration = Some(id),
                    (Ok(_), _) | (Err(_), None) => {}
                }
            }
            Told::Came(came) => self.came(party, &came),
            // A transfer to decide about is known by its event.
            Told::Output(_) => {}
            Told::Restarted | Told::Stopped => {
                self.known[party] = Known::default();
                self.asked.retain(|_, (whose, _)| *whose != party);
                self.restarted[party] = true;
            }
            Told::Woken(token) => match self.plans[token] {
                Plan::Step { number, about } => {
                    let scenario = self.scenario;
                    self.act(party, &scenario.steps[number].action, about);
                }
                Plan::Answer(session) if !self.known[party].has_ended(session) => {
                    self.ask(party, Command::Answer { session, source: None }, "answer".to_owned());
                }
                Plan::Answer(_) => {}
            },
        }
    }

    fn event(&mut self, party: usize, event: &SessionEvent) {
        let nth = self.known[party].learn(event);
        if self.closing {
            return;
        }
        for (number, step) in self.scenario.steps.iter().enumerate() {
            if step.when.is_event(party, event.name(), nth) {
                self.plan_step(number);
            }
        }
    }

    fn incoming(&mut self, party: usize, session: SessionId) {
        match self.scenario.parties[party].calls {
            OnCall::Ignore | OnCall::Scripted => {}
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

    fn ask(&mut self, party: usize, command: Command, what: String) {
        if self.world.is_gone(party) {
            return;
        }
        self.world.note(party, || What::Asked(what.clone()));
        let id = self.world.command(party, command);
        self.asked.insert(id, (party, what));
    }

    /// Whether an engine knows other connections than there are, or has more to do than to keep them alive, once everybody
    /// has hung up.
    fn connections_in_doubt(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (number, node) in self.world.engines() {
            let (known, there) = (node.engine().connections(), self.world.connections_of(number));
            if known != there {
                faults.push(format!("{} knows {known} connections, and has {there}", node.name()));
            }
            let left = node.engine().leftovers();
            // One for idleness, one for keep-alives.
            let left = Leftovers { timers: left.timers.saturating_sub(2 * there), ..left };
            if there > 0 && !left.is_empty() {
                faults.push(format!("{} has left beside its connections: {left:?}", node.name()));
            }
        }
        faults
    }

    /// What should not be there once everybody has hung up and all timers have run.
    fn left_over(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if let Some(next) = self.world.next() {
            faults.push(format!("not at rest: something is due at {next:?}"));
        }
        for (_, node) in self.world.engines() {
            let left = node.engine().leftovers();
            if !left.is_empty() {
                faults.push(format!("{} has left: {left:?}", node.name()));
            }
            if node.streams().is_some_and(|streams| !streams.is_empty()) {
                faults.push(format!("{} has RTP streams left", node.name()));
            }
        }
        for (party, what) in self.asked.values() {
            faults.push(format!("{}: no reply to {what}", self.scenario.parties[*party].name));
        }
        faults
    }
}
