//! The table of results in `docs/interop.md`: one row for each peer in each case, from what drives the tests.

use std::{collections::BTreeSet, fmt::Write as _, path::Path};

/// What is known of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The named test asserts it.
    Passes,
    /// There is no test, for this reason.
    Left(&'static str),
}

/// One row.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) peer: &'static str,
    pub(crate) role: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) with: String,
    pub(crate) media: &'static str,
    pub(crate) expected: String,
    pub(crate) outcome: Outcome,
    pub(crate) test: &'static str,
}

/// Declares the cases of a file: each becomes a test of its name, and all stand in `CASES` for the table.
macro_rules! cases {
    ($run:path; $($name:ident: $case:expr),+ $(,)?) => {
        pub(crate) const CASES: &[(&str, Case)] = &[$((stringify!($name), $case)),+];

        $(
            #[test]
            fn $name() -> super::Outcome {
                if !super::enabled(stringify!($name)) {
                    return Ok(());
                }
                let place = CASES.iter().position(|(name, _)| *name == stringify!($name));
                $run(u8::try_from(place.unwrap_or_default()).unwrap_or_default(), $case)
            }
        )+
    };
}
pub(crate) use cases;

/// The name of a test, checked by the compiler to be one.
macro_rules! test_name {
    ($test:ident) => {{
        let _: fn() -> super::Outcome = $test;
        stringify!($test)
    }};
}
pub(crate) use test_name;

/// The page that holds the table, relative to this crate.
const PAGE: &str = "../docs/interop.md";
const BEGIN: &str = "<!-- results: written by `cargo xtask interop`; do not edit -->\n";
const END: &str = "<!-- end of results -->\n";

/// What stands between the table of cells and that of the results.
const BETWEEN: &str = "\nEach case, with what is expected of it:\n\n";

fn all() -> Vec<Row> {
    let mut rows = super::rows();
    // Stable: within a peer the order of the cases stays.
    rows.sort_by_key(|row| {
        let order = ["SIP.js", "linphonec", "baresip", "sipp", "a socket", "kamailio", "dnsmasq"];
        let place = order.iter().position(|peer| *peer == row.peer);
        place.unwrap_or(usize::MAX)
    });
    rows
}

fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| Peer | Role | What | With | Media | Expected | Result | Test |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for row in rows {
        let result = match row.outcome {
            Outcome::Passes => "pass".to_owned(),
            Outcome::Left(reason) => format!("not tested: {reason}"),
        };
        let test = if row.test.is_empty() { "–".to_owned() } else { format!("`{}`", row.test) };
        let (peer, role, kind, with) = (row.peer, row.role, row.kind, &row.with);
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {peer} | {role} | {kind} | {with} | {} | {} | {result} | {test} |",
            row.media, row.expected
        );
    }
    text
}

/// The page with this table between the marks; `None` if it has no marks.
fn with_table(page: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}\n{END}{after}"))
}

/// With `PATCHCORD_INTEROP_TABLE=write` it writes the table instead; `cargo xtask interop` does after a good run.
#[test]
fn the_table_in_the_documentation_is_that_of_the_cases() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = std::fs::read_to_string(&path).expect("docs/interop.md can be read");
    let tables = [super::cells::table(), table(&all())].join(BETWEEN);
    let wanted = with_table(&page, &tables).expect("docs/interop.md has the marks of the table");
    if std::env::var_os("PATCHCORD_INTEROP_TABLE").is_some_and(|value| value == "write") {
        std::fs::write(&path, wanted).expect("docs/interop.md can be written");
    } else {
        assert!(
            page == wanted,
            "the table in docs/interop.md is stale; run `cargo xtask interop` and commit it"
        );
    }
}

#[test]
fn each_row_has_either_a_test_or_a_reason() {
    let mut seen = BTreeSet::new();
    for row in all() {
        match row.outcome {
            Outcome::Passes => assert!(!row.test.is_empty(), "{row:?}"),
            Outcome::Left(reason) => assert!(row.test.is_empty() && !reason.is_empty(), "{row:?}"),
        }
        let key = (row.peer, row.role, row.kind, row.with.clone(), row.expected.clone());
        assert!(seen.insert(key), "stands there twice: {row:?}");
    }
}

#[test]
fn only_what_stands_between_the_marks_changes() {
    let page = format!("before\n{BEGIN}old\n{END}after\n");
    let written = with_table(&page, "new\n").expect("the marks are there");
    assert_eq!(written, format!("before\n{BEGIN}\nnew\n\n{END}after\n"));
    assert_eq!(with_table(&written, "new\n").expect("the marks are there"), written);
    assert!(with_table("no marks", "new\n").is_none());
}
