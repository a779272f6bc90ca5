//! `cargo xtask deep --only mutants`: what the tests say to small mistakes in the state machines.
//!
//! cargo-mutants makes one mistake at a time in the files that `.cargo/mutants.toml` names, in a copy of the tree, and runs the
//! tests of the crate that holds it. A mistake that no test notices is missed: a test is missing, or the code does nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::flags::{Flag, Flags};
use crate::process::{Failure, Outcome, cargo, shown};
use crate::setup::cargo_tool;
use crate::workspace::{Member, Workspace, array};

pub(crate) const SHARD: Flag =
    Flag::with("--shard", "K/N", "every N-th mutant, from the K-th (0 is the first)");
pub(crate) const FILES: Flag = Flag::with("--files", "PATH,..", "only mutants of files whose paths start so");

/// The version that this verb was checked with.
const VERSION: &str = "27.1.0";

/// Mistakes that the tests of a crate have to notice, of a hundred that compile.
const AIM: u64 = 90;

/// Some mutant was missed, or made the tests run for ever: the report tells how many.
const MISSED: i32 = 2;
const TIMED_OUT: i32 = 3;

pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Outcome {
    cargo_tool(workspace, "mutants", VERSION)?;
    let folder = workspace.target.join("mutants");
    let failed = |what: String, error: &dyn std::fmt::Display| Failure::new(format!("{what}: {error}"));
    fs::create_dir_all(&folder).map_err(|error| failed(folder.display().to_string(), &error))?;

    let mut command = cargo(&workspace.root);
    command.args(["mutants", "--colors", "never", "--output"]).arg(&folder);
    if let Some(shard) = flags.text(SHARD.name) {
        command.args([SHARD.name, shard]);
    }
    match flags.list(FILES.name) {
        None => {
            command.arg("--workspace");
        }
        Some(paths) => {
            // The tests of every package that is named run once without a mutant.
            let holds = |member: &&Member| paths.iter().any(|path| path.starts_with(&member.dir));
            for member in workspace.members.iter().filter(holds) {
                command.args(["--package", &member.name]);
            }
            // A mutant's name begins with its file.
            for path in paths {
                command.args(["--re", &format!("^{path}")]);
            }
        }
    }
    // What is built from the copy is of no use once that is gone.
    command.env_remove("CARGO_TARGET_DIR");
    println!("+ {}", shown(&command));
    let status = command.status().map_err(|error| failed(shown(&command), &error))?;
    if !status.success() && !matches!(status.code(), Some(MISSED | TIMED_OUT)) {
        return Err(failed(shown(&command), &status));
    }

    let file = folder.join("mutants.out/outcomes.json");
    let text = fs::read_to_string(&file).map_err(|error| failed(file.display().to_string(), &error))?;
    let outcomes = serde_json::from_str(&text).map_err(|error| failed(file.display().to_string(), &error))?;
    let report = Report::read(&outcomes)?;
    print!("{}", report.table());
    for mutant in &report.unnoticed {
        println!("{mutant}");
    }
    Failure::unless_empty("mutants", &report.below(AIM))
}

/// What became of the mutants of one file or one crate.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Score {
    caught: u64,
    missed: u64,
    timeout: u64,
    /// Does not compile, which says nothing about the tests.
    unviable: u64,
}

impl Score {
    const fn viable(self) -> u64 {
        self.caught + self.missed + self.timeout
    }

    /// In tenths of a percent, rounded down, of those that compile; `None` where there is none. One that makes the tests run
    /// for ever does not count as caught.
    fn per_mille(self) -> Option<u64> {
        (self.caught * 1000).checked_div(self.viable())
    }

    fn add(&mut self, other: Self) {
        self.caught += other.caught;
        self.missed += other.missed;
        self.timeout += other.timeout;
        self.unviable += other.unviable;
    }
}

/// The result of a run.
#[derive(Debug, Default)]
struct Report {
    /// By crate, and there by file.
    crates: BTreeMap<String, BTreeMap<String, Score>>,
    /// Mutants that were missed or ran for ever, as `file:line:column: what was changed`.
    unnoticed: Vec<String>,
}

impl Report {
    fn read(outcomes: &Value) -> Result<Self, Failure> {
        let mut report = Self::default();
        for outcome in array(&outcomes["outcomes"]) {
            let mutant = &outcome["scenario"]["Mutant"];
            // The run without a mutant.
            if mutant.is_null() {
                continue;
            }
            let (Some(package), Some(file), Some(name), Some(summary)) = (
                mutant["package"].as_str(),
                mutant["file"].as_str(),
                mutant["name"].as_str(),
                outcome["summary"].as_str(),
            ) else {
                return Err(Failure::new(format!("mutants: not as in version {VERSION}: {outcome}")));
            };
            let mut score = Score::default();
            match summary {
                "CaughtMutant" => score.caught = 1,
                "MissedMutant" => score.missed = 1,
                "Timeout" => score.timeout = 1,
                "Unviable" => score.unviable = 1,
                other => return Err(Failure::new(format!("mutants: {name}: {other}"))),
            }
            if score.missed + score.timeout > 0 {
                report.unnoticed.push(format!("{summary}: {name}"));
            }
            let files = report.crates.entry(package.to_owned()).or_default();
            files.entry(file.to_owned()).or_default().add(score);
        }
        Ok(report)
    }

    fn totals(&self) -> impl Iterator<Item = (&str, Score)> {
        self.crates.iter().map(|(name, files)| {
            let mut total = Score::default();
            for score in files.values() {
                total.add(*score);
            }
            (name.as_str(), total)
        })
    }

    /// A row for each file and one for each crate, in Markdown.
    fn table(&self) -> String {
        let mut text = String::from("\n| Mutants of | caught | missed | timeout | do not compile | % |\n");
        text.push_str("| --- | --- | --- | --- | --- | --- |\n");
        let files = self.crates.values().flatten().map(|(file, score)| (format!("`{file}`"), *score));
        let totals = self.totals().map(|(name, score)| (format!("**{name}**"), score));
        for (what, score) in files.chain(totals) {
            let Score { caught, missed, timeout, unviable } = score;
            let percent =
                score.per_mille().map_or("-".into(), |mille| format!("{}.{}", mille / 10, mille % 10));
            // Writing to a String cannot fail.
            let _ = writeln!(text, "| {what} | {caught} | {missed} | {timeout} | {unviable} | {percent} |");
        }
        text
    }

    /// The crates whose tests notice fewer than `aim` of a hundred mutants. A run without any shows nothing, and fails.
    fn below(&self, aim: u64) -> Vec<String> {
        if self.totals().all(|(_, score)| score.viable() == 0) {
            return vec!["there was none that compiles".into()];
        }
        self.totals()
            .filter(|(_, score)| score.per_mille().is_some_and(|mille| mille < aim * 10))
            .map(|(name, score)| format!("{name}: {} of {}, below {aim} %", score.caught, score.viable()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outcome(file: &str, summary: &str) -> Value {
        let mutant = json!({ "package": "transfer", "file": file, "name": format!("{file}:1:2: mistake") });
        json!({ "scenario": { "Mutant": mutant }, "summary": summary })
    }

    fn report(outcomes: &[Value]) -> Result<Report, Failure> {
        Report::read(&json!({ "outcomes": outcomes }))
    }

    #[test]
    fn a_row_for_each_file_and_crate_counts_what_became_of_its_mutants() {
        let report = report(&[
            json!({ "scenario": "Baseline", "summary": "Success" }),
            outcome("a.rs", "CaughtMutant"),
            outcome("a.rs", "CaughtMutant"),
            outcome("a.rs", "MissedMutant"),
            outcome("b.rs", "Unviable"),
        ])
        .expect("as cargo-mutants writes it");
        let table = report.table();
        let rows: Vec<_> = table.lines().skip(3).collect();
        assert_eq!(
            rows,
            [
                "| `a.rs` | 2 | 1 | 0 | 0 | 66.6 |",
                "| `b.rs` | 0 | 0 | 0 | 1 | - |",
                "| **transfer** | 2 | 1 | 0 | 1 | 66.6 |"
            ]
        );
        assert_eq!(report.unnoticed, ["MissedMutant: a.rs:1:2: mistake"]);
    }

    #[test]
    fn nine_of_ten_are_enough_and_one_less_is_not() {
        let of_ten = |caught| -> Vec<Value> {
            let summary = |n| if n < caught { "CaughtMutant" } else { "Timeout" };
            (0..10).map(|n| outcome("a.rs", summary(n))).collect()
        };
        assert!(report(&of_ten(9)).expect("read").below(AIM).is_empty());
        assert_eq!(report(&of_ten(8)).expect("read").below(AIM), ["transfer: 8 of 10, below 90 %"]);
    }

    #[test]
    fn a_run_that_shows_nothing_does_not_pass() {
        assert_eq!(report(&[]).expect("read").below(AIM).len(), 1);
        assert_eq!(report(&[outcome("a.rs", "Unviable")]).expect("read").below(AIM).len(), 1);
    }

    #[test]
    fn what_another_version_writes_is_an_error() {
        assert!(report(&[outcome("a.rs", "Vanished")]).is_err());
        assert!(report(&[json!({ "scenario": { "Mutant": {} }, "summary": "CaughtMutant" })]).is_err());
    }
}
