//! `cargo xtask fuzz`: builds each fuzz target, replays its seeds, and searches on for some seconds.

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::flags::{Flag, Flags};
use crate::process::{Failure, Outcome, cargo, run as run_command, shown};
use crate::workspace::Workspace;

pub(crate) const TARGET: Flag = Flag::with("--target", "NAME,..", "only targets whose names start so");
pub(crate) const JOBS: Flag = Flag::with("--jobs", "N", "search so many targets at a time (default 2)");

pub(crate) const FLAGS: &[Flag] =
    &[Flag::with("--seconds", "S", "search after the seeds (default 3)"), TARGET, JOBS];

/// Finds a break that lies near the seeds; the long search is `deep`.
pub(crate) const SECONDS: u64 = 3;

/// Targets that are searched at a time: one for each core that the checks count on.
const TOGETHER: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);

/// One input may take this long, in seconds, before it counts as a hang.
const HANG_SECONDS: u64 = 10;

/// Longest input in bytes: beyond the longest line of a message (8 KiB), where limits begin to count.
const LONGEST: u64 = 20_000;

/// One target may take this much memory, in MB: an input of some kilobytes that needs more is a finding.
const MEMORY_MB: u64 = 1024;

/// Words of SIP, of which a random search makes none by itself.
const SIP_DICTIONARY: &str = "fuzz/dictionaries/sip.dict";

pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Outcome {
    search_all(workspace, flags, SECONDS)
}

/// Builds the targets, or those named, and searches in each for `--seconds`.
pub(crate) fn search_all(workspace: &Workspace, flags: &Flags, default_seconds: u64) -> Outcome {
    let seconds = flags.number("--seconds", default_seconds)?;
    let jobs = flags.number(JOBS.name, TOGETHER)?;
    let targets = listed(&workspace.read("fuzz/Cargo.toml")?);
    consistent(workspace, &targets)?;
    let only = flags.list(TARGET.name);
    let chosen = chosen(&targets, only.as_deref())?;
    build(workspace, &chosen, only.is_some())?;
    let queue = Mutex::new(chosen.iter());
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..jobs.get() {
            scope.spawn(|| {
                // The queue is let go before the search begins.
                loop {
                    let next = locked(&queue).next();
                    let Some(name) = next else { break };
                    if let Err(failure) = search(workspace, name, seconds) {
                        locked(&failed).push(format!("{name}: {failure}"));
                    }
                }
            });
        }
    });
    Failure::unless_empty("fuzz", &locked(&failed))?;
    println!("fuzz: {} targets, nothing found", chosen.len());
    Ok(())
}

/// A search that panics poisons the lock, and the scope passes the panic on.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The targets whose names start as one of `only`; each of those has to fit one.
fn chosen<'a>(targets: &'a BTreeSet<String>, only: Option<&[&str]>) -> Result<Vec<&'a String>, Failure> {
    let Some(only) = only else { return Ok(targets.iter().collect()) };
    match only.iter().find(|start| !targets.iter().any(|name| name.starts_with(**start))) {
        Some(start) => Err(Failure::new(format!("fuzz: no target starts with `{start}`"))),
        None => Ok(targets.iter().filter(|name| only.iter().any(|start| name.starts_with(start))).collect()),
    }
}

/// Without a sanitizer: the code has no `unsafe`, and so it builds with the stable compiler.
fn build(workspace: &Workspace, chosen: &[&String], each: bool) -> Outcome {
    let mut command = cargo(&workspace.root);
    command.args(["fuzz", "build", "--sanitizer", "none"]);
    if !each {
        return run_command(&mut command);
    }
    chosen.iter().try_for_each(|name| {
        run_command(cargo(&workspace.root).args(["fuzz", "build", "--sanitizer", "none", name]))
    })
}

fn search(workspace: &Workspace, name: &str, seconds: u64) -> Outcome {
    let corpus = fresh_corpus(workspace, name)?;
    let artifacts = workspace.root.join("fuzz/artifacts").join(name);
    fs::create_dir_all(&artifacts)
        .map_err(|error| Failure::new(format!("{}: {error}", artifacts.display())))?;
    let mut command = Command::new(executable(workspace, name)?);
    command
        .arg(&corpus)
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={HANG_SECONDS}"))
        .arg(format!("-rss_limit_mb={MEMORY_MB}"))
        .arg(format!("-max_len={LONGEST}"))
        .args(["-seed=1", "-print_final_stats=1"])
        .stdin(Stdio::null());
    if name.starts_with("sip_message") {
        command.arg(format!("-dict={}", workspace.root.join(SIP_DICTIONARY).display()));
    }
    let output = command
        .output()
        .map_err(|error| Failure::new(format!("{} did not start: {error}", shown(&command))))?;
    let report = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        print!("{report}");
        return Err(Failure::new(format!("{}; the input is in {}", output.status, artifacts.display())));
    }
    println!("fuzz: {name:<28} {:>10} inputs", executed(&report).unwrap_or_default());
    Ok(())
}

/// A folder with the seeds only, so that a run does not depend on what earlier runs have found.
fn fresh_corpus(workspace: &Workspace, name: &str) -> Result<PathBuf, Failure> {
    let seeds = workspace.root.join("fuzz/seeds").join(name);
    let corpus = workspace.target.join("fuzz-corpus").join(name);
    copy_fresh(&seeds, &corpus).map_err(|error| Failure::new(format!("seeds of {name}: {error}")))?;
    Ok(corpus)
}

fn copy_fresh(from: &Path, to: &Path) -> std::io::Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let file = entry?.path();
        if let Some(name) = file.file_name().filter(|_| file.is_file()) {
            fs::copy(&file, to.join(name))?;
        }
    }
    Ok(())
}

/// Where cargo-fuzz has put the program: below the target folder of the fuzz workspace, by host triple.
fn executable(workspace: &Workspace, name: &str) -> Result<PathBuf, Failure> {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| workspace.root.join("fuzz/target"), |dir| workspace.root.join(dir));
    let folders =
        fs::read_dir(&target).map_err(|error| Failure::new(format!("{}: {error}", target.display())))?;
    let mut programs: Vec<PathBuf> = folders
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("release").join(name))
        .filter(|program| program.is_file())
        .collect();
    programs.sort();
    programs.pop().ok_or_else(|| Failure::new(format!("{name} was not built below {}", target.display())))
}

/// Each target is a file, each file is a target, each has seeds.
fn consistent(workspace: &Workspace, targets: &BTreeSet<String>) -> Outcome {
    let files: BTreeSet<String> = workspace
        .sources(&["fuzz/fuzz_targets"], ".rs")?
        .iter()
        .filter_map(|(path, _)| path.strip_prefix("fuzz/fuzz_targets/")?.strip_suffix(".rs"))
        .map(str::to_owned)
        .collect();
    let mut found = Vec::new();
    found.extend(files.difference(targets).map(|name| {
        format!("fuzz/Cargo.toml lacks\n[[bin]]\nname = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"\n{HARNESSLESS}")
    }));
    found.extend(targets.difference(&files).map(|name| format!("fuzz/fuzz_targets/{name}.rs is missing")));
    for name in targets {
        let seeds = workspace.root.join("fuzz/seeds").join(name);
        if !fs::read_dir(&seeds).is_ok_and(|mut entries| entries.next().is_some()) {
            found.push(format!("fuzz/seeds/{name} has no seed"));
        }
    }
    Failure::unless_empty("fuzz", &found)
}

const HARNESSLESS: &str = "test = false\ndoc = false\nbench = false";

/// The names of the `[[bin]]` sections.
fn listed(manifest: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut section = "";
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        } else if section == "[[bin]]"
            && let Some(value) =
                line.strip_prefix("name").and_then(|rest| rest.trim_start().strip_prefix('='))
        {
            names.insert(value.trim().trim_matches('"').to_owned());
        }
    }
    names
}

/// How many inputs libFuzzer says it has run.
fn executed(report: &str) -> Option<&str> {
    report.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:")).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_the_bins_of_the_manifest() {
        let manifest =
            "[package]\nname = \"fuzz\"\n[[bin]]\nname = \"b\"\npath = \"x\"\n\n[[bin]]\nname=\"a\"\n";
        assert_eq!(listed(manifest).into_iter().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn targets_are_chosen_by_the_start_of_their_names() {
        let targets = ["a_x", "a_y", "b"].map(String::from).into();
        assert_eq!(chosen(&targets, None).expect("all").len(), 3);
        assert_eq!(chosen(&targets, Some(&["a_", "b"])).expect("all").len(), 3);
        assert_eq!(chosen(&targets, Some(&["a_y"])).expect("one"), ["a_y"]);
        assert!(chosen(&targets, Some(&["a_", "c"])).is_err());
        assert!(chosen(&BTreeSet::new(), Some(&["a"])).is_err());
    }

    #[test]
    fn the_count_is_read_from_the_final_statistics() {
        let report = "INFO: x\nstat::number_of_executed_units: 4711\nstat::average_exec_per_sec: 1\n";
        assert_eq!(executed(report), Some("4711"));
        assert_eq!(executed("INFO: x\n"), None);
    }
}
