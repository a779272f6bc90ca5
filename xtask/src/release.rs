//! The optimised build that sim, bench and the demonstration share, and the demonstration itself.

use std::path::PathBuf;
use std::process::Command;

use crate::flags::Flags;
use crate::process::{Failure, Outcome, cargo, run};
use crate::workspace::Workspace;

/// Builds the application and the programs of the test package in one go, so that their dependencies are built once
/// and with one set of features.
pub(crate) fn build(workspace: &Workspace) -> Outcome {
    run(cargo(&workspace.root).args([
        "build",
        "--release",
        "--quiet",
        "--bins",
        "--package",
        "patchcord",
        "--package",
        "patchcord-tests",
    ]))
}

/// A program of the optimised build, built first.
pub(crate) fn program(workspace: &Workspace, name: &str) -> Result<PathBuf, Failure> {
    build(workspace)?;
    let path = workspace.target.join("release").join(name);
    if path.is_file() { Ok(path) } else { Err(Failure::new(format!("the release build has no `{name}`"))) }
}

/// `cargo xtask demo`: the demonstration of the application, all of it.
pub(crate) fn demo(workspace: &Workspace, _flags: &Flags) -> Outcome {
    let program = program(workspace, "patchcord")?;
    run(Command::new(program).args(["demo", "all"]).current_dir(&workspace.root))
}
