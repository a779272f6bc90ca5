//! Random transfers in the simulated world: `world --seeds N [--kind KIND] [--scenario NAME] [--over TRANSPORT] [--loss PERCENT] [--first-seed S]`;
//! cells of the test matrix: `world --cells N [--first-seed S]`; parties stopped at every step: `world --kills`.

use std::process::ExitCode;

use clap::Parser;
use patchcord_tests::{
    kills,
    matrix::{self, Cell, Coverage, Outcome},
    sweep::{self, Over},
};

/// Runs random transfers in the simulated world and judges them by the invariants of call transfer.
#[derive(Debug, Parser)]
struct Options {
    /// How many seeds each scenario is run with in each network.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// Only this kind of transfer: blind, attended or consult.
    #[arg(long)]
    kind: Option<String>,
    /// Only this scenario.
    #[arg(long)]
    scenario: Option<String>,
    /// Only where the parties listen by this: udp, tcp, tls or mixed.
    #[arg(long, value_parser = over)]
    over: Option<Over>,
    /// At this loss rate, in percent; with those of `sweep::NETWORKS` otherwise.
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=100))]
    loss: Option<u8>,
    /// The first seed.
    #[arg(long, alias = "from", default_value_t = 1)]
    first_seed: u64,
    /// So many cells of the test matrix instead, from the first seed on.
    #[arg(long)]
    cells: Option<u64>,
    /// Each party of each kind of transfer stopped before each step of it instead.
    #[arg(long)]
    kills: bool,
}

fn over(name: &str) -> Result<Over, String> {
    let named = Over::ALL.into_iter().find(|over| over.name() == name);
    named.ok_or_else(|| "udp, tcp, tls or mixed".to_owned())
}

fn main() -> ExitCode {
    let options = Options::parse();
    if options.kills {
        return stop_everybody();
    }
    if let Some(count) = options.cells {
        return cells(options.first_seed, count);
    }
    let names: Vec<&'static str> = sweep::scenarios(options.kind.as_deref())
        .map(|(name, _)| name)
        .filter(|name| options.scenario.as_deref().is_none_or(|wanted| wanted == *name))
        .collect();
    if names.is_empty() {
        for (kind, scenarios) in sweep::KINDS {
            eprintln!("--kind {kind}, or --scenario {}", scenarios.map(|(name, _)| name).join(", "));
        }
        return ExitCode::from(2);
    }
    let mut networks = sweep::NETWORKS.to_vec();
    if let Some(loss) = options.loss {
        networks = Over::ALL.map(|over| (over, loss)).to_vec();
    }
    networks.retain(|(over, _)| options.over.is_none_or(|wanted| wanted == *over));
    let runs = sweep::runs(&names, &networks, options.first_seed, options.seeds);
    let swept = match sweep::sweep(&runs) {
        Ok(swept) => swept,
        Err(error) => {
            eprintln!("a scenario cannot be read: {error}");
            return ExitCode::from(2);
        }
    };
    for ((scenario, over, loss), outcomes) in &swept.outcomes {
        let outcomes: Vec<String> =
            outcomes.iter().map(|(outcome, runs)| format!("{outcome} {runs}")).collect();
        println!("{scenario}, {}, loss {loss} %: {}", over.name(), outcomes.join(", "));
    }
    for failure in &swept.failures {
        let sweep::Run { scenario, over, loss, seed } = failure.run;
        let over = over.name();
        println!("FAILED scenario {scenario} seed {seed} over {over} loss {loss} %");
        for broken in &failure.broken {
            println!("  {broken}");
        }
        println!("{}", failure.trace);
        println!(
            "  again: world --scenario {scenario} --over {over} --loss {loss} --first-seed {seed} --seeds 1\n"
        );
    }
    println!("{} passed, {} failed", swept.passed, swept.failed);
    if swept.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn cells(first: u64, count: u64) -> ExitCode {
    let cells: Vec<Cell> = (first..first.saturating_add(count)).map(Cell::new).collect();
    let failures = matrix::run(&cells);
    for failure in failures.iter().take(sweep::MOST_FAILURES) {
        println!("FAILED cell {}, {}", failure.cell.number, failure.cell.name());
        for broken in &failure.broken {
            println!("  {broken}");
        }
        println!("{}\n{}", failure.trace, failure.cell.text());
        println!("  again: world --cells 1 --first-seed {}\n", failure.cell.number);
    }
    print!("{}", Coverage::of(&cells));
    let known = cells.iter().filter(|cell| cell.outcome() != Outcome::Unknown).count();
    println!("the outcome of {known} of {} cells is known", cells.len());
    println!("{} passed, {} failed", cells.len() - failures.len(), failures.len());
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn stop_everybody() -> ExitCode {
    let planned: Result<Vec<_>, _> = kills::transfers().iter().map(kills::of).collect();
    let kills = match planned {
        Ok(kills) => kills.concat(),
        Err(error) => {
            eprintln!("a scenario cannot be read: {error}");
            return ExitCode::from(2);
        }
    };
    let failures = kills::run(&kills);
    for failure in failures.iter().take(sweep::MOST_FAILURES) {
        println!("FAILED party {} stopped at {:?}, {}", failure.kill.party, failure.kill.at, failure.kill.of);
        for broken in &failure.broken {
            println!("  {broken}");
        }
        println!("{}", failure.trace);
    }
    println!("{} passed, {} failed", kills.len() - failures.len(), failures.len());
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
