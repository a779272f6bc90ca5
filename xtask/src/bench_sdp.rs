//! `cargo xtask bench sdp`: the SDP parser beside published SDP parsers, for people.
//!
//! It prints the tables for `docs/measured.md`.

use crate::flags::{Flag, Flags};
use crate::peers::Package;
use crate::process::Outcome;
use crate::workspace::Workspace;

pub(crate) const FLAGS: &[Flag] =
    &[Flag::with("--rounds", "N", "how often each case is timed; the cheapest counts (default 500)")];

pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Outcome {
    Package::Sdp.run(workspace, FLAGS, flags)
}
