//! `cargo xtask sim`: simulated worlds, one for each seed.

use std::process::Command;

use crate::flags::{Flag, Flags};
use crate::process::{Outcome, run as run_command};
use crate::release::program;
use crate::workspace::Workspace;

pub(crate) const FLAGS: &[Flag] = &[
    Flag::with("--seeds", "N", "how many seeds of each scenario in each network (default 330)"),
    Flag::with("--from", "SEED", "the first seed"),
];

/// Enough to meet every kind of fault in each kind of transfer many times within three minutes or so: there are three kinds
/// with seven scenarios each, and seven networks: UDP at three loss rates, TCP, TLS and both, with connections that break.
const SEEDS: u64 = 330;

pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Outcome {
    worlds(workspace, flags.number("--seeds", SEEDS)?, flags.text("--from"))
}

/// Runs the worlds of `seeds` seeds.
pub(crate) fn worlds(workspace: &Workspace, seeds: u64, from: Option<&str>) -> Outcome {
    let mut command = Command::new(program(workspace, "world")?);
    command.current_dir(&workspace.root).args(["--seeds", &seeds.to_string()]);
    if let Some(from) = from {
        command.args(["--from", from]);
    }
    run_command(&mut command)
}
