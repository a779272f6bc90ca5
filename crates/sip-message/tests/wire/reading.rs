use bytes::Bytes;
use sip_message::{
    HeaderId, HeaderName, Limits, Message, Method, ParseErrorKind, StartLine, StatusCode, Via,
};

use crate::{message, request_text, request_with, try_message};

fn kind(text: &str) -> ParseErrorKind {
    try_message(text).expect_err("the message is malformed").kind()
}

#[test]
fn request_is_read_in_all_its_parts() {
    let invite = message(
        "INVITE sip:bob@192.0.2.4 SIP/2.0\n\
         Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK-1, SIP/2.0/TCP proxy.example.net\n\
         v: SIP/2.0/UDP [2001:db8::9]:5070\n\
         From: \"Alice, A.\" <sip:alice@192.0.2.7>;tag=a1\n\
         t: <sip:bob@192.0.2.4>\n\
         i: 77@192.0.2.7\n\
         CSeq: 2 INVITE\n\
         m: <sip:alice@192.0.2.7>, <sip:a2@192.0.2.7>\n\
         Record-Route: <sip:p2.example.net;lr>, <sip:p1.example.net;lr>\n\
         k: replaces, norefersub\n\
         Supported: timer\n\
         Require:\n\
         Allow: INVITE, ACK,BYE , REFER\n\
         Max-Forwards: 69\n\
         X-Note: hello\n\
         c: text/plain\n\
         l: 3\n\nabc",
    );
    assert_eq!(invite.check(), Ok(()));
    assert_eq!(invite.start_line(), StartLine::Request { method: Method::Invite, uri: "sip:bob@192.0.2.4" });
    assert_eq!(invite.top_via().unwrap().branch(), Some("z9hG4bK-1"));
    assert_eq!(invite.vias().collect::<Vec<_>>().len(), 3);
    assert_eq!(invite.count(HeaderId::Via), 2);
    assert_eq!(invite.from().unwrap().display_name().as_deref(), Some("Alice, A."));
    assert_eq!((invite.from_tag(), invite.to_tag()), (Some("a1"), None));
    assert_eq!(invite.call_id(), Ok("77@192.0.2.7"));
    assert_eq!(invite.cseq().unwrap().number, 2);
    assert_eq!(invite.contact().unwrap().unwrap().uri.as_str(), "sip:alice@192.0.2.7");
    assert_eq!(invite.contact_count(), 2);
    let routes = invite.record_routes().unwrap();
    assert_eq!(
        routes.iter().map(|route| route.uri.as_str()).collect::<Vec<_>>(),
        ["sip:p2.example.net;lr", "sip:p1.example.net;lr"]
    );
    assert_eq!(invite.supported().collect::<Vec<_>>(), ["replaces", "norefersub", "timer"]);
    assert_eq!(invite.require().count(), 0);
    assert_eq!(invite.allow().collect::<Vec<_>>(), [Method::Invite, Method::Ack, Method::Bye, Method::Refer]);
    assert_eq!(invite.max_forwards(), Ok(Some(69)));
    assert_eq!(invite.extension("x-note").collect::<Vec<_>>(), [b"hello"]);
    assert_eq!(invite.content_type(), Some("text/plain"));
    assert_eq!((invite.body(), &invite.body_bytes()[..]), (&b"abc"[..], &b"abc"[..]));
}

#[test]
fn status_line_is_read_with_and_without_phrase() {
    for (line, code, reason) in [
        ("SIP/2.0 200 OK", 200, "OK"),
        ("SIP/2.0 486", 486, ""),
        ("SIP/2.0 183 ", 183, ""),
        ("sip/2.0 404 Nicht gefunden – tut mir leid", 404, "Nicht gefunden – tut mir leid"),
        ("SIP/2.0 699 a  b", 699, "a  b"),
    ] {
        let response = message(&format!("{line}\n\n"));
        assert_eq!(response.status(), StatusCode::new(code), "{line}");
        assert_eq!(response.reason(), Some(reason), "{line}");
        assert_eq!((response.method(), response.request_uri(), response.is_request()), (None, None, false));
    }
}

#[test]
fn malformed_start_lines_are_refused() {
    for (line, expected) in [
        ("INVITE", ParseErrorKind::StartLine),
        ("INVITE sip:a@b", ParseErrorKind::StartLine),
        ("INVITE  sip:a@b SIP/2.0", ParseErrorKind::StartLine),
        ("INVITE sip:a@b  SIP/2.0", ParseErrorKind::StartLine),
        ("INVITE sip:a@b;x=1 ;y SIP/2.0", ParseErrorKind::StartLine),
        ("INVITE  SIP/2.0", ParseErrorKind::StartLine),
        ("INVITE sip:a@b HTTP/1.1", ParseErrorKind::StartLine),
        ("INV(ITE sip:a@b SIP/2.0", ParseErrorKind::Method),
        (" INVITE sip:a@b SIP/2.0", ParseErrorKind::Method),
        ("SIP/3.0 200 OK", ParseErrorKind::Version),
        ("SIP/2.0 20 OK", ParseErrorKind::StatusCode),
        ("SIP/2.0 2000 OK", ParseErrorKind::StatusCode),
        ("SIP/2.0 700 OK", ParseErrorKind::StatusCode),
        ("SIP/2.0 +20 OK", ParseErrorKind::StatusCode),
        ("SIP/2.0", ParseErrorKind::StatusCode),
    ] {
        assert_eq!(kind(&format!("{line}\n\n")), expected, "{line}");
    }
}

#[test]
fn other_version_in_a_request_is_answered_505() {
    let text = request_text("OPTIONS", "").replacen("SIP/2.0\n", "SIP/7.0\n", 1);
    let request = message(&text);
    let fault = request.check().unwrap_err();
    assert_eq!((fault.kind(), fault.status()), (ParseErrorKind::Version, StatusCode::VERSION_NOT_SUPPORTED));
}

#[test]
fn names_are_found_in_any_spelling() {
    for name in ["Refer-To", "refer-to", "REFER-TO", "r", "R", "r ", "Refer-To\t "] {
        let refer = request_with("REFER", &format!("{name}: <sip:c@192.0.2.9>\n"));
        assert_eq!(refer.first(HeaderId::ReferTo), Some("<sip:c@192.0.2.9>"), "{name:?}");
    }
    for id in HeaderId::all() {
        assert_eq!(HeaderId::of(id.name()), Some(*id));
        assert_eq!(HeaderId::of(&id.name().to_ascii_uppercase()), Some(*id));
        assert_eq!(id.lower_name(), id.name().to_ascii_lowercase());
        if let Some(letter) = id.compact() {
            assert_eq!(HeaderId::of(&letter.to_string()), Some(*id));
        }
    }
    for name in ["", "z", "é", "Refer", "Refer-Too", "Via-", "-", "Proxy-Authorizationn", "1"] {
        assert_eq!(HeaderName::of(name), HeaderName::Unknown(name));
    }
}

#[test]
fn folded_lines_read_as_one_line() {
    let text =
        request_text("OPTIONS", "Subject: one\n\ttwo\n   three\nContact:\n <sip:a@192.0.2.7>\n\t;q=0.5\n");
    let request = message(&text);
    let words: Vec<_> = request.first(HeaderId::Subject).unwrap().split_ascii_whitespace().collect();
    assert_eq!(words, ["one", "two", "three"]);
    assert!(!request.first(HeaderId::Subject).unwrap().contains(['\r', '\n']));
    assert_eq!(request.contact().unwrap().unwrap().param("q"), Some(Some("0.5")));
    let listed: Vec<_> = request.canonical_headers().collect();
    assert!(listed.contains(&("subject".into(), "one two three".into())));
    assert!(listed.contains(&("contact".into(), "<sip:a@192.0.2.7> ;q=0.5".into())));
    assert_eq!(request.bytes(), &Bytes::from(text.replace('\n', "\r\n")));
}

#[test]
fn canonical_headers_are_one_per_line_in_order() {
    let request = request_with("OPTIONS", "s: x\nX-Odd:  y \nk: a, b\n");
    let listed: Vec<(String, String)> =
        request.canonical_headers().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let names: Vec<_> = listed.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "via",
            "from",
            "to",
            "call-id",
            "cseq",
            "max-forwards",
            "subject",
            "x-odd",
            "supported",
            "content-length"
        ]
    );
    assert_eq!(listed[7].1, "y");
    assert_eq!(listed[8].1, "a, b");
}

#[test]
fn bare_line_feeds_and_leading_line_ends_are_taken() {
    let text = format!("\r\n\n\r\n{}", request_text("OPTIONS", ""));
    let request = Message::parse(Bytes::from(text)).unwrap();
    assert_eq!(request.check(), Ok(()));
}

#[test]
fn keep_alive_is_no_message() {
    for bytes in ["", "\r\n", "\r\n\r\n", "\n"] {
        let error = Message::parse(Bytes::from_static(bytes.as_bytes())).unwrap_err();
        assert_eq!(error.kind(), ParseErrorKind::Empty);
    }
}

#[test]
fn head_without_end_is_refused() {
    let whole = request_text("OPTIONS", "").replace('\n', "\r\n");
    for cut in 1..whole.len() {
        assert!(Message::parse(Bytes::copy_from_slice(&whole.as_bytes()[..cut])).is_err(), "cut at {cut}");
    }
}

#[test]
fn content_length_bounds_the_body() {
    let with = |length: &str| {
        format!(
            "SIP/2.0 200 OK\n{}\nbody",
            if length.is_empty() { String::new() } else { format!("{length}\n") }
        )
    };
    assert_eq!(message(&with("")).body(), b"body");
    assert_eq!(message(&with("Content-Length: 4")).body(), b"body");
    assert_eq!(message(&with("l: 2")).body(), b"bo");
    assert_eq!(message(&with("Content-Length: 0")).body(), b"");
    assert_eq!(message(&with("Content-Length: 0000004")).body(), b"body");
    for (length, expected) in [
        ("Content-Length: 5", ParseErrorKind::BodyTruncated),
        ("Content-Length: 99999999999999999999999", ParseErrorKind::BodyTruncated),
        ("Content-Length: -1", ParseErrorKind::ContentLength),
        ("Content-Length: +4", ParseErrorKind::ContentLength),
        ("Content-Length: 0x4", ParseErrorKind::ContentLength),
        ("Content-Length: 4, 4", ParseErrorKind::ContentLength),
        ("Content-Length:", ParseErrorKind::ContentLength),
        ("Content-Length: 4\nContent-Length: 2", ParseErrorKind::Duplicate),
        ("Content-Length: 4\nl: 4", ParseErrorKind::Duplicate),
    ] {
        let error = try_message(&with(length)).unwrap_err();
        assert_eq!((error.kind(), error.header()), (expected, Some(HeaderId::ContentLength)), "{length}");
    }
}

#[test]
fn second_line_of_an_identifying_header_is_refused() {
    for line in ["From: <sip:x@h>", "t: <sip:x@h>", "Call-ID : x", "CSeq: 2 OPTIONS", "Max-Forwards: 1"] {
        assert_eq!(kind(&request_text("OPTIONS", &format!("{line}\n"))), ParseErrorKind::Duplicate, "{line}");
    }
}

#[test]
fn check_names_what_is_missing_or_twice() {
    let whole = request_text("OPTIONS", "");
    for (id, name) in [
        (HeaderId::Via, "Via"),
        (HeaderId::From, "From"),
        (HeaderId::To, "To"),
        (HeaderId::CallId, "Call-ID"),
        (HeaderId::CSeq, "CSeq"),
    ] {
        let lines =
            whole.lines().filter(|line| !line.starts_with(name)).collect::<Vec<_>>().join("\n") + "\n\n";
        let fault = message(&lines).check().unwrap_err();
        assert_eq!((fault.kind(), fault.header()), (ParseErrorKind::Missing, Some(id)));
        assert_eq!(fault.status(), StatusCode::BAD_REQUEST);
    }
    for lines in [
        "Expires: 1\nExpires: 2\n",
        "Event: a\no: a\n",
        "Replaces: a\nReplaces: b\n",
        "c: a/b\nContent-Type: a/b\n",
    ] {
        let fault = request_with("OPTIONS", lines).check().unwrap_err();
        assert_eq!(fault.kind(), ParseErrorKind::Duplicate, "{lines}");
    }
    let other_method = message(&whole.replace("CSeq: 2 OPTIONS", "CSeq: 2 INVITE"));
    assert_eq!(other_method.check().unwrap_err().kind(), ParseErrorKind::CSeqMethod);
    let bad_target = message(&whole.replacen("sip:bob@192.0.2.4", "sip:bob@[192.0.2.4", 1));
    assert_eq!(bad_target.check().unwrap_err().kind(), ParseErrorKind::Host);
    let response =
        message("SIP/2.0 200 OK\nVia: SIP/2.0/UDP h\nf: <sip:a@h>\nt: <sip:b@h>\ni: 1\nCSeq: 1 BYE\n\n");
    assert_eq!(response.check(), Ok(()));
}

#[test]
fn forbidden_control_characters_are_refused() {
    let whole = request_text("OPTIONS", "Subject: a#b\n").replace('\n', "\r\n");
    for bad in ["\0", "\r", "\r\r"] {
        let error = Message::parse(Bytes::from(whole.replace('#', bad))).unwrap_err();
        assert_eq!(error.kind(), ParseErrorKind::ControlCharacter, "{bad:?}");
        assert_eq!(error.offset(), whole.find('#').unwrap());
    }
    let in_name = whole.replace("Subject", "Sub\rject");
    assert_eq!(Message::parse(Bytes::from(in_name)).unwrap_err().kind(), ParseErrorKind::ControlCharacter);
}

#[test]
fn malformed_header_lines_are_refused() {
    for line in ["no colon", ": empty name", "two words: x", "nämé: x", "a(b): x", "<sip:x@h>"] {
        assert_eq!(
            kind(&request_text("OPTIONS", &format!("{line}\n"))),
            ParseErrorKind::HeaderName,
            "{line}"
        );
    }
    // A continuation needs a header to continue.
    assert_eq!(kind("OPTIONS sip:a@h SIP/2.0\n folded\n\n"), ParseErrorKind::HeaderName);
}

#[test]
fn text_that_is_not_utf8_is_kept_in_extension_headers_only() {
    let with = |line: &[u8]| {
        let whole = request_text("OPTIONS", "#\n").replace('\n', "\r\n");
        let at = whole.find('#').unwrap();
        let mut bytes = whole.as_bytes()[..at].to_vec();
        bytes.extend_from_slice(line);
        bytes.extend_from_slice(&whole.as_bytes()[at + 1..]);
        Message::parse(Bytes::from(bytes))
    };
    let kept = with(b"X-Name: \xc4\xe3").unwrap();
    assert_eq!(kept.extension("X-Name").collect::<Vec<_>>(), [b"\xc4\xe3"]);
    assert_eq!(kept.headers().find(|header| header.id().is_none()).unwrap().text(), None);
    assert!(kept.canonical_headers().any(|(name, value)| name == "x-name" && value.contains('\u{fffd}')));
    let error = with(b"Subject: \xc4\xe3").unwrap_err();
    assert_eq!((error.kind(), error.header()), (ParseErrorKind::NotUtf8, Some(HeaderId::Subject)));
}

#[test]
fn a_message_with_a_fold_or_with_bytes_that_are_no_text_reads_like_any_other() {
    let head = request_text("OPTIONS", "X-Name: #\nSubject: a^b\nUser-Agent: ü/1\n")
        .replace("Content-Length: 0\n\n", "Content-Length: 4\n");
    for (name, fold, body) in
        [("plain", " ", "body"), ("\u{e4}", " ", "b\u{f6}d"), ("?", "\n  ", "body"), ("?", "\n\t", "????")]
    {
        let whole = head.replace('#', &format!("{name}{fold}z")).replace('^', fold).replace('\n', "\r\n");
        let mut bytes = [whole.as_bytes(), b"\r\n", body.as_bytes()].concat();
        for byte in bytes.iter_mut().filter(|byte| **byte == b'?') {
            *byte = 0xff;
        }
        let message = Message::parse(Bytes::from(bytes.clone())).unwrap();
        let unfolded = fold.replace('\n', "\r\n").replace(['\r', '\n'], " ");
        assert_eq!(message.first(HeaderId::Subject), Some(format!("a{unfolded}b").as_str()));
        assert_eq!(message.first(HeaderId::UserAgent), Some("ü/1"));
        assert_eq!(message.from_tag(), Some("a1"));
        let raw: Vec<u8> =
            format!("{name}{unfolded}z").bytes().map(|byte| if byte == b'?' { 0xff } else { byte }).collect();
        assert_eq!(message.extension("x-name").collect::<Vec<_>>(), [&raw[..]]);
        assert!(message.headers().any(|header| header.value == raw));
        assert_eq!(message.bytes(), &bytes, "the bytes are those that came");
        assert_eq!((message.body().len(), message.check()), (4, Ok(())));
    }
}

#[test]
fn a_via_below_the_topmost_is_seen_in_the_same_line_and_in_the_next() {
    let below = |vias: &str| {
        let text = request_text("OPTIONS", "").replace("Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK-1", vias);
        message(&text).has_lower_via()
    };
    assert!(!below("Via: SIP/2.0/UDP a"));
    assert!(!below("Via: , SIP/2.0/UDP a;x=\",\" , ,\nVia: ,"));
    assert!(below("Via: SIP/2.0/UDP a,SIP/2.0/UDP b"));
    assert!(below("Via: SIP/2.0/UDP a\nv: ,\nVia: SIP/2.0/UDP b"));
    assert!(!below("Subject: no Via"));
}

#[test]
fn a_via_is_stamped_with_its_other_parameters_as_they_are() {
    let stamped = |value: &str| {
        let via = Via::parse(value).unwrap();
        (via.received_from([192, 0, 2, 9].into(), 5061).unwrap(), via.has_rport(), via.rport())
    };
    let asked = Some(None);
    for (value, stamp, rport) in [
        ("SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1;x=\";rport\"", "", None),
        (
            "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1 ; rport",
            ";branch=z9hG4bK1;received=192.0.2.9;rport=5061",
            asked,
        ),
        (
            "SIP/2.0/UDP 192.0.2.9;Rport;branch=z9hG4bK1",
            ";branch=z9hG4bK1;received=192.0.2.9;rport=5061",
            asked,
        ),
        ("SIP/2.0/UDP 192.0.2.9;a;rport;b", ";a;b;received=192.0.2.9;rport=5061", asked),
        ("SIP/2.0/UDP 192.0.2.9;rport;rport", ";received=192.0.2.9;rport=5061", asked),
        ("SIP/2.0/UDP 192.0.2.9;rport=7;a", ";a;received=192.0.2.9;rport=5061", Some(Some(7))),
        ("SIP/2.0/UDP 192.0.2.9;a;received=192.0.2.1", ";a", None),
    ] {
        let expected = if stamp.is_empty() { value.into() } else { format!("SIP/2.0/UDP 192.0.2.9{stamp}") };
        let has = rport.is_some();
        assert_eq!(stamped(value), (expected, has, rport), "{value}");
    }
    let full = |count: usize| format!("SIP/2.0/UDP 192.0.2.9{};rport", ";a".repeat(count));
    let fits = |count| Via::parse(&full(count)).unwrap().received_from([192, 0, 2, 9].into(), 5061).is_ok();
    assert!(fits(Limits::PARAMETERS - 2) && !fits(Limits::PARAMETERS - 1));
}

#[test]
fn nul_is_read_behind_a_backslash_that_is_not_escaped() {
    let with = |quoted: &str| {
        let text = request_text("OPTIONS", "").replace("From: <", &format!("From: \"{quoted}\" <"));
        Message::parse(Bytes::from(text.replace('\n', "\r\n"))).map_err(|error| error.kind())
    };
    assert!(with("a\\\0b").is_ok());
    assert!(with("a\\\\\\\0b").is_ok());
    assert_eq!(with("a\0b").unwrap_err(), ParseErrorKind::ControlCharacter);
    assert_eq!(with("a\\\\\0b").unwrap_err(), ParseErrorKind::ControlCharacter);
}

#[test]
fn a_phrase_that_is_not_utf8_reads_as_an_empty_one() {
    let mut bytes = b"SIP/2.0 404 Teilnehmer nicht verf\xfcgbar\r\n".to_vec();
    bytes.extend_from_slice(
        request_text("OPTIONS", "").replace('\n', "\r\n").split_once("\r\n").unwrap().1.as_bytes(),
    );
    let response = Message::parse(Bytes::from(bytes)).unwrap();
    assert_eq!((response.status(), response.reason()), (Some(StatusCode::NOT_FOUND), Some("")));
    assert_eq!(response.check(), Ok(()));
}

#[test]
fn errors_name_kind_place_and_header() {
    let request = request_with("OPTIONS", "Max-Forwards2: x\nEvent: refer;id=\n");
    let error = request.event().unwrap_err();
    assert_eq!(error.header(), Some(HeaderId::Event));
    let at = core::str::from_utf8(request.bytes()).unwrap().find("refer;id=").unwrap();
    assert!((at..at + 9).contains(&error.offset()));
    assert_eq!(error.to_string(), format!("malformed parameter at byte {} in Event", error.offset()));
}

#[test]
fn debug_output_holds_no_identifiers() {
    let request = request_with("INVITE", "Authorization: Digest response=\"5ecret\"\n");
    let shown = format!("{request:?}");
    assert!(shown.contains("INVITE") && shown.contains("Authorization"));
    assert!(!shown.contains("5ecret") && !shown.contains("77@") && !shown.contains("alice"));
}

#[test]
fn lists_split_outside_quotes_and_brackets() {
    let items = |value: &'static str| sip_message::List::new(value).collect::<Vec<_>>();
    assert_eq!(items("a, b ,,c,"), ["a", "b", "c"]);
    assert_eq!(
        items("\"x,y\" <sip:a,b@h>;p=\"1,2\", <sip:c@h>"),
        ["\"x,y\" <sip:a,b@h>;p=\"1,2\"", "<sip:c@h>"]
    );
    assert_eq!(items("\"a\\\",b\" <sip:x@h>, z"), ["\"a\\\",b\" <sip:x@h>", "z"]);
    assert_eq!(items("\"open, <sip:a@h>"), ["\"open, <sip:a@h>"]);
    assert_eq!(items("<open, b"), ["<open, b"]);
    assert_eq!(items(" , ,"), [""; 0]);
}
