use sip_message::sipfrag::{self, SipfragError};
use sip_message::{HeaderId, Limits, Method, ParseErrorKind, StartLine, StatusCode};

#[test]
fn bodies_that_peers_send_give_their_code() {
    // covers: TR-092, EC-44
    for (content_type, body, code) in [
        ("message/sipfrag;version=2.0", "SIP/2.0 100 Trying\r\n", 100),
        ("message/sipfrag", "SIP/2.0 100 Trying", 100),
        ("message/sipfrag", "SIP/2.0 180 Ringing\n", 180),
        ("message/sipfrag", "SIP/2.0 200 OK\r\n\r\n", 200),
        ("message/sipfrag", "SIP/2.0 200 OK\r\n\r\n\r\n\n", 200),
        ("Message/SIPFrag; version=\"2.0\"", "SIP/2.0 200\r\n", 200),
        ("message/sipfrag ;version=2.0", "SIP/2.0 200 \r\n", 200),
        ("MESSAGE/SIPFRAG", "SIP/2.0 200", 200),
        ("message/sipfrag;version=2.0", "SIP/2.0 486 Busy Here\r\nWarning: 399 h \"busy\"\r\n", 486),
        ("message/sipfrag;version=2.0", "SIP/2.0 603 Declined\r\n", 603),
        ("message/sipfrag;version=2.0", "SIP/2.0 603 Decline\r\nContent-Length: 900\r\n\r\n", 603),
        ("message/sipfrag;version=2.0", "sip/2.0 200 Ok\r\n", 200),
        ("message/sipfrag;version=2.0", "SIP/2.0 480 Zurzeit nicht verfügbar\r\n", 480),
        ("message/sipfrag;version=2.0", "SIP/2.0 699 Odd\r\n", 699),
        ("message/sipfrag;version=2.0", "\r\nSIP/2.0 200 OK\r\n", 200),
        ("message/sipfrag;version=2.0", "SIP/2.0 100 Trying\n", 100),
        ("message/sipfrag;version=2.0", "SIP/2.0 200 ", 200),
        ("message/sipfrag;version=2.0", "SIP/2.0 603 Decline\r\n", 603),
        ("message/sipfrag; version=1.0; x", "SIP/2.0 200 OK\r\n", 200),
        ("Message/SIPFrag;", "SIP/2.0  200  OK \r\n", 200),
    ] {
        let status = sipfrag::status(Some(content_type), body.as_bytes());
        assert_eq!(status, Ok(StatusCode::new(code).unwrap()), "{content_type} {body:?}");
    }
    assert_eq!(sipfrag::status(None, b"SIP/2.0 200 OK\r\n"), Ok(StatusCode::OK));
}

#[test]
fn bodies_without_a_result_give_none() {
    for body in [
        "",
        "\r\n",
        " \t\r\n",
        "INVITE sip:a@h SIP/2.0\r\n",
        "Warning: 399 h \"x\"\r\n",
        "SIP/3.0 200 OK\r\n",
        "SIP/2.0 20 OK\r\n",
        "SIP/2.0 2000 OK\r\n",
        "SIP/2.0 099 OK\r\n",
        "SIP/2.0 200 O\0K\r\n",
        "\0\0\0\0",
        "200 OK\r\n",
        "SIP/2.0 200 OK\r\nno header\r\n",
        "SIP/2.0 \r\n",
        "SIP/2.0 -200 OK\r\n",
        "--b\r\nSIP/2.0 200 OK\r\n",
    ] {
        assert!(sipfrag::status(Some("message/sipfrag"), body.as_bytes()).is_err(), "{body:?}");
    }
    for content_type in
        ["application/sdp", "message/sip", "message", "", "multipart/mixed;boundary=message/sipfrag"]
    {
        let status = sipfrag::status(Some(content_type), b"SIP/2.0 200 OK\r\n");
        assert_eq!(status, Err(SipfragError::ContentType), "{content_type}");
    }
    let huge = vec![b'x'; 1 << 20];
    assert_eq!(sipfrag::status(None, &huge), Err(SipfragError::TooLarge));
}

#[test]
fn size_is_limited() {
    let body = |length: usize| format!("SIP/2.0 200 {}", "x".repeat(length - 12)).into_bytes();
    assert_eq!(sipfrag::status(None, &body(Limits::SIPFRAG)), Ok(StatusCode::OK));
    assert_eq!(sipfrag::status(None, &body(Limits::SIPFRAG + 1)), Err(SipfragError::TooLarge));
}

#[test]
fn every_shape_of_fragment_is_parsed() {
    // covers: TR-090
    let status_only = sipfrag::parse(b"SIP/2.0 200 OK\r\n").unwrap();
    assert_eq!(status_only.start_line(), Some(StartLine::Status { code: StatusCode::OK, reason: "OK" }));
    let with_headers =
        sipfrag::parse(b"SIP/2.0 503 Busy\r\nRetry-After: 5\r\nFrom: a\r\nFrom: b\r\n\r\nrest").unwrap();
    assert_eq!(
        (with_headers.status(), with_headers.reason()),
        (Some(StatusCode::SERVICE_UNAVAILABLE), Some("Busy"))
    );
    assert_eq!(with_headers.first(HeaderId::RetryAfter), Some("5"));
    assert_eq!((with_headers.headers().len(), with_headers.body()), (3, &b"rest"[..]));
    let headers_only = sipfrag::parse(b"From: <sip:a@h>\nSubject: x\n y").unwrap();
    assert_eq!((headers_only.start_line(), headers_only.headers().len()), (None, 2));
    assert_eq!(headers_only.first(HeaderId::Subject).unwrap().split_ascii_whitespace().count(), 2);
    let request = sipfrag::parse(b"INVITE sip:a@h SIP/2.0\r\nCall-ID: 1\r\n").unwrap();
    assert_eq!(request.start_line(), Some(StartLine::Request { method: Method::Invite, uri: "sip:a@h" }));
    assert_eq!((request.status(), request.reason()), (None, None));
}

#[test]
fn valid_examples_of_rfc_3420_are_read() {
    for (fragment, headers, body) in [
        ("INVITE sip:alice@atlanta.com SIP/2.0\n", 0, ""),
        ("SIP/2.0 603 Declined\n", 0, ""),
        (
            "REGISTER sip:atlanta.com SIP/2.0\nTo: sip:alice@atlanta.com\n\
             Contact: <sip:alicepc@atlanta.com>;q=0.9,\n         <sip:alicemobile@atlanta.com>;q=0.1\n",
            2,
            "",
        ),
        ("SIP/2.0 400 Bad Request\nWarning: 399 atlanta.com Your Event header field was malformed\n", 1, ""),
        (
            "From: Alice <sip:alice@atlanta.com>\nTo: Bob <sip:bob@biloxi.com>\nCall-ID: a84b4c76e66710\n",
            3,
            "",
        ),
        ("SIP/2.0 200 OK\nContent-Type: application/sdp\nContent-Length: 247\n\nv=0\n", 2, "v=0\r\n"),
        ("Content-Type: text/plain\nContent-Length: 11\n\nHi There!\n", 2, "Hi There!\r\n"),
    ] {
        let read = sipfrag::parse(fragment.replace('\n', "\r\n").as_bytes()).unwrap();
        assert_eq!((read.headers().len(), read.body()), (headers, body.as_bytes()), "{fragment}");
    }
}

#[test]
fn invalid_examples_of_rfc_3420_are_refused() {
    for (fragment, kind) in [
        ("INVITE\r\n", ParseErrorKind::StartLine),
        ("INVITE sip:alice@atlanta.com SIP/1.09\r\n", ParseErrorKind::Version),
        ("SIP/2.0\r\n", ParseErrorKind::StatusCode),
        ("404 Not Found\r\n", ParseErrorKind::StartLine),
        ("MESSAGE sip:alice@atlanta.com SIP/2.0\r\nHi There!\r\n", ParseErrorKind::HeaderName),
    ] {
        match sipfrag::parse(fragment.as_bytes()) {
            Err(SipfragError::Malformed(error)) => assert_eq!(error.kind(), kind, "{fragment}"),
            other => panic!("{fragment}: {other:?}"),
        }
    }
}

#[test]
fn written_fragment_is_one_complete_status_line() {
    // covers: TR-091, TR-094
    let body = sipfrag::write_status(StatusCode::BUSY_HERE, "Busy Here");
    assert_eq!(&body[..], b"SIP/2.0 486 Busy Here\r\n");
    let hostile = sipfrag::write_status(StatusCode::OK, "a\r\nContact: <sip:x@h>\0");
    assert_eq!(&hostile[..], b"SIP/2.0 200 a  Contact: <sip:x@h> \r\n");
    assert_eq!(crate::text(&hostile).lines().count(), 1);
    assert_eq!(&sipfrag::write_status(StatusCode::OK, "")[..], b"SIP/2.0 200 \r\n");
    assert_eq!(sipfrag::status(Some(sipfrag::CONTENT_TYPE), &body), Ok(StatusCode::BUSY_HERE));
}
