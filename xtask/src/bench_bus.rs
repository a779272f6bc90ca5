//! `cargo xtask bench bus`: the event bus beside tokio broadcast, tokio mpsc and crossbeam, for people.
//!
//! It prints the table for `docs/measured.md`. Times are no gate: they depend on what else the machine does.

use std::process::Command;

use crate::flags::{Flag, Flags};
use crate::process::{Outcome, run as run_command};
use crate::release::program;
use crate::workspace::Workspace;

pub(crate) const FLAGS: &[Flag] = &[
    Flag::with("--events", "N", "events of one run (default 400000)"),
    Flag::with("--runs", "N", "runs of each case, of which the median counts (default 5)"),
    Flag::with("--only", "TEXT", "only the channels whose name holds this"),
    Flag::switch("--one-core", "all threads on one core; without it, the machine should be idle"),
];

pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Outcome {
    let mut command = Command::new(program(workspace, "bench-bus")?);
    command.current_dir(&workspace.root);
    for flag in FLAGS {
        if let Some(value) = flags.text(flag.name) {
            command.arg(flag.name);
            command.args(flag.value.map(|_| value));
        }
    }
    run_command(&mut command)
}
