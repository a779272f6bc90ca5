use sip_message::{
    CSeq, HeaderId, Host, Method, Params, ParseErrorKind, RAck, Reason, Refresher, RetryAfter,
    SessionExpires, StatusCode, ValueBuf, Via, header,
};

use crate::request_with;

#[test]
fn via_forms_are_read() {
    let via = Via::parse("SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bK-1;rport;received=198.51.100.1").unwrap();
    assert_eq!((via.transport, via.host, via.port), ("UDP", Host::V4([192, 0, 2, 7].into()), Some(5070)));
    assert_eq!((via.branch(), via.rport()), (Some("z9hG4bK-1"), Some(None)));
    assert_eq!(via.received(), Some([198, 51, 100, 1].into()));
    assert!(via.has_magic_cookie());
    let spaced =
        Via::parse("sip / 2.0 / TLS  [2001:db8::1] : 5061 ; branch=1 ;rport=7; received=2001:db8::2")
            .unwrap();
    assert_eq!((spaced.transport, spaced.port, spaced.rport()), ("TLS", Some(5061), Some(Some(7))));
    assert_eq!(spaced.received(), Some("2001:db8::2".parse().unwrap()));
    assert!(!spaced.has_magic_cookie());
    assert_eq!(Via::parse("SIP/2.0/WSS x.invalid").unwrap().branch(), None);
    for (value, kind) in [
        ("", ParseErrorKind::Value),
        ("SIP/2.0", ParseErrorKind::Value),
        ("SIP/2.0/UDP", ParseErrorKind::Value),
        ("SIP/3.0/UDP h", ParseErrorKind::Version),
        ("HTTP/2.0/UDP h", ParseErrorKind::Version),
        ("SIP/2.0/U P/ h", ParseErrorKind::Host),
        ("SIP/2.0/UDP h:99999", ParseErrorKind::Port),
        ("SIP/2.0/UDP ;branch=1", ParseErrorKind::Host),
        ("SIP/2.0/UDP h;=1", ParseErrorKind::Parameter),
    ] {
        assert_eq!(Via::parse(value).map_err(|error| error.kind()).err(), Some(kind), "{value}");
    }
}

#[test]
fn via_is_marked_with_where_the_request_came_from() {
    let from =
        |value: &str| Via::parse(value).unwrap().received_from([198, 51, 100, 1].into(), 40_000).unwrap();
    assert_eq!(from("SIP/2.0/UDP 198.51.100.1;branch=1"), "SIP/2.0/UDP 198.51.100.1;branch=1");
    assert_eq!(from("SIP/2.0/UDP h:5070;branch=1"), "SIP/2.0/UDP h:5070;branch=1;received=198.51.100.1");
    assert_eq!(
        from("SIP/2.0/UDP 198.51.100.1;rport;branch=1"),
        "SIP/2.0/UDP 198.51.100.1;branch=1;received=198.51.100.1;rport=40000"
    );
    // What the peer claims about itself is replaced.
    assert_eq!(
        from("SIP/2.0/UDP 10.0.0.1;received=203.0.113.5;rport=1"),
        "SIP/2.0/UDP 10.0.0.1;received=198.51.100.1;rport=40000"
    );
}

#[test]
fn sequence_numbers_are_read() {
    assert_eq!(CSeq::parse("4711  INVITE").unwrap(), CSeq { number: 4711, method: Method::Invite });
    assert_eq!(CSeq::parse("0 x").unwrap().to_string(), "0 x");
    assert_eq!(RAck::parse("776656\t1 INVITE").unwrap().to_string(), "776656 1 INVITE");
    for value in ["", "1", "INVITE", "1INVITE", "-1 INVITE", "1 INV ITE", "1 ", "2147483648 BYE", "0x1 BYE"] {
        assert!(CSeq::parse(value).is_err(), "{value}");
    }
    for value in ["", "1 2", "1 INVITE", "4294967296 1 INVITE"] {
        assert!(RAck::parse(value).is_err(), "{value}");
    }
}

#[test]
fn retry_after_is_read_with_comment_and_duration() {
    let value = RetryAfter::parse("120 (in (a \\)) meeting) ;duration=60").unwrap();
    assert_eq!((value.seconds, value.comment, value.duration), (120, Some("in (a \\)) meeting"), Some(60)));
    assert_eq!(RetryAfter::parse("0").unwrap().comment, None);
    for bad in ["", "x", "5 (open", "5 text", "5 (a))", "-5"] {
        assert!(RetryAfter::parse(bad).is_err(), "{bad}");
    }
    let deep = format!("5 {}", "(".repeat(8000));
    assert!(RetryAfter::parse(&deep).is_err());
}

#[test]
fn reasons_are_read_one_by_one() {
    let bye =
        request_with("BYE", "Reason: SIP;cause=200;text=\"Call completed, elsewhere\", Q.850 ;cause=16\n");
    let first = bye.reason_header().unwrap().unwrap();
    assert_eq!((first.protocol, first.cause), ("SIP", Some(200)));
    assert_eq!(first.text().as_deref(), Some("Call completed, elsewhere"));
    assert_eq!(bye.reason_headers().map(|reason| reason.cause).collect::<Vec<_>>(), [Some(200), Some(16)]);
    assert_eq!(first.to_string(), "SIP;cause=200;text=\"Call completed, elsewhere\"");
    for bad in ["", "SIP;cause=x", "SIP;cause=+1", "SIP;cause=70000", "a b"] {
        assert!(Reason::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn session_timer_headers_are_read() {
    let invite = request_with("INVITE", "x: 1800;refresher=UAC\nMin-SE: 90;x=y\nRSeq: 7\nMin-Expires: 60\n");
    let session = invite.session_expires().unwrap().unwrap();
    assert_eq!((session.seconds, session.refresher), (1800, Some(Refresher::Uac)));
    assert_eq!(session.to_string(), "1800;refresher=UAC");
    assert_eq!((invite.min_se(), invite.rseq(), invite.min_expires()), (Some(90), Some(7), Some(60)));
    assert_eq!(SessionExpires::parse("90").unwrap().refresher, None);
    assert_eq!(SessionExpires::parse("90;refresher=uas").unwrap().to_string(), "90;refresher=uas");
    for bad in ["", "x", "90;refresher=me", "90;refresher", "90 s"] {
        assert!(SessionExpires::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn remaining_lists_and_addresses_are_read() {
    let request = request_with(
        "REFER",
        "Refer-Events-At: <sips:q7@h>\nu: refer, dialog\nUnsupported: a,b\nRoute: <sip:p;lr>\nContact: *\n",
    );
    assert_eq!(request.refer_events_at().unwrap().unwrap().uri.as_str(), "sips:q7@h");
    assert_eq!(request.allow_events().collect::<Vec<_>>(), ["refer", "dialog"]);
    assert_eq!(request.unsupported().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(request.routes().unwrap().len(), 1);
    assert_eq!(request.contact().unwrap_err().header(), Some(HeaderId::Contact));
    assert!(request.contacts().is_err());
    assert_eq!(request.retry_after(), Ok(None));
}

#[test]
fn parameters_are_read_without_regard_to_case() {
    let params = Params::parse(" ; A=1;b;C=\"x;\\\"y\" ;; d = e ;").unwrap();
    assert_eq!(params.get("a"), Some(Some("1")));
    assert_eq!(params.get("B"), Some(None));
    assert_eq!(params.unquoted("c").as_deref(), Some("x;\"y"));
    assert_eq!(params.value("D"), Some("e"));
    assert_eq!(params.iter().count(), 4);
    assert!(Params::parse("").unwrap().as_str().is_empty());
    assert!(Params::parse("x").is_err());
}

#[test]
fn status_codes_know_their_class_and_phrase() {
    assert_eq!((StatusCode::new(99), StatusCode::new(700)), (None, None));
    assert_eq!(StatusCode::try_from(700), Err(700));
    assert_eq!(StatusCode::BUSY_HERE.reason_phrase(), "Busy Here");
    assert_eq!(StatusCode::new(299).unwrap().reason_phrase(), "");
    assert!(StatusCode::TRYING.is_provisional() && !StatusCode::TRYING.is_final());
    assert!(StatusCode::ACCEPTED.is_success() && StatusCode::ACCEPTED.is_final());
    assert!(StatusCode::MOVED_TEMPORARILY.is_redirection());
    assert_eq!((StatusCode::DECLINE.class(), u16::from(StatusCode::DECLINE)), (6, 603));
}

#[test]
fn methods_are_case_sensitive_tokens() {
    for name in [
        "INVITE",
        "ACK",
        "BYE",
        "CANCEL",
        "OPTIONS",
        "REGISTER",
        "REFER",
        "NOTIFY",
        "SUBSCRIBE",
        "PRACK",
        "UPDATE",
        "INFO",
        "MESSAGE",
        "PUBLISH",
        "invite",
        "X-9",
    ] {
        assert_eq!(Method::parse(name).unwrap().to_string(), name);
    }
    assert_ne!(Method::parse("invite").unwrap(), Method::Invite);
    for bad in ["", "A B", "é", "a\r", "a/b"] {
        assert!(bad.parse::<Method>().is_err(), "{bad:?}");
    }
}

#[test]
fn what_goes_back_in_a_via_is_what_came() {
    let via = Via::parse("SIP/2.0/UDP [2001:DB8::0001]:5060;branch=z9hG4bK1;rport").unwrap();
    assert_eq!(via.to_string(), "SIP/2.0/UDP [2001:DB8::0001]:5060;branch=z9hG4bK1;rport");
    let marked = via.received_from([192, 0, 2, 1].into(), 9).unwrap();
    assert!(marked.starts_with("SIP/2.0/UDP [2001:DB8::0001]:5060;"));
}

#[test]
fn owned_values_outlive_the_message() {
    let (via, event): (ValueBuf<header::Via>, ValueBuf<header::Event>) = {
        let message = request_with("SUBSCRIBE", "o: Refer ; id=7\n");
        let kept = ValueBuf::parse(message.vias().next().unwrap()).unwrap();
        (kept, message.first(HeaderId::Event).unwrap().parse().unwrap())
    };
    assert_eq!((via.as_value().branch(), event.as_value().id), (Some("z9hG4bK-1"), Some("7")));
    assert!(event.as_value().is("refer"));
    assert_eq!((event.as_str(), event.to_string().as_str()), ("Refer ; id=7", "Refer ; id=7"));
    assert_eq!(event, event.clone());
    assert_ne!(event, event.as_value().to_string().parse().unwrap(), "blanks are not printed");
    assert_eq!(ValueBuf::<header::Event>::parse("refer;id").unwrap_err().kind(), ParseErrorKind::Parameter);
    let secret: ValueBuf<header::Authorization> = "Basic QWxhZGRpbg==".parse().unwrap();
    assert_eq!(format!("{secret:?}"), "ValueBuf(Authorization)");
}

#[test]
fn rseq_is_read_in_its_range_only() {
    // RFC 3262 §7.1: 1 to 2^32 - 1.
    let rseq = |value: &str| request_with("INVITE", &format!("RSeq: {value}\n")).rseq();
    assert_eq!((rseq("1"), rseq("4294967295")), (Some(1), Some(u32::MAX)));
    assert_eq!((rseq("0"), rseq("4294967296"), rseq("5;x")), (None, None, None));
}

#[test]
fn parameters_beside_the_tags_are_kept() {
    for text in ["a;to-tag=1;from-tag=2;x=y", "a;to-tag=1;from-tag=2"] {
        assert_eq!(sip_message::Join::parse(text).unwrap().to_string(), text);
    }
    let text = "a;local-tag=1;remote-tag=2;x";
    assert_eq!(sip_message::TargetDialog::parse(text).unwrap().to_string(), text);
}
