//! `cargo xtask bench options`: OPTIONS answered over UDP beside rsipstack, for people.
//!
//! It prints the table for `docs/measured.md`.

use crate::flags::{Flag, Flags};
use crate::peers::Package;
use crate::process::Outcome;
use crate::workspace::Workspace;

pub(crate) const FLAGS: &[Flag] = &[
    Flag::with("--rounds", "N", "how often each answerer is measured; the cheapest counts (default 3)"),
    Flag::with("--count", "N", "OPTIONS of one round (default 100000)"),
];

pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Outcome {
    Package::Options.run(workspace, FLAGS, flags)
}
