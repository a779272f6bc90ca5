//! Each party of a transfer stopped, without a word, before each step of it: the others come to rest in time.
//!
//! The transfers are the plain cells of the matrix's first table, in which all parties have engines: every kind with
//! either caller.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    check, crowd, ladder,
    matrix::{Cell, TABLES},
    network::Restart,
    play::{self, Played},
    scenario::{Expectation, Scenario, ScenarioError},
};

/// The axes of the first table that are walked through: kind and caller. All others keep their plain value.
const WALKED: [&str; 2] = ["kind", "caller"];

/// Draws by this seed.
const SEED: u64 = 5;

/// Lines of the trace that are shown of a run that failed.
const TAIL: usize = 120;

/// A party that stops in a transfer.
#[derive(Debug, Clone)]
pub struct Kill {
    /// The transfer, in words.
    pub of: String,
    /// The party.
    pub party: usize,
    /// When it stops: before what happens then.
    pub at: Duration,
    scenario: Scenario,
}

/// A kill after which an invariant was broken.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Which.
    pub kill: Kill,
    /// What was broken.
    pub broken: Vec<String>,
    /// The end of the trace.
    pub trace: String,
}

impl Kill {
    /// The same, but judged so long after the stop.
    #[must_use]
    pub fn judged_after(mut self, time: Duration) -> Self {
        self.scenario.end = self.at + time;
        self
    }

    /// Plays it; what was broken.
    pub fn run(&self) -> Option<Failure> {
        let played = play::play(&self.scenario, SEED);
        let mut broken = check::broken(&played);
        broken.extend(played.unexpected.iter().cloned());
        let failed = !broken.is_empty();
        failed.then(|| Failure {
            kill: self.clone(),
            broken,
            trace: ladder::tail(&played.journal, &played.names, TAIL),
        })
    }
}

/// Each party of a cell stopped before each of its steps.
///
/// # Errors
///
/// Says what is wrong with the text of a value.
pub fn of(cell: &Cell) -> Result<Vec<Kill>, ScenarioError> {
    let scenario = Scenario { expectations: Vec::new(), ..cell.scenario()? };
    let whole = play::play(&scenario, SEED);
    let parties = 0..scenario.parties.len();
    let kills = parties.flat_map(|party| moments(&whole).into_iter().map(move |at| (party, at)));
    Ok(kills.map(|(party, at)| kill(cell, &scenario, party, at)).collect())
}

/// The plain transfers: every kind with either caller.
pub fn transfers() -> Vec<Cell> {
    let mut cells = vec![Cell { number: SEED, table: 0, picks: vec![0; TABLES[0].axes.len()] }];
    for (at, axis) in TABLES[0].axes.iter().enumerate().filter(|(_, axis)| WALKED.contains(&axis.name)) {
        let picked = |cell: Cell| {
            (0..axis.values.len()).map(move |pick| {
                let mut cell = cell.clone();
                cell.picks[at] = pick;
                cell
            })
        };
        cells = cells.into_iter().flat_map(picked).collect();
    }
    cells
}

/// Runs kills on all processors; the failures.
pub fn run(kills: &[Kill]) -> Vec<Failure> {
    let mut failures = Vec::new();
    crowd::each(kills, Kill::run, |_, failure| failures.extend(failure));
    failures.sort_by_key(|failure| (failure.kill.of.clone(), failure.kill.party, failure.kill.at));
    failures
}

/// When something happens before everybody hangs up.
fn moments(played: &Played) -> BTreeSet<Duration> {
    played.journal.entries.iter().map(|entry| entry.at).take_while(|at| *at < played.ended).collect()
}

/// The survivors have as long as a transfer may take by any party's policy.
fn kill(cell: &Cell, scenario: &Scenario, party: usize, at: Duration) -> Kill {
    let mut scenario = scenario.clone();
    let longest = scenario.parties.iter().map(|party| party.policy.longest()).max().unwrap_or_default();
    scenario.faults.stops.push(Restart { party, at });
    scenario.end = at + longest;
    let survivors = (0..scenario.parties.len()).filter(|survivor| *survivor != party);
    scenario.expectations = survivors.map(|party| Expectation::Settled { party }).collect();
    Kill { of: cell.name(), party, at, scenario }
}
