//! Generated messages in all spellings that are read: what was put in comes out, in order and byte for byte.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sip_message::{HeaderId, HeaderName, Message, StartLine};

/// A header line as it is written, and what is to be read from it.
#[derive(Debug, Clone)]
struct Line {
    name: String,
    written: Vec<u8>,
    value: Vec<u8>,
}

/// Joins the pieces of a value by folds, of which each line end reads as blanks (RFC 3261 §7.3.1).
fn line(name: String, before_colon: &str, pieces: &[(Vec<u8>, &str)], end: &str) -> Line {
    let mut written = [&name, before_colon, ":"].concat().into_bytes();
    let mut value = Vec::new();
    for (index, (piece, fold)) in pieces.iter().enumerate() {
        let fold = if index == 0 { "" } else { fold };
        written.extend([fold.as_bytes(), piece].concat());
        value.extend([fold.replace(['\r', '\n'], " ").as_bytes(), piece].concat());
    }
    written.extend(end.as_bytes());
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !is_blank(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    Line { name, written, value: value[start..end].to_vec() }
}

/// The long or the compact name of a header that may stand more than once, each letter in any case.
fn known_name() -> impl Strategy<Value = String> {
    let once = ["From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length"];
    let ids: Vec<_> = HeaderId::all().iter().filter(|id| !once.contains(&id.name())).collect();
    (select(ids), any::<bool>(), any::<u32>()).prop_map(|(id, compact, upper)| {
        let name = id.compact().filter(|_| compact).map_or(id.name().to_owned(), String::from);
        let cased = name.chars().enumerate().map(|(at, letter)| {
            if upper >> at & 1 == 1 { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
        });
        cased.collect()
    })
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let end = || select(&["\r\n", "\n"][..]);
    let fold = || select(&["\r\n ", "\n\t", "\r\n \t "][..]);
    let blanks = || select(&["", " ", "\t "][..]);
    let text = "[ \t]{0,2}\\PC{0,12}[ \t]{0,2}".prop_map(String::into_bytes);
    let octets = vec(any::<u8>().prop_filter("ends the line", |byte| !b"\r\n\0".contains(byte)), 0..12);
    let known = (known_name(), vec((text, fold()), 1..4));
    let extension = ("X-[A-Za-z0-9.!%*_+`'~-]{1,8}", vec((octets, fold()), 1..4));
    let named = prop_oneof![known, extension];
    let any_line =
        (named, blanks(), end()).prop_map(|((name, pieces), blanks, end)| line(name, blanks, &pieces, end));
    vec(any_line, 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn header_lines_come_out_as_they_went_in(
        lead in select(&["", "\r\n", "\n\r\n"][..]),
        end in select(&["\r\n", "\n"][..]),
        lines in lines(),
        body in vec(any::<u8>(), 0..40),
        length in prop::option::of((select(&["l", "L\t", "Content-Length", "CONTENT-length "][..]), 0usize..40)),
    ) {
        let mut bytes = format!("{lead}MESSAGE sip:b@h SIP/2.0{end}").into_bytes();
        bytes.extend(lines.iter().flat_map(|line| &line.written));
        let mut body_end = body.len();
        if let Some((name, length)) = length {
            body_end = length.min(body.len());
            bytes.extend(format!("{name}: {body_end}{end}").bytes());
        }
        bytes.extend(end.bytes());
        bytes.extend(&body);

        let message = Message::parse(Bytes::from(bytes.clone())).unwrap();
        prop_assert_eq!(message.bytes(), &bytes);
        let is_message = matches!(message.start_line(), StartLine::Request { uri: "sip:b@h", .. });
        prop_assert!(is_message);
        prop_assert_eq!(message.body(), &body[..body_end]);
        let read = message.headers().take(lines.len()).map(|header| (header.name, header.value));
        let written = lines.iter().map(|line| (HeaderName::of(&line.name), &line.value[..]));
        prop_assert_eq!(read.collect::<Vec<_>>(), written.collect::<Vec<_>>());
        prop_assert_eq!(message.headers().len(), lines.len() + usize::from(length.is_some()));

        // Each line is found by its header too, among the others of its kind and in order.
        for line in &lines {
            let same = lines.iter().filter(|other| match HeaderId::of(&line.name) {
                Some(id) => HeaderId::of(&other.name) == Some(id),
                None => other.name.eq_ignore_ascii_case(&line.name),
            });
            let same: Vec<&[u8]> = same.map(|line| &line.value[..]).collect();
            let found: Vec<&[u8]> = match HeaderId::of(&line.name) {
                Some(id) => message.all(id).map(str::as_bytes).collect(),
                None => message.extension(&line.name).collect(),
            };
            prop_assert_eq!(found, same);
        }
    }
}
