//! Random transfers in the simulated world: `world --seeds N [--kind KIND] [--scenario NAME] [--loss PERCENT] [--first-seed S]`.

use std::process::ExitCode;

use clap::Parser;
use patchcord_tests::sweep;

/// Runs random transfers in the simulated world and judges them by the invariants of call transfer.
#[derive(Debug, Parser)]
struct Options {
    /// How many seeds each scenario is run with at each loss rate.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// Only this kind of transfer: blind, attended or consult.
    #[arg(long)]
    kind: Option<String>,
    /// Only this scenario.
    #[arg(long)]
    scenario: Option<String>,
    /// Only this loss rate, in percent; 0, 10 and 30 otherwise.
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=100))]
    loss: Option<u8>,
    /// The first seed.
    #[arg(long, alias = "from", default_value_t = 1)]
    first_seed: u64,
}

fn main() -> ExitCode {
    let options = Options::parse();
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
    let losses = options.loss.map_or_else(|| sweep::LOSSES.to_vec(), |loss| vec![loss]);
    let runs = sweep::runs(&names, &losses, options.first_seed, options.seeds);
    let swept = match sweep::sweep(&runs) {
        Ok(swept) => swept,
        Err(error) => {
            eprintln!("a scenario cannot be read: {error}");
            return ExitCode::from(2);
        }
    };
    for ((scenario, loss), outcomes) in &swept.outcomes {
        let outcomes: Vec<String> =
            outcomes.iter().map(|(outcome, runs)| format!("{outcome} {runs}")).collect();
        println!("{scenario}, loss {loss} %: {}", outcomes.join(", "));
    }
    for failure in &swept.failures {
        let sweep::Run { scenario, loss, seed } = failure.run;
        println!("FAILED scenario {scenario} seed {seed} loss {loss} %");
        for broken in &failure.broken {
            println!("  {broken}");
        }
        println!("{}", failure.trace);
        println!("  again: world --scenario {scenario} --loss {loss} --first-seed {seed} --seeds 1\n");
    }
    println!("{} passed, {} failed", swept.passed, swept.failed);
    if swept.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
