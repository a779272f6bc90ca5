//! `cargo xtask deep`: the long runs, by hand; what they show goes into `docs/measured.md`.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::bench_transfers;
use crate::flags::{Flag, Flags};
use crate::fuzz;
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
];

/// Of each of the scenarios in each network: some 80,000 worlds a kind of transfer.
const SEEDS: u64 = 1_600;
const CELLS: u64 = 100_000;
/// On loopback, of both kinds in turn.
const TRANSFERS: u64 = 10_000;
const FUZZ_SECONDS: u64 = 60;

pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Outcome {
    let seeds = flags.number("--seeds", SEEDS)?;
    let cells = flags.number("--cells", CELLS)?;
    let transfers = flags.number("--transfers", TRANSFERS)?;
    let seconds = flags.number("--seconds", FUZZ_SECONDS)?;
    let commit =
        capture(Command::new("git").args(["rev-parse", "--short", "HEAD"]).current_dir(&workspace.root))?;
    let changed = capture(Command::new("git").args(["status", "--porcelain"]).current_dir(&workspace.root))?;

    let mut runs = Vec::new();
    if flags.text(fuzz::TARGET.name).is_none() {
        let what = format!("{seeds} seeds of each simulated scenario");
        runs.push((what, timed(|| sim::worlds(workspace, seeds, None))));
        runs.push((
            format!("{cells} cells of the test matrix"),
            timed(|| sim::matrix(workspace, cells, None)),
        ));
        let what = format!("{transfers} real transfers");
        runs.push((what, timed(|| bench_transfers::soak(workspace, transfers))));
    }
    runs.push((
        format!("fuzz, {seconds} s a target"),
        timed(|| fuzz::search_all(workspace, flags, FUZZ_SECONDS)),
    ));

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

fn timed(job: impl FnOnce() -> Outcome) -> (Outcome, Duration) {
    let start = Instant::now();
    let outcome = job();
    (outcome, start.elapsed())
}
