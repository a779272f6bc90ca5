//! `cargo xtask bench parse`: the parser beside published SIP parsers, for people.
//!
//! It prints the tables for `docs/measured.md`. Instructions are what gates, of the cases `parse-*` of `cargo xtask bench`.

use crate::flags::{Flag, Flags};
use crate::peers::Package;
use crate::process::Outcome;
use crate::workspace::Workspace;

pub(crate) const FLAGS: &[Flag] =
    &[Flag::with("--rounds", "N", "how often each case is timed; the cheapest counts (default 500)")];

pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Outcome {
    Package::Parse.run(workspace, FLAGS, flags)
}
