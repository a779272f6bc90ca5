//! `cargo xtask interop`: independent peers against our stack, in a private network.
//!
//! The codecs and SRTP come first, against ffmpeg, sox and libsrtp; they need no network.
//!
//! The tests get `PATCHCORD_INTEROP=1`, and in `PATCHCORD_NETWORK` what they run in: `private`, a network namespace
//! with nothing but its loopback, or `host`. After a run in which every case passed, the tests write the table of cases
//! into `docs/interop.md`; with `--check` a stale table is a failure like any other.

use std::path::Path;
use std::process::Command;
use std::thread;

use crate::examples::{Built, build_tests};
use crate::flags::{Flag, Flags};
use crate::process::{Failure, Outcome, capture, run as run_command, shown, succeeds};
use crate::sipjs;
use crate::workspace::Workspace;

pub(crate) const FLAGS: &[Flag] =
    &[Flag::switch("--check", "write nothing; fail if the table in docs/interop.md is stale")];

/// The test that compares the table, or writes it where `PATCHCORD_INTEROP_TABLE` is `write`.
const TABLE: &str = "table::the_table_in_the_documentation_is_that_of_the_cases";

/// The ways into a private network: as root, and as anybody where user namespaces are permitted.
const PRIVATE: &[&[&str]] = &[&["unshare", "-n"], &["unshare", "-rn"]];

/// Parts that the cases are run in at once, each in a private network of its own. A case waits for its peers nearly all the
/// time: it takes a seventh of a processor, so that two processors carry three with room for their beginnings, which take more.
const PARTS: usize = 3;

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
    let network = private_network();
    if network.is_none() {
        println!("interop: no private network can be made here (unshare is refused); using that of the host");
    }
    let mut parts = cases(&test.executable, if network.is_some() { PARTS } else { 1 }, flags.has("--check"))?;
    let commands = parts.iter_mut().map(|names| {
        let mut command = within(network, &test.executable);
        command.args(names.as_slice()).current_dir(&folder);
        command.env("PATCHCORD_INTEROP", "1").env("PATCHCORD_SIPJS", &modules);
        command
    });
    all_at_once(commands.collect())?;
    if flags.has("--check") {
        return Ok(());
    }
    let mut table = Command::new(&test.executable);
    run_command(table.args(["--exact", TABLE]).current_dir(folder).env("PATCHCORD_INTEROP_TABLE", "write"))
}

/// The names of the cases in so many parts.
fn cases(program: &Path, parts: usize, with_table: bool) -> Result<Vec<Vec<String>>, Failure> {
    let listed = capture(Command::new(program).args(["--list", "--format", "terse"]))?;
    Ok(shared_out(&listed, parts, with_table))
}

/// One case to each part in turn, so that the slow ones of a module are shared out.
fn shared_out(listed: &str, parts: usize, with_table: bool) -> Vec<Vec<String>> {
    let names = listed.lines().filter_map(|line| line.strip_suffix(": test"));
    let mut shared = vec![Vec::new(); parts];
    for (number, name) in names.filter(|name| with_table || *name != TABLE).enumerate() {
        shared[number % parts].push(name.to_owned());
    }
    shared
}

/// Runs the commands at the same time. The first writes to the terminal; what the others wrote follows.
fn all_at_once(commands: Vec<Command>) -> Outcome {
    let mut commands = commands.into_iter();
    let first = commands.next();
    let (mut outcome, others) = thread::scope(|scope| {
        let others: Vec<_> =
            commands.map(|mut command| scope.spawn(move || (shown(&command), command.output()))).collect();
        let outcome = first.map_or(Ok(()), |mut command| run_command(&mut command));
        (outcome, others.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>())
    });
    for other in others {
        let (name, output) = other.map_err(|_| Failure::new("a part of the cases was not run"))?;
        let output = output.map_err(|error| Failure::new(format!("{name} did not start: {error}")))?;
        println!("+ {name}");
        print!("{}", String::from_utf8_lossy(&output.stdout));
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            outcome = outcome.and(Err(Failure::new(format!("interop: {}", output.status))));
        }
    }
    outcome
}

fn find<'a>(built: &'a [Built], package: &str, name: &str) -> Result<&'a Built, Failure> {
    built
        .iter()
        .find(|built| built.package == package && built.kind == "test" && built.name == name)
        .ok_or_else(|| Failure::new(format!("package {package} has no test `{name}`")))
}

/// The command for the test program in a private network, or in that of the host. One test at a time: the peers have fixed
/// ports.
fn within(network: Option<(&str, &[&str])>, program: &Path) -> Command {
    let (mut command, name) = match network {
        Some((first, rest)) => {
            let mut command = Command::new(first);
            command.args(rest).args(["sh", "-c", RAISE_AND_RUN, "sh"]).arg(program);
            (command, "private")
        }
        None => (Command::new(program), "host"),
    };
    command.env("PATCHCORD_NETWORK", name).args(["--test-threads=1", "--nocapture", "--exact"]);
    command
}

fn private_network() -> Option<(&'static str, &'static [&'static str])> {
    PRIVATE.iter().find_map(|way| {
        let (first, rest) = way.split_first()?;
        succeeds(Command::new(first).args(rest).args(["sh", "-c", RAISE_AND_RUN, "sh", "true"]))
            .then_some((*first, rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_is_in_one_part() {
        let listed =
            format!("a::one: test\na::two: test\nb::three: test\n{TABLE}: test\n\n4 tests, 0 benchmarks\n");
        assert_eq!(shared_out(&listed, 2, false), [vec!["a::one", "b::three"], vec!["a::two"]]);
        assert_eq!(shared_out(&listed, 1, true), [vec!["a::one", "a::two", "b::three", TABLE]]);
    }
}
