//! A whole datagram and every typed accessor; what was parsed can be answered and read again.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sip_message::{BuildError, HeaderId, Message, Response, StatusCode, Via, ack_for, cancel_for, sipfrag};

fuzz_target!(|data: &[u8]| {
    let _ = sipfrag::parse(data);
    let Ok(message) = Message::parse(Bytes::copy_from_slice(data)) else { return };
    let _ = (message.check(), message.start_line(), message.request_target(), message.top_via());
    let _ = (
        message.from(),
        message.to(),
        message.from_tag(),
        message.to_tag(),
        message.call_id(),
        message.cseq(),
    );
    let _ = (message.contact(), message.contacts(), message.contact_count(), message.record_routes());
    let _ = (
        message.routes(),
        message.max_forwards(),
        message.expires(),
        message.min_expires(),
        message.min_se(),
    );
    let _ = (
        message.rseq(),
        message.rack(),
        message.session_expires(),
        message.referred_by(),
        message.replaces(),
    );
    let _ = (message.join(), message.target_dialog(), message.refer_events_at(), message.event());
    let _ =
        (message.subscription_state(), message.refer_sub(), message.retry_after(), message.reason_header());
    let _ = (message.reason_headers().count(), message.allow().count(), message.allow_events().count());
    let _ = (message.supported().count(), message.require().count(), message.unsupported().count());
    let _ =
        (message.vias().map(Via::parse).count(), message.canonical_headers().count(), message.body_bytes());
    let _ = format!("{message:?}");
    if let Ok(refer_to) = message.refer_to() {
        let _ = refer_to.target().as_uri();
        assert_eq!(refer_to.uri_headers().count(), refer_to.name_addr.uri.headers().count());
    }
    for header in message.headers() {
        assert!(!header.value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)));
    }
    let _ = sipfrag::status(message.content_type(), message.body());
    let _ = (cancel_for(&message, None), ack_for(&message, &message));
    if message.is_request() && message.vias().next().is_some() {
        match Response::to(&message, StatusCode::BAD_REQUEST).to_tag("t").encode() {
            Ok(bytes) => {
                let answer = Message::parse(bytes).expect("what was written can be read");
                assert!(answer.vias().eq(message.vias()));
                assert_eq!(answer.first(HeaderId::CallId), message.first(HeaderId::CallId));
            }
            Err(BuildError::TooLarge(_)) => {}
            Err(error) => panic!("what was read can be written: {error}"),
        }
    }
});
