//! `cargo xtask bench`: instructions, time and allocations of each case of the program `bench`.
//!
//! Instructions are counted by callgrind and are the gate, as they do not depend on what else the machine does. Each
//! case is run with N and with 2N iterations; the difference over N is the cost of one iteration, without the start of
//! the program. Time and allocations come from a native run and are for people.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::flags::{Flag, Flags};
use crate::process::{Failure, Outcome, capture, find_program};
use crate::release::program;
use crate::workspace::Workspace;

pub(crate) const FLAGS: &[Flag] = &[
    Flag::switch("--gate", "fail where a case costs over 5 % more instructions than the baseline"),
    Flag::switch("--write", "write docs/bench-baseline.json"),
    Flag::with("--case", "NAME,..", "only these cases"),
];

const BASELINE: &str = "docs/bench-baseline.json";

/// More than this over the baseline fails. Inlining moves by a percent or two with any change; a lost fast path is more.
const TOLERANCE_PERCENT: u64 = 5;

/// Iterations under callgrind where the program names none for the case.
const ITERATIONS: u64 = 100;

/// A native run has this many times the iterations, to last long enough for the clock.
const NATIVE_FACTOR: u64 = 50;

/// What one iteration of a case costs.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Cost {
    pub(crate) instructions: u64,
    pub(crate) nanoseconds: f64,
    pub(crate) allocations: f64,
    /// What the case holds before the first iteration.
    pub(crate) bytes: f64,
}

pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Outcome {
    let bench = bench_program(workspace)?;
    let only = flags.list("--case");
    let mut costs = BTreeMap::new();
    for (case, iterations) in cases(&capture(Command::new(&bench).arg("--list"))?)? {
        if only.as_ref().is_none_or(|only| only.contains(&case.as_str())) {
            let cost = measure(workspace, &bench, &case, iterations)?;
            costs.insert(case, cost);
        }
    }
    let baseline = match workspace.read(BASELINE) {
        Ok(text) => parse_baseline(&text)?,
        Err(_) => BTreeMap::new(),
    };
    print_table(&costs, &baseline);
    if flags.has("--write") {
        let kept = only.map(|_| baseline.clone()).unwrap_or_default();
        return workspace.write(BASELINE, &baseline_text(kept, &costs));
    }
    if flags.has("--gate") {
        return Failure::unless_empty("bench", &over(&costs, &baseline, only.is_none()));
    }
    Ok(())
}

/// Builds the program `bench`, once it is certain that its instructions can be counted.
pub(crate) fn bench_program(workspace: &Workspace) -> Result<PathBuf, Failure> {
    if find_program("valgrind").is_none() {
        return Err(Failure::new("valgrind is missing; `cargo xtask setup` installs it"));
    }
    program(workspace, "bench")
}

/// Reads `bench --list`: a case a line, with its iterations after a blank where it wants a number of its own.
fn cases(list: &str) -> Result<Vec<(String, u64)>, Failure> {
    list.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next().unwrap_or_default().to_owned();
            let iterations = match words.next() {
                None => ITERATIONS,
                Some(word) => word.parse().ok().filter(|&number| number > 0).ok_or_else(|| {
                    Failure::new(format!("bench --list: `{line}`: not a number of iterations"))
                })?,
            };
            Ok((name, iterations))
        })
        .collect()
}

/// Counts and times one case.
pub(crate) fn measure(
    workspace: &Workspace,
    bench: &Path,
    case: &str,
    iterations: u64,
) -> Result<Cost, Failure> {
    let once = callgrind(workspace, bench, case, iterations)?;
    let twice = callgrind(workspace, bench, case, 2 * iterations)?;
    let native = (iterations * NATIVE_FACTOR).to_string();
    let line = capture(Command::new(bench).args([case, "--iterations", &native]))?;
    Ok(Cost { instructions: twice.saturating_sub(once) / iterations, ..parse_native(&line)? })
}

fn callgrind(workspace: &Workspace, bench: &Path, case: &str, iterations: u64) -> Result<u64, Failure> {
    let out: PathBuf = workspace.target.join(format!("callgrind-{case}.out"));
    // What the program prints is the cost under valgrind, which is of no interest.
    let _native = capture(
        Command::new("valgrind")
            .args(["--quiet", "--tool=callgrind"])
            .arg(format!("--callgrind-out-file={}", out.display()))
            .arg(bench)
            .args([case, "--iterations", &iterations.to_string()]),
    )?;
    let text =
        fs::read_to_string(&out).map_err(|error| Failure::new(format!("{}: {error}", out.display())))?;
    total(&text).ok_or_else(|| Failure::new(format!("{}: no total", out.display())))
}

/// The number of instructions in a callgrind file.
fn total(text: &str) -> Option<u64> {
    ["summary:", "totals:"]
        .iter()
        .find_map(|key| text.lines().rev().find_map(|line| line.strip_prefix(key)))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

/// Reads the program's line: `{"case", "iterations", "ns_per_iteration", "allocations_per_iteration", "bytes"}`.
fn parse_native(text: &str) -> Result<Cost, Failure> {
    let line = text.lines().rev().find(|line| line.starts_with('{')).unwrap_or_default();
    let value: Value = serde_json::from_str(line).unwrap_or_default();
    let number = |key: &str| {
        value[key].as_f64().ok_or_else(|| Failure::new(format!("bench printed no `{key}`: {}", text.trim())))
    };
    Ok(Cost {
        instructions: 0,
        nanoseconds: number("ns_per_iteration")?,
        allocations: number("allocations_per_iteration")?,
        bytes: number("bytes")?,
    })
}

fn parse_baseline(text: &str) -> Result<BTreeMap<String, u64>, Failure> {
    let wrong = || Failure::new(format!("{BASELINE}: not an object of cases with `instructions`"));
    let value: Value = serde_json::from_str(text).map_err(|_| wrong())?;
    let cases = value.as_object().ok_or_else(wrong)?;
    cases
        .iter()
        .map(|(case, cost)| Ok((case.clone(), cost["instructions"].as_u64().ok_or_else(wrong)?)))
        .collect()
}

fn baseline_text(kept: BTreeMap<String, u64>, costs: &BTreeMap<String, Cost>) -> String {
    let mut instructions = kept;
    instructions.extend(costs.iter().map(|(case, cost)| (case.clone(), cost.instructions)));
    let cases: Map<String, Value> =
        instructions.into_iter().map(|(case, count)| (case, json!({ "instructions": count }))).collect();
    format!("{:#}\n", Value::Object(cases))
}

fn change_percent(now: u64, before: u64) -> f64 {
    if before == 0 {
        return if now == 0 { 0.0 } else { f64::INFINITY };
    }
    (now as f64 / before as f64 - 1.0) * 100.0
}

/// What stands in the way of the gate.
fn over(costs: &BTreeMap<String, Cost>, baseline: &BTreeMap<String, u64>, all: bool) -> Vec<String> {
    let mut found = Vec::new();
    for (case, cost) in costs {
        match baseline.get(case) {
            None => found.push(format!("{case}: not in {BASELINE}; `cargo xtask bench --write`")),
            Some(&before) if cost.instructions * 100 > before * (100 + TOLERANCE_PERCENT) => {
                let change = change_percent(cost.instructions, before);
                found.push(format!(
                    "{case}: {} instructions, {before} in the baseline, {change:+.1} %",
                    cost.instructions
                ));
            }
            Some(_) => {}
        }
    }
    if all {
        let gone = baseline.keys().filter(|case| !costs.contains_key(*case));
        found.extend(gone.map(|case| format!("{case}: in {BASELINE}, but no longer a case")));
    }
    found
}

fn print_table(costs: &BTreeMap<String, Cost>, baseline: &BTreeMap<String, u64>) {
    println!("{:<28} {:>14} {:>9} {:>12} {:>12}", "case", "instructions", "baseline", "ns", "allocations");
    for (case, cost) in costs {
        let change = baseline.get(case).map_or_else(
            || "new".to_owned(),
            |&before| format!("{:+.1} %", change_percent(cost.instructions, before)),
        );
        println!(
            "{case:<28} {:>14} {change:>9} {:>12.1} {:>12.2}",
            cost.instructions, cost.nanoseconds, cost.allocations
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs(instructions: u64) -> BTreeMap<String, Cost> {
        BTreeMap::from([("a".to_owned(), Cost { instructions, ..Cost::default() })])
    }

    #[test]
    fn the_list_of_cases_may_name_iterations() {
        assert_eq!(cases("a\n\nb 7\n").expect("a list"), [("a".to_owned(), ITERATIONS), ("b".to_owned(), 7)]);
        assert!(cases("a many\n").is_err() && cases("a 0\n").is_err());
    }

    #[test]
    fn totals_are_read_from_either_line() {
        assert_eq!(total("events: Ir\nfn=x\nsummary: 4711\ntotals: 9\n"), Some(4711));
        assert_eq!(total("totals: 42\n"), Some(42));
        assert_eq!(total("nothing"), None);
    }

    #[test]
    fn the_gate_opens_at_the_tolerance_and_closes_above() {
        let baseline = BTreeMap::from([("a".to_owned(), 1000)]);
        assert!(over(&costs(1050), &baseline, true).is_empty());
        assert_eq!(over(&costs(1051), &baseline, true).len(), 1);
        assert!(over(&costs(10), &baseline, true).is_empty());
    }

    #[test]
    fn a_case_and_its_baseline_need_each_other() {
        assert_eq!(over(&costs(1), &BTreeMap::new(), true).len(), 1);
        assert_eq!(over(&BTreeMap::new(), &BTreeMap::from([("a".to_owned(), 1)]), true).len(), 1);
        assert!(over(&BTreeMap::new(), &BTreeMap::from([("a".to_owned(), 1)]), false).is_empty());
    }

    #[test]
    fn a_written_baseline_reads_back_and_keeps_what_was_not_measured() {
        let text = baseline_text(BTreeMap::from([("b".to_owned(), 2), ("a".to_owned(), 1)]), &costs(5));
        let read = parse_baseline(&text).expect("our own text");
        assert_eq!(read, BTreeMap::from([("a".to_owned(), 5), ("b".to_owned(), 2)]));
    }

    #[test]
    fn the_native_line_is_read_or_refused() {
        let line =
            r#"{"case":"a","iterations":10,"ns_per_iteration":12.5,"allocations_per_iteration":0,"bytes":7}"#;
        let read = Cost { nanoseconds: 12.5, bytes: 7.0, ..Cost::default() };
        assert_eq!(parse_native(&format!("{line}\n")), Ok(read));
        assert!(parse_native("{}").is_err());
    }
}
