//! Text that is made to be slow to read: as long as a message may be, one short piece again and again, behind honest
//! beginnings, in every header and in the URI.
//!
//! What is asserted is the answer. That the work for it is linear is counted by the bench (its cases `hostile-..`), but
//! anything else would show here too: 64 KiB squared is minutes for one of the tests.

use bytes::Bytes;
use sip_message::{
    Limits, List, Message, NameAddr, Params, ParseErrorKind, ReferTo, RetryAfter, Uri, escape, header,
};

use crate::headers::samples;

/// What is repeated.
const UNITS: [&str; 20] = [
    ",", ";", "\"", "\\", "(", ")", "<", ">", "%", "=", "&", "?", ":", "@", "[", " ", ",a", ";a=b", "\\\"",
    "reason=",
];

/// Each unit as long as a message may be.
fn long() -> impl Iterator<Item = String> {
    UNITS.iter().map(|unit| unit.repeat(Limits::MESSAGE / unit.len()))
}

#[test]
fn every_header_answers_to_any_endless_piece() {
    for row in header::rows() {
        let sample = samples().into_iter().find(|sample| sample.id == row.id && sample.expected.is_ok());
        let sample = sample.expect("every header has one").value;
        for text in long() {
            for value in [
                text.clone(),
                format!("{sample}{text}"),
                format!("{sample};a={text}"),
                format!("{sample};a=\"{text}"),
                format!("{sample} ({text}"),
            ] {
                match (row.reprint)(&value) {
                    Ok(printed) => assert!((row.reprint)(&printed).as_ref() == Ok(&printed), "{}", row.id),
                    Err(error) => assert!(error.offset() <= value.len(), "{}: {error}", row.id),
                }
            }
        }
    }
}

#[test]
fn uri_answers_to_any_endless_piece() {
    for text in long() {
        for uri in [
            "sip:",
            "sip:a@",
            "sip:a@h;",
            "sip:a@h;x=",
            "sip:a@h?",
            "sip:a@h?x=",
            "sip:[",
            "tel:+1",
            "tel:+1;x=",
        ] {
            let text = format!("{uri}{text}");
            match Uri::parse(&text) {
                Ok(uri) => assert!(uri.to_string() == text && uri.equivalent(&uri)),
                Err(error) => assert!(error.offset() <= text.len()),
            }
        }
    }
}

#[test]
fn endless_pieces_are_told_apart() {
    let of = |unit: &str| unit.repeat(Limits::MESSAGE / unit.len());
    assert_eq!(List::new(&of(",")).count(), 0);
    assert_eq!(List::new(&of(",a")).count(), Limits::MESSAGE / 2);
    assert_eq!(List::new(&of("\"")).count(), 1);
    assert_eq!(List::new(&of("<")).count(), 1);
    assert_eq!(Params::parse(&of(";")).unwrap().iter().count(), 0);
    let kind = |params: &str| Params::parse(params).unwrap_err().kind();
    assert_eq!(kind(&of(";a=b")), ParseErrorKind::TooManyParts);
    assert_eq!(kind(&format!(";a=\"{}", of("\\"))), ParseErrorKind::Parameter);
    let quoted = format!("\"{}\" <sip:a@h>", of("\\\""));
    let display = NameAddr::parse(&quoted).unwrap().display_name().unwrap();
    assert!(display == "\"".repeat(Limits::MESSAGE / 2), "{} bytes", display.len());
    let comment = format!("1 ({})", of("\\)"));
    assert_eq!(RetryAfter::parse(&comment).unwrap().comment.unwrap().len(), Limits::MESSAGE - 1);
    assert!(RetryAfter::parse(&format!("1 {}", of("("))).is_err());
    assert!(escape::unescape(&of("%25")).unwrap() == "%".repeat(Limits::MESSAGE / 3));
    let headers = |headers: &str| {
        let text = format!("sip:h?{headers}");
        Uri::parse(&text).map(|uri| uri.headers().count()).map_err(|error| error.kind())
    };
    assert_eq!(headers(&of("&")), Err(ParseErrorKind::TooManyParts));
    assert_eq!(headers(&of("%")), Err(ParseErrorKind::Escape));
    assert_eq!(headers(&of("=")), Ok(1));
    let escaped = format!("<sip:h?Subject={}>", of("%20"));
    let (_, subject) = ReferTo::parse(&escaped).unwrap().uri_headers().next().unwrap();
    assert!(subject == " ".repeat(Limits::MESSAGE / 3), "{} bytes", subject.len());
}

/// A message of nothing but that piece behind a start line, as long as the limit.
fn message_of(unit: &str) -> Result<Message, ParseErrorKind> {
    let (start, end) = ("SIP/2.0 200 OK\r\nSubject: a", "\r\n\r\n");
    let count = (Limits::MESSAGE - start.len() - end.len()) / unit.len();
    Message::parse(Bytes::from([start, &unit.repeat(count), end].concat())).map_err(|error| error.kind())
}

#[test]
fn heads_of_endless_pieces_are_refused_by_their_limits() {
    for unit in UNITS {
        assert_eq!(message_of(unit).unwrap_err(), ParseErrorKind::LineTooLong, "{unit:?}");
    }
    for unit in ["\r\n ", "\n\t"] {
        assert_eq!(message_of(unit).unwrap_err(), ParseErrorKind::TooManyFolds, "{unit:?}");
    }
    for unit in ["\r\na:", "\nVia: SIP/2.0/UDP h", "\r\nX:\r\n y", "\r\nContact: *"] {
        assert_eq!(message_of(unit).unwrap_err(), ParseErrorKind::TooManyHeaders, "{unit:?}");
    }
    assert_eq!(message_of("\r\n\r\n").unwrap().body().len(), (Limits::MESSAGE - 30) / 4 * 4);
    for leading in ["\r\n", "\n", "\r"] {
        let text = leading.repeat(Limits::MESSAGE / leading.len());
        assert_eq!(Message::parse(Bytes::from(text)).unwrap_err().kind(), ParseErrorKind::Empty);
    }
}

#[test]
fn head_full_of_long_lines_is_read() {
    // As many lines of the greatest length as fit, each folded as often as it can be.
    let line = "\r\nRoute: <sip:h>";
    let fold = format!("\r\n{}", " ".repeat((Limits::LINE - line.len()) / Limits::FOLDS - "\r\n".len()));
    let count = (Limits::MESSAGE - 40) / (Limits::LINE + 2);
    let lines = format!("{line}{}", fold.repeat(Limits::FOLDS)).repeat(count);
    let message = Message::parse(Bytes::from(format!("SIP/2.0 200 OK{lines}\r\n\r\n"))).unwrap();
    assert_eq!(message.values::<header::Route>().flatten().count(), count);
    assert!(message.canonical_headers().all(|(_, value)| value == "<sip:h>"));
}
