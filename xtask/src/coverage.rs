//! Which catalogue rows the tests say they cover.

use std::collections::{BTreeMap, BTreeSet};

use crate::scan::without_comments;

/// A test that names more rows than this asserts none of them sharply.
const MAX_ROWS: usize = 3;

/// The comment that marks a test, spelled in two parts so that this file marks none.
const MARK: &str = concat!("// cov", "ers:");

/// The rows that tests cover, and what is wrong with the marks.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    /// Row -> tests, as `path::test`.
    pub(crate) tests: BTreeMap<String, BTreeSet<String>>,
    pub(crate) findings: Vec<String>,
}

impl Coverage {
    /// Reads the marks of one file; `known` are the ids of the catalogue.
    pub(crate) fn scan(&mut self, path: &str, source: &str, known: &BTreeSet<&str>) {
        let code = without_comments(source);
        let code: Vec<&str> = code.lines().collect();
        for (index, line) in source.lines().enumerate() {
            let Some(rows) = line.trim_start().strip_prefix(MARK) else { continue };
            let place = format!("{path}:{}", index + 1);
            let Some(test) = enclosing_function(&code, index) else {
                self.findings.push(format!("{place}: the mark stands outside of a function"));
                continue;
            };
            let rows: Vec<&str> = rows.split(',').map(str::trim).collect();
            if rows.len() > MAX_ROWS {
                self.findings.push(format!("{place}: {} rows, at most {MAX_ROWS} a test", rows.len()));
            }
            for row in rows {
                if known.contains(row) {
                    self.tests.entry(row.to_owned()).or_default().insert(format!("{path}::{test}"));
                } else {
                    self.findings.push(format!("{place}: the catalogue has no row `{row}`"));
                }
            }
        }
    }
}

/// The name of the function whose `fn` is the last one at or before the line.
fn enclosing_function<'a>(code: &[&'a str], line: usize) -> Option<&'a str> {
    code[..=line].iter().rev().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let position = words.iter().position(|&word| word == "fn")?;
        let name = words.get(position + 1)?;
        Some(name.split(['(', '<']).next().unwrap_or(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(lines: &[&str]) -> Coverage {
        let source = lines.join("\n").replace("MARK", MARK);
        let mut coverage = Coverage::default();
        coverage.scan("tests/a.rs", &source, &BTreeSet::from(["TR-001", "TR-002", "TM-003", "EC-04"]));
        coverage
    }

    #[test]
    fn rows_are_credited_to_the_test_around_the_mark() {
        let coverage = scan(&[
            "#[test]",
            "fn first() {",
            "    MARK TR-001, TM-003",
            "}",
            "async fn second<T>() {",
            "    // fn not_this",
            "    MARK TR-001",
        ]);
        assert!(coverage.findings.is_empty(), "{:?}", coverage.findings);
        let tests: Vec<_> = coverage.tests["TR-001"].iter().map(String::as_str).collect();
        assert_eq!(tests, ["tests/a.rs::first", "tests/a.rs::second"]);
        assert_eq!(coverage.tests["TM-003"].len(), 1);
    }

    #[test]
    fn three_rows_are_taken_and_a_fourth_is_a_finding() {
        assert!(scan(&["fn a() {", "MARK TR-001, TR-002, TM-003"]).findings.is_empty());
        assert_eq!(scan(&["fn a() {", "MARK TR-001, TR-002, TM-003, EC-04"]).findings.len(), 1);
    }

    #[test]
    fn unknown_rows_and_stray_marks_are_findings() {
        assert_eq!(scan(&["fn a() {", "MARK TR-999"]).findings.len(), 1);
        assert_eq!(scan(&["fn a() {", "MARK"]).findings.len(), 1);
        assert_eq!(scan(&["MARK TR-001", "fn a() {}"]).findings.len(), 1);
    }
}
