//! Scenarios with their traces: what is read from them.

use std::{fs, path::Path};

use patchcord_tests::{
    check, ladder,
    play::{self, Played},
    scenario::Scenario,
};

/// The seed of golden traces.
const GOLDEN_SEED: u64 = 1;

/// Plays a committed scenario, judges it, and compares its ladder with the committed trace. `UPDATE_GOLDEN=1` writes the
/// trace instead.
pub(crate) fn golden(name: &str) -> String {
    golden_run(name).0
}

/// As [`golden`], with the run itself, for what a trace does not show.
pub(crate) fn golden_run(name: &str) -> (String, Played) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join(format!("scenarios/{name}.scn"))).expect("a scenario");
    let scenario = Scenario::parse(&text).unwrap_or_else(|error| panic!("{name}.scn: {error}"));
    let played = play::play(&scenario, GOLDEN_SEED);
    let trace = format!("# {}\n{}", scenario.title, ladder::ladder(&played.journal, &played.names));
    let broken = check::broken(&played);
    assert!(broken.is_empty(), "{name} breaks {broken:#?}\n{trace}");
    assert!(played.unexpected.is_empty(), "{name} is not as expected: {:#?}\n{trace}", played.unexpected);
    let path = root.join(format!("golden/{name}.trace"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &trace).expect("the golden trace can be written");
        return (trace, played);
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let differs = committed.lines().zip(trace.lines()).position(|(old, new)| old != new);
    assert!(
        committed == trace,
        "{name} differs from golden/{name}.trace at line {:?}; if that is right, set UPDATE_GOLDEN=1\n{trace}",
        differs.map(|line| line + 1)
    );
    (trace, played)
}

/// Where in a trace the first line stands that holds all words.
pub(crate) fn line(trace: &str, words: &[&str]) -> usize {
    trace
        .lines()
        .position(|line| words.iter().all(|word| line.contains(word)))
        .unwrap_or_else(|| panic!("no line with {words:?} in\n{trace}"))
}

pub(crate) fn count(trace: &str, words: &[&str]) -> usize {
    trace.lines().filter(|line| words.iter().all(|word| line.contains(word))).count()
}

/// The `#n` of a line: its `CSeq`.
pub(crate) fn cseq(trace: &str, line: usize) -> String {
    let line = trace.lines().nth(line).unwrap_or_default();
    line.split_whitespace().find(|word| word.starts_with('#')).unwrap_or_default().to_owned()
}

/// The time of a line, in milliseconds.
pub(crate) fn at_ms(trace: &str, line: usize) -> u64 {
    time_ms(trace.lines().nth(line).unwrap_or_default())
}

pub(crate) fn time_ms(line: &str) -> u64 {
    let seconds: f64 = line
        .split_whitespace()
        .next()
        .and_then(|time| time.parse().ok())
        .expect("a line begins with its time");
    (seconds * 1000.0).round() as u64
}

#[test]
fn every_scenario_has_its_trace_and_no_trace_is_left_over() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = |folder: &str, ending: &str| -> Vec<String> {
        let files =
            fs::read_dir(root.join(folder)).expect("a folder").map(|file| file.expect("a file").path());
        let mut names: Vec<String> = files
            .filter(|path| path.extension().is_some_and(|extension| extension == ending))
            .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
            .collect();
        names.sort();
        names
    };
    // While traces are written anew, some may not be there yet.
    if std::env::var_os("UPDATE_GOLDEN").is_none() {
        assert_eq!(names("scenarios", "scn"), names("golden", "trace"));
    }
}
