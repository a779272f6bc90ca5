//! What holds for every typed header, over samples: `Name: value`, and below it, indented, what it `prints` or how it
//! `fails`; a sample without such a line prints as it is written.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;
use sip_message::header::Form;
use sip_message::{HeaderId, header};

const SAMPLES: &[(&str, &str)] = &[
    ("addresses", include_str!("samples/addresses.txt")),
    ("auth", include_str!("samples/auth.txt")),
    ("bodies", include_str!("samples/bodies.txt")),
    ("dialogs", include_str!("samples/dialogs.txt")),
    ("identity", include_str!("samples/identity.txt")),
    ("negotiation", include_str!("samples/negotiation.txt")),
    ("people", include_str!("samples/people.txt")),
    ("preferences", include_str!("samples/preferences.txt")),
    ("subscriptions", include_str!("samples/subscriptions.txt")),
    ("times", include_str!("samples/times.txt")),
];

/// Headers that take any line of text; what they refuse cannot stand in a sample.
const FREE_TEXT: [HeaderId; 2] = [HeaderId::Organization, HeaderId::Subject];

pub(crate) struct Sample {
    pub(crate) id: HeaderId,
    pub(crate) value: &'static str,
    pub(crate) expected: Result<&'static str, &'static str>,
    pub(crate) place: String,
}

pub(crate) fn samples() -> Vec<Sample> {
    let mut all: Vec<Sample> = Vec::new();
    for (file, text) in SAMPLES {
        for (number, line) in
            text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        {
            let place = format!("samples/{file}.txt:{}", number + 1);
            match line.trim_start().split_once(' ') {
                Some(("prints", printed)) if line.starts_with(' ') => {
                    all.last_mut().expect("a sample stands before").expected = Ok(printed);
                }
                Some(("fails", kind)) if line.starts_with(' ') => {
                    all.last_mut().expect("a sample stands before").expected = Err(kind);
                }
                _ => {
                    let (name, value) = line.split_once(": ").or_else(|| line.split_once(':')).expect(&place);
                    let id = HeaderId::of(name).expect(&place);
                    all.push(Sample { id, value, expected: Ok(value), place });
                }
            }
        }
    }
    all
}

pub(crate) fn reprint(id: HeaderId, value: &str) -> Result<String, String> {
    let row = header::rows().iter().find(|row| row.id == id).expect("the header has a row");
    (row.reprint)(value).map_err(|error| format!("{:?}", error.kind()))
}

#[test]
fn samples_print_what_they_say_and_printed_values_print_themselves() {
    for Sample { id, value, expected, place } in samples() {
        let printed = reprint(id, value);
        assert_eq!(printed.as_deref(), expected.map_err(String::from).as_deref(), "{place}: {id}: {value}");
        if let Ok(printed) = printed {
            assert_eq!(reprint(id, &printed).as_ref(), Ok(&printed), "{place}: {id}: {printed}");
        }
    }
}

#[test]
fn every_typed_header_has_a_sample_that_is_read_and_one_that_is_refused() {
    let with = |good: bool| -> BTreeSet<HeaderId> {
        samples().iter().filter(|sample| sample.expected.is_ok() == good).map(|sample| sample.id).collect()
    };
    let rows: BTreeSet<HeaderId> = header::rows().iter().map(|row| row.id).collect();
    assert_eq!(rows.len(), header::rows().len(), "a header stands twice in the table");
    assert_eq!(rows.difference(&with(true)).collect::<Vec<_>>(), Vec::<&HeaderId>::new());
    assert_eq!(rows.difference(&with(false)).copied().collect::<Vec<_>>(), FREE_TEXT);
    for id in FREE_TEXT {
        assert_eq!(reprint(id, "a\u{7f}b"), Err("ControlCharacter".to_owned()), "{id}");
    }
}

#[test]
fn headers_of_one_value_stand_once_in_a_message() {
    for row in header::rows().iter().filter(|row| row.form == Form::Single) {
        assert!(row.id.is_single(), "{}", row.id);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Two samples are cut and joined, so that every row sees text of its own kind and of others.
    #[test]
    fn any_text_is_read_or_refused_and_what_is_printed_prints_itself(
        (left, right) in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
        (left_end, right_start) in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
        between in "|[ -~]|.{0,3}|[0-9]{1,20}|[\"(<;,=/@ \\\\]{1,20}",
    ) {
        let values: Vec<&str> = samples().iter().map(|sample| sample.value).collect();
        let cut = |value: &'static str, place: prop::sample::Index| -> usize {
            let places: Vec<usize> = (0..=value.len()).filter(|at| value.is_char_boundary(*at)).collect();
            *place.get(&places)
        };
        let (left, right) = (*left.get(&values), *right.get(&values));
        let text = format!("{}{between}{}", &left[..cut(left, left_end)], &right[cut(right, right_start)..]);
        for row in header::rows() {
            match (row.reprint)(&text) {
                Ok(printed) => prop_assert_eq!((row.reprint)(&printed), Ok(printed), "{}: {}", row.id, text),
                Err(error) => prop_assert!(error.offset() <= text.len(), "{}: {}: {}", row.id, text, error),
            }
        }
    }
}

/// The table of docs/headers.md.
fn table() -> String {
    let mut table = String::from(
        "# Typed headers\n\n\
         Written from `header::rows()`; a test keeps it so. *Single*: one value, one line. *List*: each line is a\n\
         comma list of values. *Lines*: each line is one value, commas and all.\n\n\
         | Header | Compact | Form | Value | Defined in |\n| --- | --- | --- | --- | --- |\n",
    );
    for row in header::rows() {
        let compact = row.id.compact().map_or(String::new(), |letter| format!("`{letter}`"));
        let value = row.value.trim_start_matches("value::").trim_end_matches("<'a>");
        writeln!(table, "| {} | {compact} | {:?} | `{value}` | {} |", row.id, row.form, row.source).unwrap();
    }
    table
}

#[test]
fn the_table_of_headers_is_the_committed_one() {
    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/headers.md");
    let table = table();
    if std::env::var_os("UPDATE_TABLES").is_some() {
        std::fs::write(PATH, &table).expect("the docs folder can be written");
    }
    let committed = std::fs::read_to_string(PATH).unwrap_or_default();
    assert!(committed == table, "run with UPDATE_TABLES=1 and read the difference:\n{table}");
}

#[test]
fn rows_stand_in_alphabetical_order() {
    let names: Vec<_> = header::rows().iter().map(|row| row.id.lower_name()).collect();
    assert!(names.is_sorted(), "{names:?}");
}
