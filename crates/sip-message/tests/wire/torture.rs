//! Further messages in the manner of RFC 4475, beyond the traps of the test target `torture`.

use bytes::Bytes;
use sip_message::{HeaderId, Message, ParseErrorKind, StatusCode};

use crate::{message, request_text, request_with, try_message};

#[test]
fn escapes_in_unusual_places_stay_escaped() {
    let text = request_text("INVITE", "Contact: <sip:cal%6Cer@h;%6C%72;n%61me=v%61lue%25%34%31>\n").replacen(
        "sip:bob@192.0.2.4",
        "sip:sips%3Auser%40example.com@example.net",
        1,
    );
    let request = message(&text);
    let target = request.request_target().unwrap();
    assert_eq!(
        (target.user(), target.host().to_string().as_str()),
        (Some("sips%3Auser%40example.com"), "example.net")
    );
    let contact = request.contact().unwrap().unwrap();
    // RFC 4475 §3.1.1.3: an escaped letter is the letter.
    assert_eq!(contact.uri.param("lr"), Some(None));
    let null = message(&text.replace("cal%6Cer", "null-%00-null"));
    assert_eq!(null.contact().unwrap().unwrap().uri.user(), Some("null-%00-null"));
}

#[test]
fn body_is_bytes() {
    let mut bytes = b"SIP/2.0 200 OK\r\nContent-Length: 6\r\n\r\n".to_vec();
    bytes.extend_from_slice(b"\0\xff\r\n\r\n");
    assert_eq!(Message::parse(Bytes::from(bytes)).unwrap().body(), b"\0\xff\r\n\r\n");
}

#[test]
fn plausible_faults_are_answered_400() {
    let whole = request_text("INVITE", "");
    for (from, to) in [
        ("sip:bob@192.0.2.4 SIP", "sip:bob@192.0.2.4?%zz SIP"),
        ("To: <sip:bob@192.0.2.4>", "To: Bob, Mr <sip:bob@192.0.2.4>"),
        ("Via: SIP/2.0/UDP 192.0.2.7;branch", "Via: SIP/2.0/UDP 192.0.2.7;;=1;branch"),
        ("Max-Forwards: 70", "Max-Forwards: seventy"),
        ("Max-Forwards: 70", "Max-Forwards: -1"),
        ("Call-ID: 77@192.0.2.7", "Call-ID: 7 7"),
        ("Call-ID: 77@192.0.2.7", "Call-ID:"),
        ("From: <sip:alice@192.0.2.7>;tag=a1", "From: <sip:alice@192.0.2.7;tag=a1"),
        ("Via: SIP/2.0/UDP 192.0.2.7", "Via: SIP/7.0/UDP 192.0.2.7"),
    ] {
        let request = message(&whole.replacen(from, to, 1));
        let fault = request.check().expect_err(to);
        if fault.kind() != ParseErrorKind::Version {
            assert_eq!(fault.status(), StatusCode::BAD_REQUEST, "{to}");
        }
    }
}

#[test]
fn white_space_before_the_colon_hides_no_header() {
    // A filter that looks for `Name:` must see what the parser sees: the header is there under its name.
    let request = request_with("INVITE", "Content-Encoding\t : gzip\nReplaces : 1;to-tag=2;from-tag=3\n");
    assert!(request.has(HeaderId::ContentEncoding));
    assert!(request.replaces().unwrap().is_some());
    assert!(try_message(&request_text("INVITE", "Content-Length : 0\n")).is_err());
}

#[test]
fn many_lines_and_values_of_one_header_are_walked() {
    let lines = "Accept: text/a, text/b\n".repeat(60);
    let request = request_with("OPTIONS", &lines);
    assert_eq!(request.items(HeaderId::Accept).count(), 120);
    let folded = format!("Subject: a\n{}", " \n".repeat(60));
    assert_eq!(request_with("OPTIONS", &folded).first(HeaderId::Subject), Some("a"));
}
