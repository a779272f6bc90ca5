//! `cargo xtask ci`: every check as a named step. All steps run, even after one has failed.
//!
//! Three sets of compiler output serve all steps: checks (clippy, docs), the test build (tests, examples, interop) and
//! the release build (worlds, demonstration, benches).

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::flags::{Flag, Flags};
use crate::process::{Failure, Outcome, cargo, run as run_command, succeeds};
use crate::workspace::Workspace;
use crate::{
    alacarte, bans, bench, bench_transfers, conformance, examples, fuzz, interop, layers, lint, peers,
    release, setup, sim,
};

pub(crate) const FLAGS: &[Flag] = &[
    Flag::with("--only", "STEP,..", "only these steps"),
    Flag::with("--skip", "STEP,..", "not these steps"),
];

type Step = (&'static str, fn(&Workspace) -> Outcome);

const STEPS: &[Step] = &[
    ("fmt", fmt),
    ("clippy", lint::clippy),
    ("own-lints", lint::own_checks),
    ("layers", |w| layers::run(w, &Flags::default())),
    ("bans", |w| bans::run(w, &Flags::default())),
    ("conformance", |w| conformance::run(w, &Flags::parse(conformance::FLAGS, vec!["--check".into()])?)),
    ("doc", doc),
    ("tests", tests),
    ("doctests", |w| run_command(cargo(&w.root).args(["test", "--workspace", "--doc", "--quiet"]))),
    ("examples", |w| examples::run(w, &Flags::default())),
    ("interop", |w| interop::run(w, &Flags::parse(interop::FLAGS, vec!["--check".into()])?)),
    ("release-build", release::build),
    ("sim", |w| sim::run(w, &Flags::default())),
    ("demo", |w| release::demo(w, &Flags::default())),
    ("transfers", bench_transfers::check),
    ("bench-gate", |w| bench::run(w, &Flags::parse(bench::FLAGS, vec!["--gate".into()])?)),
    ("alacarte", |w| alacarte::run(w, &Flags::default())),
    ("fuzz", |w| fuzz::run(w, &Flags::default())),
];

const SETUP: Step = ("setup", |w| setup::run(w, &Flags::default()));

pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Outcome {
    steps(workspace, &chosen(STEPS.to_vec(), flags)?)
}

/// `cargo xtask test`: the set-up is one step more.
pub(crate) fn run_with_setup(workspace: &Workspace, flags: &Flags) -> Outcome {
    let all = std::iter::once(SETUP).chain(STEPS.iter().copied()).collect();
    steps(workspace, &chosen(all, flags)?)
}

fn chosen(all: Vec<Step>, flags: &Flags) -> Result<Vec<Step>, Failure> {
    let (only, skip) = (flags.list("--only"), flags.list("--skip"));
    for name in only.iter().chain(&skip).flatten() {
        if !all.iter().any(|(step, _)| step == name) {
            let names: Vec<&str> = all.iter().map(|(step, _)| *step).collect();
            return Err(Failure::new(format!("no step `{name}`; there are: {}", names.join(" "))));
        }
    }
    Ok(all
        .into_iter()
        .filter(|(name, _)| only.as_ref().is_none_or(|only| only.contains(name)))
        .filter(|(name, _)| !skip.as_ref().is_some_and(|skip| skip.contains(name)))
        .collect())
}

fn steps(workspace: &Workspace, steps: &[Step]) -> Outcome {
    let mut results = Vec::new();
    for (name, job) in steps {
        println!("\n==> {name}");
        let start = Instant::now();
        let outcome = job(workspace);
        if let Err(failure) = &outcome {
            println!("{name} failed: {failure}");
        }
        results.push((*name, outcome, start.elapsed()));
    }
    print!("\n{}", table(&results));
    let failed: Vec<&str> =
        results.iter().filter(|(_, outcome, _)| outcome.is_err()).map(|(name, ..)| *name).collect();
    if failed.is_empty() { Ok(()) } else { Err(Failure::new(format!("failed: {}", failed.join(" ")))) }
}

/// A line a step, then the sum: `N passed, N failed`.
fn table(results: &[(&str, Outcome, Duration)]) -> String {
    let mut text = String::new();
    let mut row = |step: &str, result: &str, took: Duration| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{step:<16} {result:<7} {:>9.1} s", took.as_secs_f64());
    };
    for (name, outcome, took) in results {
        row(name, if outcome.is_ok() { "passed" } else { "FAILED" }, *took);
    }
    row("all", "", results.iter().map(|(_, _, took)| *took).sum());
    let passed = results.iter().filter(|(_, outcome, _)| outcome.is_ok()).count();
    let _ = writeln!(text, "{passed} passed, {} failed", results.len() - passed);
    text
}

fn fmt(workspace: &Workspace) -> Outcome {
    run_command(cargo(&workspace.root).args(["fmt", "--all", "--check"]))?;
    peers::format_check(workspace)
}

fn doc(workspace: &Workspace) -> Outcome {
    let mut command = cargo(&workspace.root);
    command.args(["doc", "--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings");
    run_command(&mut command)
}

/// By nextest where it is installed, as it runs the programs side by side.
fn tests(workspace: &Workspace) -> Outcome {
    let mut command = cargo(&workspace.root);
    if succeeds(cargo(&workspace.root).args(["nextest", "--version"])) {
        command.args(["nextest", "run", "--workspace", "--no-fail-fast", "--status-level=fail"]);
    } else {
        command.args(["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast", "--quiet"]);
    }
    run_command(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(args: &[&str]) -> Result<Vec<&'static str>, Failure> {
        let flags = Flags::parse(FLAGS, args.iter().map(|&arg| arg.to_owned()).collect())?;
        Ok(chosen(STEPS.to_vec(), &flags)?.iter().map(|(name, _)| *name).collect())
    }

    #[test]
    fn steps_are_chosen_by_name_and_a_wrong_name_is_an_error() {
        assert_eq!(names(&["--only", "layers,fmt"]).expect("the names exist"), ["fmt", "layers"]);
        assert_eq!(names(&["--skip", "fmt"]).expect("the name exists").len(), STEPS.len() - 1);
        assert!(names(&["--skip", "nothing"]).is_err());
    }

    #[test]
    fn the_last_line_counts_the_steps() {
        let results = [
            ("a", Ok(()), Duration::from_secs(1)),
            ("b", Err(Failure::new("x")), Duration::from_millis(500)),
        ];
        let text = table(&results);
        assert!(text.ends_with("\n1 passed, 1 failed\n"), "{text}");
        assert!(text.contains("FAILED") && text.contains("1.5"), "{text}");
    }
}
