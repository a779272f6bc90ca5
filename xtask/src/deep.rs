//! `cargo xtask deep`: the long runs, by hand; what they show goes into `docs/measured.md`.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::bench_transfers;
use crate::flags::{Flag, Flags};
use crate::fuzz;
use crate::mutants;
use crate::process::{Failure, Outcome, capture};
use crate::sim;
use crate::workspace::Workspace;

pub(crate) const FLAGS: &[Flag] = &[
    Flag::with("--seeds", "N", "seeds of each simulated scenario in each network (default 1600)"),
    Flag::with("--cells", "N", "cells of the test matrix (default 100000)"),
    Flag::with("--transfers", "N", "real transfers of the soak (default 10000)"),
    Flag::with("--seconds", "S", "search of each fuzz target (default 60)"),
    fuzz::TARGET,
    fuzz::JOBS,
    mutants::SHARD,
    mutants::FILES,
    Flag::with("--only", "PART,..", "of worlds, matrix, transfers, fuzz, mutants; with --target only fuzz"),
];

/// Of each of the scenarios in each network: some 80,000 worlds a kind of transfer.
const SEEDS: u64 = 1_600;
const CELLS: u64 = 100_000;
/// On loopback, of both kinds in turn.
const TRANSFERS: u64 = 10_000;
const FUZZ_SECONDS: u64 = 60;

/// The name of a part, what it runs, and the run.
type Part<'a> = (&'static str, String, Box<dyn Fn() -> Outcome + 'a>);

pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Outcome {
    let seeds = flags.number("--seeds", SEEDS)?;
    let cells = flags.number("--cells", CELLS)?;
    let transfers = flags.number("--transfers", TRANSFERS)?;
    let seconds = flags.number("--seconds", FUZZ_SECONDS)?;
    let commit =
        capture(Command::new("git").args(["rev-parse", "--short", "HEAD"]).current_dir(&workspace.root))?;
    let changed = capture(Command::new("git").args(["status", "--porcelain"]).current_dir(&workspace.root))?;

    let parts: [Part<'_>; 5] = [
        (
            "worlds",
            format!("{seeds} seeds of each simulated scenario"),
            Box::new(|| sim::worlds(workspace, seeds, None)),
        ),
        (
            "matrix",
            format!("{cells} cells of the test matrix"),
            Box::new(|| sim::matrix(workspace, cells, None)),
        ),
        (
            "transfers",
            format!("{transfers} real transfers"),
            Box::new(|| bench_transfers::soak(workspace, transfers)),
        ),
        (
            "fuzz",
            format!("fuzz, {seconds} s a target"),
            Box::new(|| fuzz::search_all(workspace, flags, FUZZ_SECONDS)),
        ),
        ("mutants", "mutants of the machines".into(), Box::new(|| mutants::run(workspace, flags))),
    ];
    let chosen = chosen(&parts.each_ref().map(|(name, ..)| *name), flags)?;
    let runs: Vec<_> = parts
        .iter()
        .filter(|(name, ..)| chosen.contains(name))
        .map(|(_, what, job)| (what, timed(job)))
        .collect();

    println!("\nFor docs/measured.md:\n");
    println!("| Run | Commit | Result | Took |\n| --- | --- | --- | --- |");
    let mark = if changed.is_empty() { "" } else { " with changes" };
    for (what, (outcome, took)) in &runs {
        let result = if outcome.is_ok() { "clean" } else { "FAILED" };
        println!("| {what} | {}{mark} | {result} | {} s |", commit.trim(), took.as_secs());
    }

    let failures: Vec<String> =
        runs.into_iter().filter_map(|(_, (outcome, _))| outcome.err()).map(|f| f.to_string()).collect();
    Failure::unless_empty("deep", &failures)
}

/// The parts that `--only` names; without it all, or the search of the fuzz targets that are named.
fn chosen(all: &[&'static str], flags: &Flags) -> Result<Vec<&'static str>, Failure> {
    let named = match flags.list("--only") {
        Some(named) => named,
        None if flags.text(fuzz::TARGET.name).is_some() => vec!["fuzz"],
        None => return Ok(all.to_vec()),
    };
    if let Some(unknown) = named.iter().find(|name| !all.contains(name)) {
        return Err(Failure::new(format!("no part `{unknown}`; there are: {}", all.join(" "))));
    }
    Ok(all.iter().copied().filter(|name| named.contains(name)).collect())
}

fn timed(job: impl FnOnce() -> Outcome) -> (Outcome, Duration) {
    let start = Instant::now();
    let outcome = job();
    (outcome, start.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen_by(args: &[&str]) -> Option<Vec<&'static str>> {
        let flags = Flags::parse(FLAGS, args.iter().map(|&arg| arg.to_owned()).collect()).ok()?;
        chosen(&["worlds", "fuzz", "mutants"], &flags).ok()
    }

    #[test]
    fn parts_are_chosen_by_name_and_a_target_means_fuzz() {
        assert_eq!(chosen_by(&[]), Some(vec!["worlds", "fuzz", "mutants"]));
        assert_eq!(chosen_by(&["--only", "mutants,worlds"]), Some(vec!["worlds", "mutants"]));
        assert_eq!(chosen_by(&["--target", "sip"]), Some(vec!["fuzz"]));
        assert_eq!(chosen_by(&["--only", "mutant"]), None);
    }
}
