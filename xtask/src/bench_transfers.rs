//! `cargo xtask bench transfers`: whole transfers through simulated engines and on loopback sockets, how long a real one
//! takes and what one in progress holds, for people.
//!
//! It prints the tables for `docs/measured.md`. Times are no gate: they depend on what else the machine does.

use std::process::Command;

use crate::flags::{Flag, Flags};
use crate::process::{Outcome, run as run_command};
use crate::release::program;
use crate::workspace::Workspace;

pub(crate) const FLAGS: &[Flag] = &[
    Flag::with("--count", "N", "real transfers of each kind in a row (default 3000)"),
    Flag::with("--parallel", "N", "of these at a time (default 16)"),
];

pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Outcome {
    transfers(workspace, &["simulated"])?;
    let mut real = vec!["real"];
    for flag in FLAGS {
        if let Some(value) = flags.text(flag.name) {
            real.extend([flag.name, value]);
        }
    }
    transfers(workspace, &real)?;
    transfers(workspace, &["memory"])
}

/// A few transfers of each sort, which all have to end as they should: that the benches still run.
pub(crate) fn check(workspace: &Workspace) -> Outcome {
    transfers(workspace, &["simulated", "--count", "20", "--rounds", "1"])?;
    transfers(workspace, &["real", "--count", "200"])?;
    transfers(workspace, &["memory"])
}

/// Transfers a second of the soak: over UDP each leaves transactions behind for 32 s, and their table is bounded.
const RATE: &str = "200";

/// So many real transfers, none stuck, nothing left.
pub(crate) fn soak(workspace: &Workspace, count: u64) -> Outcome {
    transfers(workspace, &["soak", "--rate", RATE, "--count", &count.to_string()])
}

fn transfers(workspace: &Workspace, args: &[&str]) -> Outcome {
    run_command(Command::new(program(workspace, "transfers")?).current_dir(&workspace.root).args(args))
}
