//! The rules of our own for one source file.

use std::ops::Range;

use crate::scan::{code_only, lines_with, test_lines, without_comments};

/// A file longer than this holds more than one concept.
const MAX_LINES: usize = 500;

/// Names that say nothing about what a file holds.
const VAGUE_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "misc"];

/// Waiting in a test hides a race. Files that may, with the reason.
const SLEEP_ALLOWED: &[(&str, &str)] = &[(
    "tests/src/bin/bench_media/pumped.rs",
    "a measurement lasts as long as it is asked to; nothing is awaited",
)];

/// What belongs under `src/io`, `src/driver` and the application only.
const OUTSIDE_WORLD: &[&str] = &[
    "tokio::",
    "Instant::now",
    "SystemTime::now",
    "UdpSocket",
    "TcpStream",
    "TcpListener",
    "thread::spawn",
    "thread::sleep",
    "getrandom::",
];

/// The findings in one file, as `path:line: what`.
pub(crate) fn findings(path: &str, source: &str) -> Vec<String> {
    let code = code_only(source);
    let tests = test_lines(path, &code);
    let mut found = Vec::new();
    length(path, source, &mut found);
    name(path, &mut found);
    attributes(path, source, &code, &mut found);
    unfinished(path, source, &code, &mut found);
    sleeps(path, &code, &tests, &mut found);
    outside_world(path, &code, &tests, &mut found);
    found
}

fn length(path: &str, source: &str, found: &mut Vec<String>) {
    let lines = source.lines().count();
    if lines > MAX_LINES && (path.starts_with("crates/") || path.starts_with("xtask/")) {
        found.push(format!("{path}: {lines} lines, at most {MAX_LINES}; split it by concept"));
    }
}

fn name(path: &str, found: &mut Vec<String>) {
    let vague = path.trim_end_matches(".rs").split('/').find(|part| VAGUE_NAMES.contains(part));
    if let Some(part) = vague {
        found.push(format!("{path}: `{part}` does not say what it holds"));
    }
}

/// A lint is lifted by `#[expect(lint, reason = "..")]` only: it tells when it is no longer needed, and why it was.
fn attributes(path: &str, source: &str, code: &str, found: &mut Vec<String>) {
    // Both keep each character in its place, so a place found in the code is the same place in the text.
    let code: Vec<char> = code.chars().collect();
    let text: Vec<char> = without_comments(source).chars().collect();
    let mut line = 1;
    for (at, char) in code.iter().enumerate() {
        line += usize::from(*char == '\n');
        let body = match code[at..] {
            ['#', '[', ..] => at + 2,
            ['#', '!', '[', ..] => at + 3,
            _ => continue,
        };
        let end = body + attribute_length(&code[body..]);
        let words: String = code[body..end].iter().collect();
        if !lines_with(&words, "allow(").is_empty() {
            found.push(format!("{path}:{line}: `allow`; write `expect(.., reason = \"..\")`"));
        }
        let reason = text[body..end].iter().collect::<String>().contains("reason");
        if !lines_with(&words, "expect(").is_empty() && !reason {
            found.push(format!("{path}:{line}: `expect` without a reason"));
        }
    }
}

/// How far it is to the bracket that closes the attribute.
fn attribute_length(code: &[char]) -> usize {
    let mut depth = 1_usize;
    let closing = code.iter().position(|char| {
        match char {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    closing.unwrap_or(code.len())
}

fn unfinished(path: &str, source: &str, code: &str, found: &mut Vec<String>) {
    for word in ["todo!", "unimplemented!"] {
        for line in lines_with(code, word) {
            found.push(format!("{path}:{line}: `{word}`"));
        }
    }
    // Spelled in two parts, so that this file has no finding.
    let mark = concat!("FIX", "ME");
    for line in lines_with(source, mark) {
        found.push(format!("{path}:{line}: `{mark}`"));
    }
}

fn sleeps(path: &str, code: &str, tests: &[Range<usize>], found: &mut Vec<String>) {
    if SLEEP_ALLOWED.iter().any(|(allowed, _)| *allowed == path) {
        return;
    }
    for line in lines_with(code, "sleep(") {
        if tests.iter().any(|range| range.contains(&(line - 1))) {
            found.push(format!("{path}:{line}: a sleep in a test; wait for the event or use virtual time"));
        }
    }
}

fn outside_world(path: &str, code: &str, tests: &[Range<usize>], found: &mut Vec<String>) {
    let Some((folder, file)) = path.strip_prefix("crates/").and_then(|rest| rest.split_once("/src/")) else {
        return;
    };
    let first = file.split(['/', '.']).next().unwrap_or_default();
    if folder == "patchcord" || matches!((folder, first), (_, "io") | ("session-core", "driver")) {
        return;
    }
    for word in OUTSIDE_WORLD {
        for line in lines_with(code, word) {
            let in_test = tests.iter().any(|range| range.contains(&(line - 1)));
            // The facade hands its answers out through tokio's channels, which need no runtime.
            let text = code.lines().nth(line - 1).unwrap_or_default();
            let channel = folder == "session-core" && *word == "tokio::" && text.contains("tokio::sync");
            if !in_test && !channel {
                found.push(format!("{path}:{line}: `{word}` outside src/io, src/driver and the application"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allow_is_found_and_an_expect_with_reason_is_not() {
        let source = concat!(
            "#![allow(dead_code)]\n",
            "// #[allow(commented)]\n",
            "#[expect(dead_code)]\n",
            "#[expect(dead_code, reason = \"kept\")]\n",
            "const A: &str = \"#[allow(text)]\";\n",
            "#[cfg_attr(test, allow(dead_code))]\n",
            "#[expect(\n    dead_code,\n    reason = \"a list such as [1]\"\n)]\n",
        );
        let found = findings("crates/transfer/src/a.rs", source);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].starts_with("crates/transfer/src/a.rs:1: `allow`"), "{found:?}");
        assert!(found[1].starts_with("crates/transfer/src/a.rs:3: `expect` without"), "{found:?}");
        assert!(found[2].starts_with("crates/transfer/src/a.rs:6: `allow`"), "{found:?}");
    }

    #[test]
    fn a_file_may_have_its_maximum_of_lines_and_no_more() {
        let source = "\n".repeat(MAX_LINES);
        assert!(findings("crates/transfer/src/a.rs", &source).is_empty());
        assert_eq!(findings("crates/transfer/src/a.rs", &(source.clone() + "\n")).len(), 1);
        assert!(findings("tests/src/a.rs", &(source + "\n")).is_empty());
    }

    #[test]
    fn vague_names_are_found_as_file_and_as_folder() {
        for path in ["crates/x/src/util.rs", "crates/x/src/common/mod.rs", "xtask/src/helpers.rs"] {
            assert_eq!(findings(path, "").len(), 1, "{path}");
        }
        assert!(findings("crates/x/src/utility_bill.rs", "").is_empty());
    }

    #[test]
    fn a_sleep_is_a_finding_in_test_code_only() {
        let source = "fn a() { sleep(1) }\n#[cfg(test)]\nmod tests {\n fn t() { sleep(2) }\n}\n";
        assert_eq!(findings("crates/x/src/io/a.rs", source).len(), 1);
        assert_eq!(findings("crates/x/tests/a.rs", source).len(), 2);
        assert!(findings("crates/patchcord/src/a.rs", "fn a() { sleep(1) }\n").is_empty());
    }

    #[test]
    fn the_outside_world_stays_outside() {
        let source = "fn a() { let now = Instant::now(); }\n";
        assert_eq!(findings("crates/transfer/src/a.rs", source).len(), 1);
        assert_eq!(findings("crates/session-core/src/engine.rs", source).len(), 1);
        for path in [
            "crates/sip-transport/src/io/udp.rs",
            "crates/sip-transport/src/io.rs",
            "crates/session-core/src/driver/clock.rs",
            "crates/patchcord/src/main.rs",
            "crates/transfer/tests/a.rs",
        ] {
            assert!(findings(path, source).is_empty(), "{path}");
        }
        assert_eq!(findings("crates/transfer/src/driver.rs", source).len(), 1);
        assert!(findings("crates/session-core/src/facade.rs", "use tokio::sync::oneshot;\n").is_empty());
        assert_eq!(findings("crates/session-core/src/facade.rs", "use tokio::time::sleep;\n").len(), 1);
    }

    #[test]
    fn what_is_unfinished_is_found_in_code_and_the_mark_in_comments_too() {
        let source =
            format!("fn a() {{ {}!() }} // {}\n// todo! in a comment\n", "todo", concat!("FIX", "ME"));
        assert_eq!(findings("crates/transfer/src/a.rs", &source).len(), 2);
    }
}
