//! Random runs: the scenarios of the random world at every loss rate over many seeds, each judged by the invariants.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use crate::{
    check, ladder,
    network::Faults,
    play,
    scenario::{Scenario, ScenarioError},
};

/// A kind of transfer, with the scenarios of the random world that play it, by name.
pub type Kind = (&'static str, [(&'static str, &'static str); 7]);

/// The scenarios of the random world.
pub const KINDS: [Kind; 3] = [
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
];

/// The loss rates, in percent.
pub const LOSSES: [u8; 3] = [0, 10, 30];

/// One run in so many has RTP: audio costs a hundred times as much as signalling.
const RTP_EVERY: u64 = 50;

/// Lines of the trace that are shown of a run that failed.
const TAIL: usize = 120;

/// One random run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The scenario's name.
    pub scenario: &'static str,
    /// The loss rate in percent.
    pub loss: u8,
    /// The seed.
    pub seed: u64,
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
    /// How often the first party's first transfer came to what, and how it learned that, by scenario and loss rate.
    pub outcomes: BTreeMap<(&'static str, u8), BTreeMap<String, u64>>,
}

/// Failures whose traces are kept.
pub const MOST_FAILURES: usize = 20;

/// The scenarios of one kind, or of all: names and texts.
pub fn scenarios(kind: Option<&str>) -> impl Iterator<Item = (&'static str, &'static str)> {
    let kinds = KINDS.into_iter().filter(move |(name, _)| kind.is_none_or(|kind| kind == *name));
    kinds.flat_map(|(_, scenarios)| scenarios)
}

/// The scenario of this name, with a rough network of this loss rate.
pub fn scenario(name: &str, loss: u8) -> Option<Result<Scenario, ScenarioError>> {
    let (_, text) = scenarios(None).find(|(known, _)| *known == name)?;
    Some(Scenario::parse(text).map(|scenario| Scenario { faults: Faults::rough(loss), ..scenario }))
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
        let known = scenarios.iter().any(|(name, loss, _)| (*name, *loss) == (run.scenario, run.loss));
        if !known && let Some(scenario) = scenario(run.scenario, run.loss) {
            scenarios.push((run.scenario, run.loss, scenario?));
        }
    }
    let next = AtomicU64::new(0);
    let swept = Mutex::new(Swept::default());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(job) = runs.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                    let fits =
                        |(name, loss, _): &&(&str, u8, Scenario)| (*name, *loss) == (job.scenario, job.loss);
                    let Some((_, _, scenario)) = scenarios.iter().find(fits) else { continue };
                    let result = run(scenario, *job);
                    let mut swept = swept.lock().unwrap_or_else(PoisonError::into_inner);
                    match result {
                        Ok(outcome) => {
                            swept.passed += 1;
                            *swept
                                .outcomes
                                .entry((job.scenario, job.loss))
                                .or_default()
                                .entry(outcome)
                                .or_default() += 1;
                        }
                        Err(failure) => {
                            swept.failed += 1;
                            if swept.failures.len() < MOST_FAILURES {
                                swept.failures.push(failure);
                            }
                        }
                    }
                }
            });
        }
    });
    let mut swept = swept.into_inner().unwrap_or_else(PoisonError::into_inner);
    swept.failures.sort_by_key(|failure| (failure.run.scenario, failure.run.loss, failure.run.seed));
    Ok(swept)
}

/// All runs of some scenarios at some loss rates over seeds from `first` on.
pub fn runs(scenarios: &[&'static str], losses: &[u8], first: u64, seeds: u64) -> Vec<Run> {
    let mut runs = Vec::new();
    for seed in first..first.saturating_add(seeds) {
        for &scenario in scenarios {
            for &loss in losses {
                runs.push(Run { scenario, loss, seed });
            }
        }
    }
    runs
}
