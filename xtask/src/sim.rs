//! `cargo xtask sim`: simulated worlds, one for each seed; cells of the test matrix of transfer; each party of a transfer
//! stopped at every step of it.

use std::process::Command;

use crate::flags::{Flag, Flags};
use crate::process::{Failure, Outcome, run as run_command};
use crate::release::program;
use crate::workspace::Workspace;

pub(crate) const FLAGS: &[Flag] = &[
    Flag::with("--seeds", "N", "how many seeds of each scenario in each network (default 330)"),
    Flag::with("--cells", "N", "how many cells of the test matrix (default 5000)"),
    Flag::with("--from", "SEED", "the first seed, and the first cell"),
];

/// Enough to meet every kind of fault in each kind of transfer many times within three minutes or so: there are three kinds
/// with seven scenarios each, and seven networks: UDP at three loss rates, TCP, TLS and both, with connections that break.
const SEEDS: u64 = 330;

/// More than hold every pair of two values of the matrix.
const CELLS: u64 = 5_000;

pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Outcome {
    let (seeds, cells) = (flags.number("--seeds", SEEDS)?, flags.number("--cells", CELLS)?);
    let from = flags.text("--from");
    let outcomes = [worlds(workspace, seeds, from), matrix(workspace, cells, from), kills(workspace)];
    let failures: Vec<String> =
        outcomes.into_iter().filter_map(Outcome::err).map(|failure| failure.to_string()).collect();
    Failure::unless_empty("sim", &failures)
}

/// Runs the worlds of `seeds` seeds.
pub(crate) fn worlds(workspace: &Workspace, seeds: u64, from: Option<&str>) -> Outcome {
    world(workspace, "--seeds", seeds, from)
}

/// Runs so many cells of the test matrix.
pub(crate) fn matrix(workspace: &Workspace, cells: u64, from: Option<&str>) -> Outcome {
    world(workspace, "--cells", cells, from)
}

/// Stops each party of each kind of transfer at every step of it.
pub(crate) fn kills(workspace: &Workspace) -> Outcome {
    run_command(Command::new(program(workspace, "world")?).current_dir(&workspace.root).arg("--kills"))
}

fn world(workspace: &Workspace, what: &str, count: u64, from: Option<&str>) -> Outcome {
    let mut command = Command::new(program(workspace, "world")?);
    command.current_dir(&workspace.root).args([what, &count.to_string()]);
    if let Some(from) = from {
        command.args(["--from", from]);
    }
    run_command(&mut command)
}
