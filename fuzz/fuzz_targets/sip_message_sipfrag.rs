//! Any body as a fragment: what is a message is a fragment with the same lines, and a status line that is written is
//! read back.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sip_message::{Limits, Message, ParseErrorKind, StatusCode, sipfrag};

fuzz_target!(|data: &[u8]| {
    let fragment = sipfrag::parse(data);
    if let Ok(fragment) = &fragment {
        assert_eq!(fragment.status().is_some(), fragment.reason().is_some());
        assert_eq!(sipfrag::status(None, data).ok(), fragment.status());
        let ends_line = |byte: &u8| matches!(byte, b'\r' | b'\n');
        assert!(!fragment.headers().any(|header| header.value.iter().any(ends_line)));
        assert!(fragment.body().is_empty() || data.ends_with(fragment.body()));
    }
    if data.len() <= Limits::SIPFRAG
        && let Ok(message) = Message::parse(Bytes::copy_from_slice(data))
        // Another version is answered 505 in a message, and refused in a fragment.
        && message.check().map_err(|error| error.kind()) != Err(ParseErrorKind::Version)
        // A line is taken for a header if it can be one: `M :x SIP/2.0`.
        && !message.request_uri().is_some_and(|uri| uri.starts_with(':'))
    {
        let fragment = fragment.expect("a message is a fragment");
        assert_eq!(fragment.start_line(), Some(message.start_line()));
        assert!(fragment.headers().eq(message.headers()));
        assert!(fragment.body().starts_with(message.body()));
    }
    let reason = String::from_utf8_lossy(data);
    if reason.len() < Limits::SIPFRAG / 2 {
        let written = sipfrag::write_status(StatusCode::OK, &reason);
        let fragment = sipfrag::parse(&written).expect("what was written can be read");
        assert_eq!((fragment.status(), fragment.headers().len()), (Some(StatusCode::OK), 0));
    }
    if let Ok(text) = core::str::from_utf8(data) {
        let _ = sipfrag::is_sipfrag(text);
    }
});
