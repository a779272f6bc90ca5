//! A whole datagram: the crate and a grammar in nom accept and refuse the same ones, and read the same. Every accessor
//! can be called, and what was parsed can be answered and read again.
#![no_main]

#[path = "../inputs/head_grammar.rs"]
mod head_grammar;

use bytes::Bytes;
use head_grammar::{Reference, Start};
use libfuzzer_sys::fuzz_target;
use sip_message::{
    BuildError, HeaderId, HeaderName, Limits, Message, ParseErrorKind, Response, StartLine, StatusCode, Via,
    ack_for, cancel_for, header, sipfrag,
};

fuzz_target!(|data: &[u8]| {
    let parsed = Message::parse(Bytes::copy_from_slice(data));
    match (&parsed, head_grammar::read(data)) {
        (Ok(message), Some(reference)) => same(message, &reference),
        (Err(_), None) => {}
        (Err(error), Some(_)) if is_limit(error.kind()) => {}
        (parsed, reference) => panic!("{parsed:?}, but by the grammar {reference:?}"),
    }
    if let Ok(message) = &parsed {
        assert_eq!(message.bytes(), data);
        touch(message);
        answer(message);
    }
});

/// The grammar knows no limits.
fn is_limit(kind: ParseErrorKind) -> bool {
    matches!(
        kind,
        ParseErrorKind::MessageTooLarge
            | ParseErrorKind::LineTooLong
            | ParseErrorKind::UriTooLong
            | ParseErrorKind::TooManyFolds
            | ParseErrorKind::TooManyHeaders
    )
}

fn same(message: &Message, reference: &Reference<'_>) {
    match (message.start_line(), &reference.start) {
        (StartLine::Request { method, uri }, Start::Request { method: name, uri: text }) => {
            assert_eq!((method.as_str().as_bytes(), uri.as_bytes()), (*name, *text));
        }
        (StartLine::Status { code, reason }, Start::Status { code: number, reason: text }) => {
            assert_eq!((code.as_u16(), reason.as_bytes()), (*number, *text));
        }
        (start, other) => panic!("{start:?}, but by the grammar {other:?}"),
    }
    assert_eq!(message.headers().len(), reference.headers.len());
    for (header, (name, value)) in message.headers().zip(&reference.headers) {
        let name = core::str::from_utf8(name).expect("a token");
        assert_eq!((header.name, header.value), (HeaderName::of(name), &value[..]));
    }
    assert_eq!(message.body(), reference.body);
}

fn touch(message: &Message) {
    let _ = (message.check(), message.request_target(), message.top_via(), message.from(), message.to());
    let _ = (message.from_tag(), message.to_tag(), message.call_id(), message.cseq());
    let _ = (message.contact(), message.contacts(), message.contact_count(), message.record_routes());
    let _ = (message.routes(), message.max_forwards(), message.expires(), message.min_expires());
    let _ = (message.min_se(), message.rseq(), message.rack(), message.session_expires());
    let _ = (message.referred_by(), message.replaces(), message.join(), message.target_dialog());
    let _ = (message.refer_events_at(), message.event(), message.subscription_state(), message.refer_sub());
    let _ = (message.retry_after(), message.reason_header(), message.reason_headers().count());
    let _ = (message.allow().count(), message.allow_events().count(), message.supported().count());
    let _ = (message.require().count(), message.unsupported().count(), message.canonical_headers().count());
    let _ = (message.vias().map(Via::parse).count(), message.body_bytes(), format!("{message:?}"));
    let _ = (message.values::<header::Via>().count(), message.only::<header::CSeq>());
    let _ = (message.top::<header::Route>(), sipfrag::status(message.content_type(), message.body()));
    let _ = (cancel_for(message, None), ack_for(message, message));
    if let Ok(refer_to) = message.refer_to() {
        let _ = refer_to.target().as_uri();
        assert_eq!(refer_to.uri_headers().count(), refer_to.name_addr.uri.headers().count());
    }
    for header in message.headers() {
        assert!(!header.value.iter().any(|byte| matches!(byte, b'\r' | b'\n')));
    }
}

fn answer(message: &Message) {
    if !message.is_request() || message.vias().next().is_none() {
        return;
    }
    match Response::to(message, StatusCode::BAD_REQUEST).to_tag("t").encode() {
        Ok(bytes) => {
            let answer = Message::parse(bytes).expect("what was written can be read");
            assert!(answer.vias().eq(message.vias()));
            assert_eq!(answer.first(HeaderId::CallId), message.first(HeaderId::CallId));
        }
        Err(BuildError::TooLarge(_) | BuildError::TooManyHeaders(_)) => {}
        // Names are written long and To gets a tag: what is copied may then be more than is read.
        Err(BuildError::LineTooLong(_) | BuildError::SourceValue(_)) => {
            let full = |header: sip_message::Header<'_>| header.value.len() + 64 > Limits::LINE;
            let parameters = message.to().map_or(0, |to| to.params.iter().count());
            assert!(message.headers().any(full) || parameters == Limits::PARAMETERS);
        }
        Err(error) => panic!("what was read can be written: {error}"),
    }
}
