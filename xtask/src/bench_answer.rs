//! `cargo xtask bench answer`: calls of sipp answered over UDP by `patchcord answer --media off`, beside rsipstack, for people.
//!
//! It prints the table for `docs/measured.md`. A peer that does not build fails the verb; nothing is left out in silence.

use crate::flags::{Flag, Flags};
use crate::peers::Package;
use crate::process::{Failure, Outcome, find_program};
use crate::release::program;
use crate::workspace::Workspace;

pub(crate) const FLAGS: &[Flag] = &[
    Flag::with(
        "--rounds",
        "N",
        "how often the CPU of each answerer is measured; the cheapest counts (default 3)",
    ),
    Flag::with("--calls", "N", "calls of one round (default 10000)"),
];

pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Outcome {
    if find_program("sipp").is_none() {
        return Err(Failure::new("sipp is missing; `cargo xtask setup` installs it"));
    }
    let patchcord = program(workspace, "patchcord")?;
    Package::Answer.run_with(workspace, FLAGS, flags, &[("--patchcord", patchcord.as_os_str())])
}
