//! `cargo xtask interop`: independent peers against our stack, in a private network.
//!
//! The codecs and SRTP come first, against ffmpeg, sox and libsrtp; they need no network.
//!
//! The tests get `PATCHCORD_INTEROP=1`, and in `PATCHCORD_NETWORK` what they run in: `private`, a network namespace
//! with nothing but its loopback, or `host`. After a run in which every case passed, the tests write the table of cases
//! into `docs/interop.md`; with `--check` a stale table is a failure like any other.

use std::path::Path;
use std::process::Command;

use crate::examples::{Built, build_tests};
use crate::flags::{Flag, Flags};
use crate::process::{Failure, Outcome, run as run_command, succeeds};
use crate::sipjs;
use crate::workspace::Workspace;

pub(crate) const FLAGS: &[Flag] =
    &[Flag::switch("--check", "write nothing; fail if the table in docs/interop.md is stale")];

/// The test that compares the table, or writes it where `PATCHCORD_INTEROP_TABLE` is `write`.
const TABLE: &str = "table::the_table_in_the_documentation_is_that_of_the_cases";

/// The ways into a private network: as root, and as anybody where user namespaces are permitted.
const PRIVATE: &[&[&str]] = &[&["unshare", "-n"], &["unshare", "-rn"]];

/// Raises the loopback of the new network, then becomes the program.
const RAISE_AND_RUN: &str = "ip link set lo up && exec \"$@\"";

pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Outcome {
    let modules = sipjs::modules(workspace)?;
    let built = build_tests(workspace)?;
    let folder = workspace.root.join(&workspace.member("patchcord-media-core")?.dir);
    for name in ["independent_codecs", "independent_srtp"] {
        let mut test = Command::new(&find(&built, "patchcord-media-core", name)?.executable);
        run_command(test.current_dir(&folder).env("PATCHCORD_INTEROP", "1"))?;
    }
    let test = find(&built, "patchcord-tests", "interop")?;
    let folder = workspace.root.join(&workspace.member("patchcord-tests")?.dir);
    let mut cases = within_network(&test.executable);
    cases.current_dir(&folder).env("PATCHCORD_INTEROP", "1").env("PATCHCORD_SIPJS", modules);
    if flags.has("--check") {
        return run_command(&mut cases);
    }
    run_command(cases.args(["--skip", TABLE]))?;
    let mut table = Command::new(&test.executable);
    run_command(table.args(["--exact", TABLE]).current_dir(folder).env("PATCHCORD_INTEROP_TABLE", "write"))
}

fn find<'a>(built: &'a [Built], package: &str, name: &str) -> Result<&'a Built, Failure> {
    built
        .iter()
        .find(|built| built.package == package && built.kind == "test" && built.name == name)
        .ok_or_else(|| Failure::new(format!("package {package} has no test `{name}`")))
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
