//! Every typed header, over mutations of its samples: what the grammar says makes no difference makes none, and no
//! text panics.

use proptest::prelude::*;
use sip_message::{HeaderId, header};

use crate::headers::{Sample, reprint, samples};

/// Headers whose commas and semicolons are text, or whose words have one spelling (RFC 3261 §20.8, §20.17, §20.35).
const PROSE: &[HeaderId] = &[
    HeaderId::CallId,
    HeaderId::Date,
    HeaderId::Organization,
    HeaderId::Server,
    HeaderId::Subject,
    HeaderId::UserAgent,
];

/// Headers whose semicolons part words, not parameters.
const WORDS: &[HeaderId] = &[HeaderId::Privacy];

/// A parameter that no header defines; Feature-Caps wants the `+`.
const EXTRA: &str = "+x-extra=1";

fn config() -> ProptestConfig {
    ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() }
}

/// The samples that are read and have parts that may be moved.
fn readable() -> impl Iterator<Item = Sample> {
    samples().into_iter().filter(|sample| sample.expected.is_ok() && !PROSE.contains(&sample.id))
}

/// Marks the bytes that stand outside quotes, brackets and comments.
fn outside(text: &str) -> Vec<bool> {
    let (mut until, mut escaped) = (None, false);
    text.bytes()
        .map(|byte| match until {
            Some(_) if escaped => {
                escaped = false;
                false
            }
            Some(close) => {
                escaped = byte == b'\\' && close == b'"';
                until = (byte != close).then_some(close);
                false
            }
            None => {
                until = match byte {
                    b'"' => Some(b'"'),
                    b'<' => Some(b'>'),
                    b'(' => Some(b')'),
                    _ => None,
                };
                until.is_none()
            }
        })
        .collect()
}

/// The parts between separators, each but the first with the separator before it.
fn parts(text: &str) -> Vec<&str> {
    let outside = outside(text);
    let cuts =
        text.bytes().enumerate().filter(|(at, byte)| outside[*at] && b";,".contains(byte)).map(|(at, _)| at);
    let cuts: Vec<usize> = [0].into_iter().chain(cuts.filter(|at| *at > 0)).chain([text.len()]).collect();
    cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}

/// The text without what the grammar says makes no difference: blanks, case, order of parameters, empty ones.
fn essence(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = parts(text)
        .into_iter()
        .map(|part| {
            let part = part.trim_start_matches([';', ',']);
            let kept =
                part.bytes().zip(outside(part)).filter(|(byte, outside)| !outside || !b" \t".contains(byte));
            String::from_utf8(kept.map(|(byte, _)| byte.to_ascii_lowercase()).collect()).unwrap()
        })
        .filter(|part| !part.is_empty())
        .collect();
    if let Some(rest) = parts.get_mut(1..) {
        rest.sort();
    }
    parts
}

/// Checks that the mutated value is read, and says the same.
fn assert_same(Sample { id, value, place, .. }: &Sample, mutated: &str) -> Result<(), TestCaseError> {
    let before = reprint(*id, value).map(|printed| essence(&printed));
    let after = reprint(*id, mutated).map(|printed| essence(&printed));
    prop_assert_eq!(after, before, "{}: {}: {}", place, id, mutated);
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn case_makes_no_difference(flips in prop::collection::vec(any::<bool>(), 1..40)) {
        for sample in readable() {
            let outside = outside(sample.value);
            let mutated = sample.value.bytes().enumerate().map(|(at, byte)| {
                let flip = outside[at] && flips[at % flips.len()] && byte.is_ascii_alphabetic();
                if flip { byte ^ 0x20 } else { byte }
            });
            assert_same(&sample, &String::from_utf8(mutated.collect()).unwrap())?;
        }
    }

    #[test]
    fn blanks_around_separators_make_no_difference(
        blanks in prop::collection::vec(prop::sample::select(&["", " ", "\t", "  "][..]), 1..16),
    ) {
        for sample in readable() {
            let mut next = blanks.iter().copied().cycle();
            let mut blank = || next.next().unwrap_or("");
            let mutated: String = parts(sample.value)
                .into_iter()
                .enumerate()
                .map(|(at, part)| match (at, part.split_once('=')) {
                    (0, _) => part.to_owned(),
                    (_, Some((name, value))) if !name.contains('"') => {
                        let (separator, name) = name.split_at(1);
                        format!("{}{separator}{}{name}{}={}{value}", blank(), blank(), blank(), blank())
                    }
                    _ => format!("{}{}{}{}", blank(), &part[..1], blank(), &part[1..]),
                })
                .collect();
            assert_same(&sample, &mutated)?;
        }
    }

    #[test]
    fn order_of_parameters_makes_no_difference(keys in prop::collection::vec(any::<u8>(), 64)) {
        for sample in readable() {
            let mut parts = parts(sample.value);
            let mut keys = keys.iter();
            parts[1..].sort_by_cached_key(|_| keys.next());
            assert_same(&sample, &parts.concat())?;
        }
    }

    #[test]
    fn samples_with_changed_bytes_never_panic_and_print_what_is_read_again(
        edits in prop::collection::vec((any::<prop::sample::Index>(), "[ -~]|[<>;,=\"\\\\ é\t]", 0u8..3), 1..4),
    ) {
        for Sample { id, value, place, .. } in samples() {
            let mut chars: Vec<char> = value.chars().collect();
            for (place, piece, kind) in &edits {
                let at = place.index(chars.len() + 1);
                if *kind > 0 && at < chars.len() {
                    chars.remove(at);
                }
                if *kind < 2 {
                    chars.splice(at..at, piece.chars());
                }
            }
            let mutated: String = chars.into_iter().collect();
            if let Ok(printed) = reprint(id, &mutated) {
                prop_assert_eq!(reprint(id, &printed), Ok(printed), "{}: {}: {}", place, id, mutated);
            }
        }
    }

    #[test]
    fn no_text_panics(text in ".{0,80}", ascii in "[ -~]{0,80}") {
        for row in header::rows() {
            let _ = ((row.reprint)(&text), (row.reprint)(&ascii));
        }
    }
}

/// A parameter of an extension is kept where the value keeps its parameters, and never makes it unreadable.
#[test]
fn unknown_parameters_are_read() {
    for sample in readable().filter(|sample| !WORDS.contains(&sample.id)) {
        let Some(separator) = parts(sample.value)
            .last()
            .and_then(|part| part.get(..1))
            .filter(|it| b";,".contains(&it.as_bytes()[0]))
        else {
            continue;
        };
        let Sample { id, value, place, .. } = sample;
        let plain = essence(&reprint(id, value).unwrap());
        let mut extended = plain.clone();
        extended.push(EXTRA.into());
        extended[1..].sort();
        let read =
            reprint(id, &format!("{}{separator}{EXTRA}", value.trim_end())).map(|printed| essence(&printed));
        assert!(read == Ok(plain) || read == Ok(extended), "{place}: {id}: {read:?}");
    }
}
