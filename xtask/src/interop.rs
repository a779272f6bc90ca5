//! `cargo xtask interop`: independent peers against our stack, in a private network.
//!
//! The tests get `PATCHCORD_INTEROP=1`, and in `PATCHCORD_NETWORK` what they run in: `private`, a network namespace
//! with nothing but its loopback, or `host`.

use std::path::Path;
use std::process::Command;

use crate::examples::build_tests;
use crate::flags::Flags;
use crate::process::{Failure, Outcome, run as run_command, succeeds};
use crate::workspace::Workspace;

/// The ways into a private network: as root, and as anybody where user namespaces are permitted.
const PRIVATE: &[&[&str]] = &[&["unshare", "-n"], &["unshare", "-rn"]];

/// Raises the loopback of the new network, then becomes the program.
const RAISE_AND_RUN: &str = "ip link set lo up && exec \"$@\"";

pub(crate) fn run(workspace: &Workspace, _flags: &Flags) -> Outcome {
    let built = build_tests(workspace)?;
    let test = built
        .iter()
        .find(|built| built.package == "patchcord-tests" && built.kind == "test" && built.name == "interop")
        .ok_or_else(|| Failure::new("package patchcord-tests has no test `interop`"))?;
    let folder = workspace.root.join(&workspace.member("patchcord-tests")?.dir);
    let mut command = within_network(&test.executable);
    run_command(command.current_dir(folder).env("PATCHCORD_INTEROP", "1"))
}

/// The command for the test program. One test at a time: the peers have fixed ports.
fn within_network(program: &Path) -> Command {
    let mut command = if let Some((first, rest)) = private_network() {
        let mut command = Command::new(first);
        command.args(rest).args(["sh", "-c", RAISE_AND_RUN, "sh"]).arg(program);
        command.env("PATCHCORD_NETWORK", "private");
        command
    } else {
        println!("interop: no private network can be made here (unshare is refused); using that of the host");
        let mut command = Command::new(program);
        command.env("PATCHCORD_NETWORK", "host");
        command
    };
    command.args(["--test-threads=1", "--nocapture"]);
    command
}

fn private_network() -> Option<(&'static str, &'static [&'static str])> {
    PRIVATE.iter().find_map(|way| {
        let (first, rest) = way.split_first()?;
        succeeds(Command::new(first).args(rest).args(["sh", "-c", RAISE_AND_RUN, "sh", "true"]))
            .then_some((*first, rest))
    })
}
