//! `cargo xtask conformance`: the catalogue of call transfer against the tests.
//!
//! `docs/conformance/catalogue.tsv` lists the rows, `waivers.tsv` those that are left out with the reason,
//! `required.txt` those that must be covered. The verb writes `README.md` beside them from the marks in the tests. With
//! `--check` a gap fails: a required row that no test covers, or a mandatory one that is neither covered nor waived.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::coverage::Coverage;
use crate::flags::{Flag, Flags};
use crate::process::{Failure, Outcome};
use crate::workspace::Workspace;

pub(crate) const FLAGS: &[Flag] = &[
    Flag::switch("--check", "write nothing; fail on a gap, or if the page is stale"),
    Flag::switch("--ratchet", "add every row that is covered now to the required ones"),
];

const CATALOGUE: &str = "docs/conformance/catalogue.tsv";
const WAIVERS: &str = "docs/conformance/waivers.tsv";
const REQUIRED: &str = "docs/conformance/required.txt";
const PAGE: &str = "docs/conformance/README.md";

/// Where tests lie.
const FOLDERS: &[&str] = &["crates", "tests"];

/// One row of the catalogue.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    id: String,
    /// `M`, `S` or `O` of a requirement; `edge` and `security` of the other lists.
    level: String,
    actor: String,
    title: String,
}

pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Outcome {
    let rows = parse_catalogue(&workspace.read(CATALOGUE)?)?;
    let waivers = parse_pairs(WAIVERS, &workspace.read(WAIVERS)?)?;
    let required = parse_list(&workspace.read(REQUIRED)?);
    let known: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();

    let mut coverage = Coverage::default();
    for (path, source) in workspace.sources(FOLDERS, ".rs")? {
        coverage.scan(&path, &source, &known);
    }
    let mut findings = coverage.findings;
    for (file, ids) in [(WAIVERS, waivers.keys().collect::<Vec<_>>()), (REQUIRED, required.iter().collect())]
    {
        let unknown = ids.into_iter().filter(|id| !known.contains(id.as_str()));
        findings.extend(unknown.map(|id| format!("{file}: the catalogue has no row `{id}`")));
    }
    let page = page(&rows, &waivers, &coverage.tests);
    if flags.has("--check") {
        findings.extend(gaps(&rows, &waivers, &required, &coverage.tests));
        if workspace.read(PAGE).ok().as_deref() != Some(page.as_str()) {
            findings.push(format!("{PAGE} is stale; run `cargo xtask conformance` and commit it"));
        }
    } else {
        workspace.write(PAGE, &page)?;
        if flags.has("--ratchet") {
            workspace.write(REQUIRED, &required_text(&rows, &required, &coverage.tests))?;
        }
    }
    Failure::unless_empty("conformance", &findings)?;
    println!(
        "conformance: {} of {} rows covered, {} waived",
        coverage.tests.len(),
        rows.len(),
        waivers.len()
    );
    Ok(())
}

/// What must be covered and is not: each required row without a test, even if it is waived, and each other mandatory row
/// with neither a test nor a waiver.
fn gaps(
    rows: &[Row],
    waivers: &BTreeMap<String, String>,
    required: &BTreeSet<String>,
    tests: &BTreeMap<String, BTreeSet<String>>,
) -> Vec<String> {
    let untested = rows.iter().filter(|row| !tests.contains_key(&row.id));
    untested
        .filter_map(|row| {
            if required.contains(&row.id) {
                Some(format!("{}: required, and no test covers it", row.id))
            } else if is_mandatory(row) && !waivers.contains_key(&row.id) {
                Some(format!("{}: mandatory, and neither covered nor waived: {}", row.id, row.title))
            } else {
                None
            }
        })
        .collect()
}

/// Reads `id <tab> level <tab> actor <tab> title`, with comments and one line of headings.
fn parse_catalogue(text: &str) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    let mut seen = BTreeSet::new();
    for line in content_lines(text).skip(1) {
        let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
        let [id, level, actor, title] = fields[..] else {
            return Err(Failure::new(format!("{CATALOGUE}: not four fields: {line}")));
        };
        if !seen.insert(id.to_owned()) {
            return Err(Failure::new(format!("{CATALOGUE}: {id} stands there twice")));
        }
        rows.push(Row { id: id.into(), level: level.into(), actor: actor.into(), title: title.into() });
    }
    Ok(rows)
}

/// Reads `id <tab> text`; the text must not be empty.
fn parse_pairs(file: &str, text: &str) -> Result<BTreeMap<String, String>, Failure> {
    content_lines(text)
        .map(|line| match line.split_once('\t') {
            Some((id, reason)) if !reason.trim().is_empty() => {
                Ok((id.trim().to_owned(), reason.trim().to_owned()))
            }
            Some(_) | None => Err(Failure::new(format!("{file}: no reason: {line}"))),
        })
        .collect()
}

fn parse_list(text: &str) -> BTreeSet<String> {
    content_lines(text).flat_map(str::split_whitespace).map(str::to_owned).collect()
}

/// The list of required rows with those added that a test covers, in the order of the catalogue.
fn required_text(
    rows: &[Row],
    required: &BTreeSet<String>,
    tests: &BTreeMap<String, BTreeSet<String>>,
) -> String {
    let mut text = String::from(
        "# Rows that must be covered: the checks fail when one is not. `cargo xtask conformance --ratchet` adds those that\n\
         # a test covers now; one that is covered once stays so.\n",
    );
    for row in rows.iter().filter(|row| required.contains(&row.id) || tests.contains_key(&row.id)) {
        text.push_str(&row.id);
        text.push('\n');
    }
    text
}

fn content_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
}

/// The page; the same inputs give the same bytes.
fn page(
    rows: &[Row],
    waivers: &BTreeMap<String, String>,
    tests: &BTreeMap<String, BTreeSet<String>>,
) -> String {
    let mut page = String::from(
        "# Conformance of call transfer\n\n\
         Written by `cargo xtask conformance` from `catalogue.tsv`, `waivers.tsv` and the marks in the tests; do not\n\
         edit. Levels: **M** an RFC says must, or nothing works without it; **S** should; **O** optional; *edge* learnt\n\
         from other stacks; *security*. Actors: TOR transferor, TEE transferee, TGT target, UA any, PXY proxy.\n\n",
    );
    summary(&mut page, rows, waivers, tests);
    page.push_str("\n| Row | Level | Actor | What | Status |\n| --- | --- | --- | --- | --- |\n");
    for row in rows {
        let status = status(row, waivers, tests);
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} |",
            row.id,
            row.level,
            row.actor,
            row.title.replace('|', "\\|"),
            status
        );
    }
    page
}

fn status(
    row: &Row,
    waivers: &BTreeMap<String, String>,
    tests: &BTreeMap<String, BTreeSet<String>>,
) -> String {
    if let Some(tests) = tests.get(&row.id) {
        let names: Vec<String> = tests.iter().map(|test| format!("`{}`", short_name(test))).collect();
        return names.join(", ");
    }
    match waivers.get(&row.id) {
        Some(reason) => format!("waived: {}", reason.replace('|', "\\|")),
        None => "owed".into(),
    }
}

/// `crates/transfer/tests/blind.rs::name` -> `transfer: name`.
fn short_name(test: &str) -> String {
    let (path, name) = test.split_once("::").unwrap_or(("", test));
    let mut parts = path.split('/');
    let first = parts.next().unwrap_or_default();
    let folder = if first == "crates" { parts.next().unwrap_or_default() } else { first };
    format!("{folder}: {name}")
}

fn summary(
    page: &mut String,
    rows: &[Row],
    waivers: &BTreeMap<String, String>,
    tests: &BTreeMap<String, BTreeSet<String>>,
) {
    page.push_str("| Level | Rows | Covered | Waived | Owed |\n| --- | --- | --- | --- | --- |\n");
    for level in ["M", "S", "O", "edge", "security"] {
        let of_level: Vec<&Row> = rows.iter().filter(|row| row.level == level).collect();
        let covered = of_level.iter().filter(|row| tests.contains_key(&row.id)).count();
        let waived = of_level
            .iter()
            .filter(|row| !tests.contains_key(&row.id) && waivers.contains_key(&row.id))
            .count();
        let owed = of_level.len() - covered - waived;
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| {level} | {} | {covered} | {waived} | {owed} |", of_level.len());
    }
    let mandatory: Vec<&Row> = rows.iter().filter(|row| is_mandatory(row)).collect();
    let covered = mandatory.iter().filter(|row| tests.contains_key(&row.id)).count();
    let _ = writeln!(
        page,
        "\nMandatory are the rows of level M, the edge cases, the security rows and TR-160 to TR-178: {covered} of {} \
         covered.",
        mandatory.len()
    );
}

fn is_mandatory(row: &Row) -> bool {
    let flow = row.id.strip_prefix("TR-").and_then(|number| number.parse().ok());
    ["M", "edge", "security"].contains(&row.level.as_str())
        || flow.is_some_and(|n: u32| (160..=178).contains(&n))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str =
        "# comment\nid\tlevel\tactor\ttitle\nTR-001\tM\tTOR\tone Refer-To\nTR-002\tS\tTEE\ta | b\n";

    #[test]
    fn the_catalogue_is_read_and_checked() {
        let rows = parse_catalogue(SAMPLE).expect("the sample is well formed");
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[1].title, "a | b");
        assert!(parse_catalogue(&format!("{SAMPLE}TR-001\tM\tTOR\tagain\n")).is_err());
        assert!(parse_catalogue(&format!("{SAMPLE}TR-003\tM\n")).is_err());
    }

    #[test]
    fn a_waiver_needs_a_reason() {
        assert!(parse_pairs(WAIVERS, "TR-002\tnot offered\n").is_ok());
        assert!(parse_pairs(WAIVERS, "TR-002\t \n").is_err());
        assert!(parse_pairs(WAIVERS, "TR-002\n").is_err());
    }

    #[test]
    fn the_ratchet_keeps_what_was_required_and_adds_what_is_covered() {
        let rows = parse_catalogue(SAMPLE).expect("the sample is well formed");
        let tests = BTreeMap::from([("TR-001".to_owned(), BTreeSet::from(["tests/a.rs::a".to_owned()]))]);
        let text = required_text(&rows, &BTreeSet::from(["TR-002".to_owned()]), &tests);
        assert!(text.ends_with("\nTR-001\nTR-002\n"), "{text}");
        assert_eq!(parse_list(&text).len(), 2);
    }

    #[test]
    fn a_gap_is_a_required_row_without_a_test_or_a_mandatory_one_without_test_and_waiver() {
        let row = |id: &str, level: &str| Row {
            id: id.into(),
            level: level.into(),
            actor: "UA".into(),
            title: "what it says".into(),
        };
        let rows = [
            row("TR-001", "M"),
            row("TR-002", "S"),
            row("TR-159", "S"),
            row("TR-160", "S"),
            row("TR-178", "O"),
            row("TR-179", "O"),
            row("EC-01", "edge"),
            row("SEC-01", "security"),
        ];
        let found = |waived: &[&str], required: &[&str], tested: &[&str]| -> Vec<String> {
            let waivers = waived.iter().map(|id| ((*id).to_owned(), "not offered".to_owned())).collect();
            let required = required.iter().map(|id| (*id).to_owned()).collect();
            let test = || BTreeSet::from(["tests/a.rs::a".to_owned()]);
            let tests = tested.iter().map(|id| ((*id).to_owned(), test())).collect();
            let id = |gap: &String| gap.split(':').next().unwrap_or_default().to_owned();
            gaps(&rows, &waivers, &required, &tests).iter().map(id).collect()
        };
        let mandatory = ["TR-001", "TR-160", "TR-178", "EC-01", "SEC-01"];
        assert_eq!(found(&[], &[], &[]), mandatory, "every open mandatory row, and no other");
        assert!(found(&mandatory, &[], &[]).is_empty(), "a waiver with its reason closes one");
        assert!(found(&[], &[], &mandatory).is_empty(), "so does a test");
        assert_eq!(found(&mandatory, &["TR-001", "TR-002"], &[]), ["TR-001", "TR-002"]);
        assert!(found(&mandatory, &["TR-001", "TR-002"], &["TR-001", "TR-002"]).is_empty());
    }

    #[test]
    fn the_page_says_covered_waived_or_owed() {
        let rows = parse_catalogue(SAMPLE).expect("the sample is well formed");
        let tests = BTreeMap::from([(
            "TR-001".to_owned(),
            BTreeSet::from([
                "crates/transfer/tests/b.rs::works".to_owned(),
                "tests/src/a.rs::all".to_owned(),
            ]),
        )]);
        let waivers = BTreeMap::from([("TR-002".to_owned(), "not offered".to_owned())]);
        let text = page(&rows, &waivers, &tests);
        assert!(
            text.contains("| TR-001 | M | TOR | one Refer-To | `transfer: works`, `tests: all` |"),
            "{text}"
        );
        assert!(text.contains("| TR-002 | S | TEE | a \\| b | waived: not offered |"), "{text}");
        assert!(text.contains("| M | 1 | 1 | 0 | 0 |\n| S | 1 | 0 | 1 | 0 |"), "{text}");
        assert!(page(&rows, &BTreeMap::new(), &tests).contains("a \\| b | owed |"));
    }
}
