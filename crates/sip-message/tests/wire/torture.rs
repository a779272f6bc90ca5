//! Messages in the manner of RFC 4475: legal but odd, and illegal but plausible.

use bytes::Bytes;
use sip_message::{HeaderId, Message, Method, ParseErrorKind, StatusCode};

use crate::{message, request_text, request_with, try_message};

#[test]
fn blanks_in_all_legal_places_are_taken() {
    let invite = message(
        "INVITE sip:vip@example.net;odd=%21;x SIP/2.0\n\
         TO :\n sip:vip@example.net ;   tag    = q91\n\
         fRoM   : \"J. \\\\ \\\"Doe\\\"\"       <sip:j@example.net>\n  ;\n  tag = 98\n\
         Max-fOrWaRdS: 0068\n\
         i: odd.0ha%2@198.51.100.1\n\
         cseq:  0009\n  INVITE\n\
         V  : SIP  /   2.0\n /UDP\n    192.0.2.2;branch=390sk, \
         SIP/2.0/TCP spindle.example.net ; branch = z9hG4bK30239\n\
         s :\n\
         NewHeader: \"quoted, with ; and :\"\n\
         m:\"Q \\\"x\\\" ; <not>\"\n <sip:j@j.example.net>;newparam = newvalue;\n  secondparam;q = 0.33\n\n",
    );
    assert_eq!(invite.check(), Ok(()));
    assert_eq!(invite.from().unwrap().display_name().as_deref(), Some("J. \\ \"Doe\""));
    assert_eq!((invite.from_tag(), invite.to_tag()), (Some("98"), Some("q91")));
    assert_eq!((invite.cseq().unwrap().number, invite.max_forwards()), (9, Ok(Some(68))));
    assert_eq!(invite.vias().count(), 2);
    assert_eq!(invite.top_via().unwrap().branch(), Some("390sk"));
    assert_eq!(invite.first(HeaderId::Subject), Some(""));
    let contact = invite.contact().unwrap().unwrap();
    assert_eq!(contact.params.iter().count(), 3);
    assert_eq!(contact.param("q"), Some(Some("0.33")));
}

#[test]
fn method_of_all_token_characters_is_legal() {
    let method = "!odd-Method0123456789_*+`.%indeed'~";
    let text = request_text(method, "")
        .replace("sip:bob@192.0.2.4 SIP", "sip:1_un-usual.!~*'()&=+$,;?/:&it+has=1,w$@h SIP");
    let request = message(&text);
    assert_eq!(request.method().map(|method| method.to_string()).as_deref(), Some(method));
    assert_eq!(request.check(), Ok(()));
    assert_eq!(request.request_target().unwrap().user(), Some("1_un-usual.!~*'()&=+$,;?/"));
}

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
    assert_eq!(contact.uri.param("%6C%72"), Some(None));
    assert_eq!(contact.uri.param("lr"), None);
    let null = message(&text.replace("cal%6Cer", "null-%00-null"));
    assert_eq!(null.contact().unwrap().unwrap().uri.user(), Some("null-%00-null"));
}

#[test]
fn second_message_behind_the_first_is_dropped() {
    let text = format!("{}INVITE sip:evil@h SIP/2.0\n\n", request_text("REGISTER", ""));
    let request = message(&text);
    assert_eq!((request.method(), request.body()), (Some(Method::Register), &b""[..]));
}

#[test]
fn body_is_bytes() {
    let mut bytes = b"SIP/2.0 200 OK\r\nContent-Length: 6\r\n\r\n".to_vec();
    bytes.extend_from_slice(b"\0\xff\r\n\r\n");
    assert_eq!(Message::parse(Bytes::from(bytes)).unwrap().body(), b"\0\xff\r\n\r\n");
}

#[test]
fn unknown_schemes_are_left_to_the_user_agent() {
    let request =
        message(&request_text("OPTIONS", "").replacen("sip:bob@192.0.2.4", "nobodyKnows:totallyopaque", 1));
    assert_eq!(request.check(), Ok(()));
    assert!(!request.request_target().unwrap().is_sip());
}

#[test]
fn plausible_faults_are_answered_400() {
    let whole = request_text("INVITE", "");
    for (from, to) in [
        ("sip:bob@192.0.2.4 SIP", "<sip:bob@192.0.2.4> SIP"),
        ("sip:bob@192.0.2.4 SIP", "sip:bob@192.0.2.4?%zz SIP"),
        ("CSeq: 2 INVITE", "CSeq: 36893488147419103232 INVITE"),
        ("CSeq: 2 INVITE", "CSeq: 2 BYE"),
        ("To: <sip:bob@192.0.2.4>", "To: \"Mr. J <sip:bob@192.0.2.4>"),
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
    let folded = format!("Subject: a\n{}", " \n".repeat(1000));
    assert_eq!(request_with("OPTIONS", &folded).first(HeaderId::Subject), Some("a"));
}
