//! `cargo xtask bench parse`: the parser beside published SIP parsers, for people.
//!
//! It prints the tables for `docs/measured.md`. The package lies outside the workspace, so that what the peers bring along
//! stays out of its lock file; its first build takes minutes. Times are no gate: instructions are, of the cases
//! `parse-*` of `cargo xtask bench`.

use crate::flags::{Flag, Flags};
use crate::process::{Outcome, cargo, run as run_command};
use crate::workspace::Workspace;

pub(crate) const FLAGS: &[Flag] =
    &[Flag::with("--rounds", "N", "how often each case is timed; the cheapest counts (default 500)")];

/// The folder of the package.
const PACKAGE: &str = "benches/parse";

pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Outcome {
    let mut command = cargo(&workspace.root.join(PACKAGE));
    command.args(["run", "--release"]).env("CARGO_TARGET_DIR", workspace.target.join("bench-parse"));
    if let Some(rounds) = flags.text("--rounds") {
        command.args(["--", "--rounds", rounds]);
    }
    run_command(&mut command)
}

/// Checks the format of the package, which `cargo fmt` does not look at from the workspace.
pub(crate) fn format_check(workspace: &Workspace) -> Outcome {
    run_command(cargo(&workspace.root.join(PACKAGE)).args(["fmt", "--check"]))
}
