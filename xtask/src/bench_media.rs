//! `cargo xtask bench media`: frames, packets and streams in CPU time and memory, and session descriptions beside published
//! parsers, for people.
//!
//! It prints the tables for `docs/measured.md`. Instructions are what gates, of the cases `media-*` of `cargo xtask bench`.

use std::process::Command;

use crate::flags::{Flag, Flags};
use crate::peers::Package;
use crate::process::{Outcome, run as run_command};
use crate::release::program;
use crate::workspace::Workspace;

pub(crate) const FLAGS: &[Flag] = &[
    Flag::with("--streams", "N", "streams of the pump, each one side of a call (default 1000)"),
    Flag::with("--seconds", "N", "seconds that are measured of them (default 10)"),
    Flag::with("--rounds", "N", "how often everything is measured; the cheapest counts (default 3)"),
    Flag::with("--only", "PART,..", "only these parts: cases, memory, pump, sdp"),
];

pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Outcome {
    let only = flags.list("--only");
    let (peers, ours): (Vec<&str>, Vec<&str>) =
        only.iter().flatten().copied().partition(|part| *part == "sdp");
    if only.is_none() || !ours.is_empty() {
        let mut command = Command::new(program(workspace, "bench-media")?);
        command.current_dir(&workspace.root);
        for flag in &FLAGS[..3] {
            if let Some(value) = flags.text(flag.name) {
                command.args([flag.name, value]);
            }
        }
        if !ours.is_empty() {
            command.args(["--only", &ours.join(",")]);
        }
        run_command(&mut command)?;
    }
    if only.is_none() || !peers.is_empty() {
        Package::Sdp.run(workspace, &[], flags)?;
    }
    Ok(())
}
