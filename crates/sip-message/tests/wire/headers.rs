//! What holds for every typed header, over samples: `Name: value`, and below it, indented, what it `prints` or how it
//! `fails`; a sample without such a line prints as it is written.

use std::collections::BTreeSet;

use sip_message::{HeaderId, header};

const SAMPLES: &[(&str, &str)] = &[
    ("addresses", include_str!("samples/addresses.txt")),
    ("auth", include_str!("samples/auth.txt")),
    ("dialogs", include_str!("samples/dialogs.txt")),
    ("identity", include_str!("samples/identity.txt")),
    ("preferences", include_str!("samples/preferences.txt")),
];

struct Sample {
    id: HeaderId,
    value: &'static str,
    expected: Result<&'static str, &'static str>,
    place: String,
}

fn samples() -> Vec<Sample> {
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

fn reprint(id: HeaderId, value: &str) -> Result<String, String> {
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
    assert_eq!(rows.difference(&with(false)).collect::<Vec<_>>(), Vec::<&HeaderId>::new());
}
