//! The optimised build that sim, bench and the demonstration share, and the demonstration itself.

use std::path::PathBuf;
use std::process::Command;

use crate::flags::Flags;
use crate::process::{Failure, Outcome, cargo, run};
use crate::workspace::Workspace;

/// The programs that the checks run; the others are built by the verbs that run them, as each takes a link of its own.
const CHECKED: &[&str] = &["patchcord", "world", "transfers", "bench"];

/// Builds what the checks run.
pub(crate) fn build(workspace: &Workspace) -> Outcome {
    build_programs(workspace, CHECKED)
}

/// Builds programs of the application and of the test package in one go, so that their dependencies are built once and with
/// one set of features.
fn build_programs(workspace: &Workspace, names: &[&str]) -> Outcome {
    let mut command = cargo(&workspace.root);
    command.args(["build", "--release", "--quiet", "--package", "patchcord", "--package", "patchcord-tests"]);
    for name in names {
        command.args(["--bin", name]);
    }
    run(&mut command)
}

/// A program of the optimised build, built first.
pub(crate) fn program(workspace: &Workspace, name: &str) -> Result<PathBuf, Failure> {
    build_programs(workspace, &[name])?;
    let path = workspace.target.join("release").join(name);
    if path.is_file() { Ok(path) } else { Err(Failure::new(format!("the release build has no `{name}`"))) }
}

/// `cargo xtask demo`: the demonstration of the application, all of it.
pub(crate) fn demo(workspace: &Workspace, _flags: &Flags) -> Outcome {
    let program = program(workspace, "patchcord")?;
    run(Command::new(program).args(["demo", "all"]).current_dir(&workspace.root))
}
