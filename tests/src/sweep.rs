//! Random runs: the scenarios of the random world in every network over many seeds, each judged by the invariants.

use std::collections::BTreeMap;

use sip_transport::Transport;

use crate::{
    check, crowd, ladder,
    network::Faults,
    play,
    scenario::{Scenario, ScenarioError},
};

/// A kind of transfer, with the scenarios of the random world that play it, by name.
pub type Kind = (&'static str, [(&'static str, &'static str); 7]);

/// The scenarios of the random world.
pub const KINDS: [Kind; 4] = [
    (
        "blind",
        [
            ("blind", include_str!("../scenarios/random/blind.scn")),
            ("target-busy", include_str!("../scenarios/random/target-busy.scn")),
            ("target-silent", include_str!("../scenarios/random/target-silent.scn")),
            ("crossing-bye", include_str!("../scenarios/random/crossing-bye.scn")),
            ("cancel", include_str!("../scenarios/random/cancel.scn")),
            ("hang-up", include_str!("../scenarios/random/hang-up.scn")),
            ("hold-glare", include_str!("../scenarios/random/hold-glare.scn")),
        ],
    ),
    (
        "attended",
        [
            ("attended", include_str!("../scenarios/random/attended.scn")),
            ("attended-called", include_str!("../scenarios/random/attended-called.scn")),
            ("attended-refused", include_str!("../scenarios/random/attended-refused.scn")),
            ("attended-glare", include_str!("../scenarios/random/attended-glare.scn")),
            ("attended-cancel", include_str!("../scenarios/random/attended-cancel.scn")),
            ("attended-hang-up", include_str!("../scenarios/random/attended-hang-up.scn")),
            ("attended-protected", include_str!("../scenarios/random/attended-protected.scn")),
        ],
    ),
    (
        "consult",
        [
            ("consult", include_str!("../scenarios/random/consult.scn")),
            ("consult-at-once", include_str!("../scenarios/random/consult-at-once.scn")),
            ("consult-busy", include_str!("../scenarios/random/consult-busy.scn")),
            ("consult-early", include_str!("../scenarios/random/consult-early.scn")),
            ("consult-swap", include_str!("../scenarios/random/consult-swap.scn")),
            ("consult-cancel", include_str!("../scenarios/random/consult-cancel.scn")),
            ("consult-hang-up", include_str!("../scenarios/random/consult-hang-up.scn")),
        ],
    ),
    (
        "bridge",
        [
            ("bridge", include_str!("../scenarios/random/bridge.scn")),
            ("bridge-busy", include_str!("../scenarios/random/bridge-busy.scn")),
            ("bridge-attended", include_str!("../scenarios/random/bridge-attended.scn")),
            ("bridge-consult", include_str!("../scenarios/random/bridge-consult.scn")),
            ("bridge-cancel", include_str!("../scenarios/random/bridge-cancel.scn")),
            ("bridge-hang-up", include_str!("../scenarios/random/bridge-hang-up.scn")),
            ("bridge-handed-over", include_str!("../scenarios/random/bridge-handed-over.scn")),
        ],
    ),
];

/// By what the parties of a run listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Over {
    /// UDP.
    Udp,
    /// TCP and nothing else.
    Tcp,
    /// TLS and nothing else.
    Tls,
    /// TCP and UDP, but the last party, which has UDP only.
    Mixed,
}

impl Over {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Udp, Self::Tcp, Self::Tls, Self::Mixed];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Mixed => "mixed",
        }
    }

    fn listens(self, is_last: bool) -> Vec<Transport> {
        match (self, is_last) {
            (Self::Udp, _) | (Self::Mixed, true) => vec![Transport::Udp],
            (Self::Tcp, _) => vec![Transport::Tcp],
            (Self::Tls, _) => vec![Transport::Tls],
            (Self::Mixed, false) => vec![Transport::Tcp, Transport::Udp],
        }
    }
}

/// The networks of the random world: what the parties listen by, and the loss rate in percent. A connection loses nothing;
/// half as many of a hundred messages break theirs.
pub const NETWORKS: [(Over, u8); 7] = [
    (Over::Udp, 0),
    (Over::Udp, 10),
    (Over::Udp, 30),
    (Over::Tcp, 0),
    (Over::Tcp, 10),
    (Over::Tls, 30),
    (Over::Mixed, 10),
];

/// One run in so many has RTP: audio costs a hundred times as much as signalling.
const RTP_EVERY: u64 = 50;

/// Lines of the trace that are shown of a run that failed.
const TAIL: usize = 120;

/// One random run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The scenario's name.
    pub scenario: &'static str,
    /// By what its parties listen.
    pub over: Over,
    /// The loss rate in percent.
    pub loss: u8,
    /// The seed.
    pub seed: u64,
}

impl Run {
    fn kind(&self) -> (&'static str, Over, u8) {
        (self.scenario, self.over, self.loss)
    }
}

/// A run that broke an invariant.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Which.
    pub run: Run,
    /// What it broke.
    pub broken: Vec<String>,
    /// The end of its trace.
    pub trace: String,
}

/// How a sweep went.
#[derive(Debug, Default)]
pub struct Swept {
    /// Runs that kept all invariants.
    pub passed: u64,
    /// Those that did not, the first [`MOST_FAILURES`] of them.
    pub failures: Vec<Failure>,
    /// How many did not.
    pub failed: u64,
    /// How often the first party's first transfer came to what, and how it learned that, by scenario and network.
    pub outcomes: BTreeMap<(&'static str, Over, u8), BTreeMap<String, u64>>,
}

/// Failures whose traces are kept.
pub const MOST_FAILURES: usize = 20;

/// The scenarios of one kind, or of all: names and texts.
pub fn scenarios(kind: Option<&str>) -> impl Iterator<Item = (&'static str, &'static str)> {
    let kinds = KINDS.into_iter().filter(move |(name, _)| kind.is_none_or(|kind| kind == *name));
    kinds.flat_map(|(_, scenarios)| scenarios)
}

/// The scenario of this name, with a rough network of this loss rate.
pub fn scenario(name: &str, over: Over, loss: u8) -> Option<Result<Scenario, ScenarioError>> {
    let (_, text) = scenarios(None).find(|(known, _)| *known == name)?;
    Some(Scenario::parse(text).map(|mut scenario| {
        scenario.faults = Faults { cuts: loss / 2, ..Faults::rough(loss) };
        let last = scenario.parties.len() - 1;
        for (number, party) in scenario.parties.iter_mut().enumerate() {
            party.listens = over.listens(number == last);
        }
        scenario
    }))
}

/// Runs once and judges; what the first party's first transfer came to.
pub fn run(scenario: &Scenario, run: Run) -> Result<String, Failure> {
    let scenario = Scenario { rtp: run.seed.is_multiple_of(RTP_EVERY), ..scenario.clone() };
    let played = play::play(&scenario, run.seed);
    let mut broken = check::broken(&played);
    if run.loss == 0 {
        // With loss any outcome may come, but without it only the one that the scenario expects.
        broken.extend(played.unexpected.iter().cloned());
    }
    if broken.is_empty() {
        let outcome =
            played.journal.events(0).find_map(|event| Some((event.outcome()?, event.learned_from()?)));
        let name = |(outcome, learned_from)| format!("{outcome} ({learned_from})");
        return Ok(outcome.map_or_else(|| "no transfer".to_owned(), name));
    }
    Err(Failure { run, broken, trace: ladder::tail(&played.journal, &played.names, TAIL) })
}

/// Runs all runs on all processors.
///
/// # Errors
///
/// Says which scenario cannot be read.
pub fn sweep(runs: &[Run]) -> Result<Swept, ScenarioError> {
    let mut scenarios = Vec::new();
    for run in runs {
        let known = scenarios.iter().any(|(kind, _)| *kind == run.kind());
        if !known && let Some(scenario) = scenario(run.scenario, run.over, run.loss) {
            scenarios.push((run.kind(), scenario?));
        }
    }
    let mut swept = Swept::default();
    crowd::each(
        runs,
        |job| {
            let known = scenarios.iter().find(|(kind, _)| *kind == job.kind());
            known.map(|(_, scenario)| run(scenario, *job))
        },
        |job, result| match result {
            None => {}
            Some(Ok(outcome)) => {
                swept.passed += 1;
                *swept.outcomes.entry(job.kind()).or_default().entry(outcome).or_default() += 1;
            }
            Some(Err(failure)) => {
                swept.failed += 1;
                if swept.failures.len() < MOST_FAILURES {
                    swept.failures.push(failure);
                }
            }
        },
    );
    swept.failures.sort_by_key(|failure| (failure.run.kind(), failure.run.seed));
    Ok(swept)
}

/// All runs of some scenarios in some networks over seeds from `first` on.
pub fn runs(scenarios: &[&'static str], networks: &[(Over, u8)], first: u64, seeds: u64) -> Vec<Run> {
    let mut runs = Vec::new();
    for seed in first..first.saturating_add(seeds) {
        for &scenario in scenarios {
            for &(over, loss) in networks {
                runs.push(Run { scenario, over, loss, seed });
            }
        }
    }
    runs
}
