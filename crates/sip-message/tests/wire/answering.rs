//! Requests that are refused, but answered.

use bytes::Bytes;
use sip_message::{HeaderId, Limits, Message, ParseErrorKind, Response, StatusCode};

use crate::{request_text, try_message};

fn to_answer(text: &str) -> Message {
    let datagram = Bytes::from(text.replace('\n', "\r\n"));
    Message::parse_to_answer(datagram, &Limits::default()).expect("can be answered")
}

#[test]
fn faults_that_leave_a_request_answerable_are_kept_with_it() {
    let whole = request_text("OPTIONS", "");
    for (from, to, kind, header) in [
        ("sip:bob@192.0.2.4 ", "sip:bob@192.0.2.4;lr lr ", ParseErrorKind::StartLine, None),
        ("sip:bob@192.0.2.4 ", " sip:bob@192.0.2.4 ", ParseErrorKind::StartLine, None),
        ("SIP/2.0\n", "SIP/2.0  \n", ParseErrorKind::StartLine, None),
        ("CSeq: 2", "CSeq: 1 OPTIONS\nCSeq: 2", ParseErrorKind::Duplicate, Some(HeaderId::CSeq)),
        ("Length: 0", "Length: 0\nl: 0", ParseErrorKind::Duplicate, Some(HeaderId::ContentLength)),
        ("Length: 0", "Length: -99", ParseErrorKind::ContentLength, Some(HeaderId::ContentLength)),
        ("Length: 0", "Length: 9999", ParseErrorKind::BodyTruncated, Some(HeaderId::ContentLength)),
    ] {
        let text = whole.replacen(from, to, 1);
        let message = to_answer(&text);
        let fault = message.fault().expect(to);
        assert_eq!((fault.kind(), fault.header()), (kind, header), "{to}");
        assert_eq!(try_message(&text).err(), Some(fault), "parse refuses it");
        assert_eq!(message.check(), Err(fault));
        let reason = fault.reason_phrase();
        let answer = Response::to(&message, fault.status()).reason(&reason).to_tag("t");
        let answer = Message::parse(answer.encode().expect("can be answered")).expect("well-formed");
        assert_eq!(answer.status(), Some(StatusCode::BAD_REQUEST));
        assert_eq!(answer.check(), Ok(()));
        assert!(answer.reason().is_some_and(|phrase| phrase.contains(&kind.to_string())), "{to}");
        assert_eq!((answer.call_id(), answer.to_tag()), (message.call_id(), Some("t")));
    }
}

#[test]
fn faults_that_leave_nobody_to_answer_stay_errors() {
    let whole = request_text("OPTIONS", "");
    for text in [
        whole.replace("SIP/2.0\n", "HTTP/1.1\n"),
        whole.replace("Call-ID:", "Call ID:"),
        whole.replace("\n\n", "\n"),
    ] {
        let datagram = Bytes::from(text.clone());
        assert!(Message::parse_to_answer(datagram, &Limits::default()).is_err(), "{text}");
    }
}

#[test]
fn a_message_without_a_fault_says_so() {
    assert_eq!(to_answer(&request_text("OPTIONS", "")).fault(), None);
}

#[test]
fn a_request_uri_that_is_too_long_is_answered_414_and_other_lines_513() {
    let long = "x".repeat(Limits::LINE);
    let uri = try_message(&request_text("OPTIONS", "").replace("bob", &long)).unwrap_err();
    assert_eq!((uri.kind(), uri.status()), (ParseErrorKind::UriTooLong, StatusCode::REQUEST_URI_TOO_LONG));
    let header = try_message(&request_text("OPTIONS", &format!("Subject: {long}\n"))).unwrap_err();
    assert_eq!(
        (header.kind(), header.status()),
        (ParseErrorKind::LineTooLong, StatusCode::MESSAGE_TOO_LARGE)
    );
    assert_eq!(uri.reason_phrase(), "Request-URI Too Long: Request-URI too long");
}

#[test]
fn the_tag_of_a_response_is_found_in_its_bytes_as_parsing_finds_it() {
    let tagged = request_text("OPTIONS", "").replacen("To: ", "To: \"a;tag=no\" ", 1);
    let in_dialog =
        request_text("OPTIONS", "").replacen("<sip:bob@192.0.2.4>", "<sip:bob@192.0.2.4>;tag=theirs;x", 1);
    for text in [request_text("OPTIONS", ""), tagged, in_dialog] {
        let request = to_answer(&text);
        for status in [StatusCode::TRYING, StatusCode::OK] {
            let wire = Response::to(&request, status).to_tag("ours").encode().expect("a response");
            let parsed = Message::parse(wire.clone()).expect("a response");
            assert_eq!(Response::tag_in(&wire), parsed.to_tag(), "{status} to {text}");
        }
    }
    for other in
        ["SIP/2.0 200 OK\nt : <sip:a>;tag=1\n\n", "SIP/2.0 200 OK\n\nTo: <sip:a>;tag=1\n", "To: a", ""]
    {
        let parsed = Message::parse(Bytes::from(other)).ok();
        let tag = parsed.as_ref().and_then(Message::to_tag);
        assert!(Response::tag_in(other.as_bytes()).is_none_or(|found| Some(found) == tag), "{other}");
    }
}
