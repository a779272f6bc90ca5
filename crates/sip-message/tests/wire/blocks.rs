//! Header lines that are printed once for many messages, values given in parts, and drafts that share what they hold.

use sip_message::{Block, BuildError, Draft, HeaderId, Limits, Method, Response, StatusCode};

use crate::{request_with, text};

const VIA: &str = "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK-1";

/// A request that lacks nothing, with its headers in parts.
fn draft() -> Draft {
    let mut draft = Draft::request(Method::Invite, "sip:bob@192.0.2.4");
    draft.push_parts(HeaderId::From, &["<", "sip:alice@192.0.2.7", ">", ";tag=", "a1"]);
    draft.push_parts(HeaderId::To, &["<sip:bob@192.0.2.4>"]);
    draft.push_parts(HeaderId::CallId, &["77", "@192.0.2.7"]);
    draft.push_cseq(4711);
    draft
}

fn block() -> Block {
    Block::default().header(HeaderId::Allow, "INVITE, ACK").header(HeaderId::MinSe, 90)
}

#[test]
fn a_block_stands_between_the_lines_before_and_behind_it() {
    let sent = draft().block(&block()).header(HeaderId::Supported, "timer").encode(VIA, None).unwrap();
    assert_eq!(
        text(&sent),
        "INVITE sip:bob@192.0.2.4 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK-1\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:alice@192.0.2.7>;tag=a1\r\n\
         To: <sip:bob@192.0.2.4>\r\n\
         Call-ID: 77@192.0.2.7\r\n\
         CSeq: 4711 INVITE\r\n\
         Allow: INVITE, ACK\r\n\
         Min-SE: 90\r\n\
         Supported: timer\r\n\
         Content-Length: 0\r\n\r\n"
    );
    let request = request_with("OPTIONS", "");
    let answer = Response::to(&request, StatusCode::OK).block(&block()).to_tag("b1").encode().unwrap();
    assert!(text(&answer).ends_with("Allow: INVITE, ACK\r\nMin-SE: 90\r\nContent-Length: 0\r\n\r\n"));
}

#[test]
fn the_lines_of_a_block_are_found_and_changed_like_others() {
    let mut draft = draft().block(&block()).block(&Block::default().header(HeaderId::Allow, "BYE"));
    assert_eq!(draft.header_values(HeaderId::Allow).collect::<Vec<_>>(), ["INVITE, ACK", "BYE"]);
    draft.set(HeaderId::MinSe, 120);
    draft.remove(HeaderId::Allow);
    let sent = draft.encode(VIA, None).unwrap();
    assert!(text(&sent).contains("Min-SE: 120\r\nContent-Length") && !text(&sent).contains("Allow"));
}

#[test]
fn what_no_line_may_hold_is_refused_in_a_block_and_in_parts() {
    let encoded = |draft: Draft| draft.encode(VIA, None);
    let smuggled = Block::default().header(HeaderId::Allow, "INVITE\r\nX: y");
    assert_eq!(encoded(draft().block(&smuggled)), Err(BuildError::ControlCharacter("Allow".into())));
    let twice = block().header(HeaderId::MinSe, 91);
    assert_eq!(encoded(draft().block(&twice)), Err(BuildError::Duplicate(HeaderId::MinSe)));
    assert_eq!(encoded(draft().block(&block()).block(&block())), Err(BuildError::Duplicate(HeaderId::MinSe)));
    let managed = Block::default().header(HeaderId::Via, VIA);
    assert_eq!(encoded(draft().block(&managed)), Err(BuildError::Managed(HeaderId::Via)));
    let mut parted = draft();
    parted.push_parts(HeaderId::Subject, &["a\r", "\nX: y"]);
    assert_eq!(encoded(parted), Err(BuildError::ControlCharacter("Subject".into())));
    let long = "x".repeat(Limits::LINE - "Subject: ".len());
    for (more, fits) in [("", true), ("y", false)] {
        let mut parted = draft();
        parted.push_parts(HeaderId::Subject, &[&long, more]);
        assert_eq!(encoded(parted).is_ok(), fits, "{more}");
    }
}

#[test]
fn blanks_around_a_value_in_parts_are_left_out() {
    let mut draft = draft();
    draft.push_parts(HeaderId::Subject, &[" ", "a ", "b", "\t"]);
    assert_eq!(draft.header_values(HeaderId::Subject).collect::<Vec<_>>(), ["a b"]);
}

#[test]
fn a_clone_of_a_draft_does_not_see_what_the_other_becomes() {
    let first = draft();
    let mut second = first.clone();
    second.set_uri("sip:carol@192.0.2.9");
    second.set(HeaderId::CSeq, "2 INVITE");
    assert_eq!((first.uri(), second.uri()), ("sip:bob@192.0.2.4", "sip:carol@192.0.2.9"));
    assert_eq!(first.header_values(HeaderId::CSeq).collect::<Vec<_>>(), ["4711 INVITE"]);
    assert_eq!(second.header_values(HeaderId::CSeq).collect::<Vec<_>>(), ["2 INVITE"]);
}
