use bytes::Bytes;
use sip_message::{
    BuildError, Draft, HeaderId, Message, Method, ParseErrorKind, Response, StatusCode, ack_for, cancel_for,
};

use crate::{message, request_text, request_with, text};

const VIA: &str = "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK-1";

fn draft() -> Draft {
    Draft::request(Method::Invite, "sip:bob@192.0.2.4")
        .header(HeaderId::From, "<sip:alice@192.0.2.7>;tag=a1")
        .header(HeaderId::To, "<sip:bob@192.0.2.4>")
        .header(HeaderId::CallId, "77@192.0.2.7")
        .header(HeaderId::CSeq, "1 INVITE")
}

fn refused(draft: &Draft) -> BuildError {
    draft.encode(VIA, None).expect_err("the draft is refused")
}

#[test]
fn request_is_written_with_via_first_and_length_last() {
    let bytes = draft()
        .header(HeaderId::Route, "<sip:p;lr>")
        .extension("X-Note", 7)
        .contact_user(Some("alice"))
        .body("application/sdp", "v=0\r\n")
        .encode(VIA, Some("<sip:alice@192.0.2.7:5060>"))
        .unwrap();
    assert_eq!(
        text(&bytes),
        "INVITE sip:bob@192.0.2.4 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK-1\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:alice@192.0.2.7>;tag=a1\r\n\
         To: <sip:bob@192.0.2.4>\r\n\
         Call-ID: 77@192.0.2.7\r\n\
         CSeq: 1 INVITE\r\n\
         Route: <sip:p;lr>\r\n\
         X-Note: 7\r\n\
         Contact: <sip:alice@192.0.2.7:5060>\r\n\
         Content-Type: application/sdp\r\n\
         Content-Length: 5\r\n\r\nv=0\r\n"
    );
    assert_eq!(Message::parse(bytes).unwrap().check(), Ok(()));
}

#[test]
fn draft_can_be_changed_for_a_retry() {
    let mut draft = draft().header(HeaderId::Supported, "replaces").header(HeaderId::Supported, "timer");
    draft.set(HeaderId::CSeq, "2 INVITE");
    draft.push(HeaderId::MaxForwards, 69);
    draft.remove(HeaderId::Supported);
    draft.set_uri("sip:carol@192.0.2.9");
    assert_eq!((draft.uri(), draft.method()), ("sip:carol@192.0.2.9", &Method::Invite));
    assert_eq!(draft.header_values(HeaderId::CSeq).collect::<Vec<_>>(), ["2 INVITE"]);
    assert_eq!((draft.contact_user_wanted(), draft.body_bytes()), (None, &b""[..]));
    let sent = Message::parse(draft.encode(VIA, None).unwrap()).unwrap();
    assert_eq!(sent.max_forwards(), Ok(Some(69)));
    assert_eq!(sent.count(HeaderId::MaxForwards), 1);
    assert_eq!(sent.cseq().unwrap().number, 2);
    assert!(!sent.has(HeaderId::Supported));
}

#[test]
fn lines_keep_their_values_when_others_go() {
    let mut draft = draft().extension("X-First", 1);
    draft.set(HeaderId::From, "<sip:anna@192.0.2.7>;tag=a2");
    draft.set(HeaderId::Supported, "replaces");
    let mut draft = draft.extension("X-Second", 2);
    draft.remove(HeaderId::CallId);
    draft.push(HeaderId::CallId, "78@192.0.2.7");
    draft.set(HeaderId::Supported, "timer");
    let sent = Message::parse(draft.encode(VIA, None).unwrap()).unwrap();
    let lines: Vec<_> = sent.headers().map(|line| (line.name.as_str(), line.text().unwrap())).collect();
    assert_eq!(
        lines[2..],
        [
            ("To", "<sip:bob@192.0.2.4>"),
            ("CSeq", "1 INVITE"),
            ("X-First", "1"),
            ("From", "<sip:anna@192.0.2.7>;tag=a2"),
            ("X-Second", "2"),
            ("Call-ID", "78@192.0.2.7"),
            ("Supported", "timer"),
            ("Content-Length", "0"),
        ]
    );
}

#[test]
fn contact_is_written_where_it_is_wanted_only() {
    assert_eq!(draft().contact_user(None).contact_user_wanted(), Some(None));
    assert_eq!(refused(&draft().contact_user(None)), BuildError::Missing(HeaderId::Contact));
    let unwanted = draft().encode(VIA, Some("<sip:a@h>")).unwrap();
    assert!(!Message::parse(unwanted).unwrap().has(HeaderId::Contact));
    let twice = draft().header(HeaderId::Contact, "<sip:a@h>").contact_user(None);
    assert_eq!(twice.encode(VIA, Some("<sip:a@h>")), Err(BuildError::Duplicate(HeaderId::Contact)));
}

#[test]
fn a_contact_has_the_parameters_that_were_asked_for_or_is_the_uri_that_was_set() {
    let contact = |draft: Draft, hop: Option<&str>| {
        let wire = draft.encode(VIA, hop)?;
        Ok(Message::parse(wire).unwrap().first(HeaderId::Contact).map(String::from))
    };
    let hop = Some("<sip:anna@192.0.2.7;transport=tcp>");
    let dressed = draft().contact_user(Some("anna")).contact_params(";ob", ";reg-id=1;expires=60");
    assert_eq!(
        contact(dressed, hop),
        Ok(Some("<sip:anna@192.0.2.7;transport=tcp;ob>;reg-id=1;expires=60".into()))
    );
    let gruu = draft().contact_uri("sip:anna@example.com;gr=urn:uuid:1");
    assert_eq!(gruu.contact_user_wanted(), None);
    for hop in [None, hop] {
        assert_eq!(contact(gruu.clone(), hop), Ok(Some("<sip:anna@example.com;gr=urn:uuid:1>".into())));
    }
    for bad in ["sip:a@h>;expires=0", "", "sip:a@h\r\nX-Evil: 1"] {
        assert_eq!(contact(draft().contact_uri(bad), hop), Err(BuildError::RequestUri));
    }
    let twice = draft().header(HeaderId::Contact, "<sip:a@h>").contact_uri("sip:b@h");
    assert_eq!(contact(twice, None), Err(BuildError::Duplicate(HeaderId::Contact)));
    let evil = draft().contact_user(None).contact_params("", ";a=\r\nX-Evil: 1");
    assert_eq!(contact(evil, hop), Err(BuildError::ControlCharacter("Contact".into())));
}

#[test]
fn line_breakers_are_refused_in_every_value() {
    for bad in ["a\rb", "a\nb", "a\0b", "a\r\nX-Evil: 1"] {
        assert_eq!(
            refused(&draft().header(HeaderId::Subject, bad)),
            BuildError::ControlCharacter("Subject".into())
        );
        assert_eq!(refused(&draft().extension("X-A", bad)), BuildError::ControlCharacter("X-A".into()));
        assert!(matches!(refused(&draft().body(bad, "")), BuildError::ControlCharacter(_)));
        assert!(draft().encode(bad, None).is_err());
        assert!(draft().contact_user(None).encode(VIA, Some(bad)).is_err());
        assert!(matches!(refused(&draft().extension(bad, "x")), BuildError::HeaderName(_)));
        let mut elsewhere = draft();
        elsewhere.set_uri(&format!("sip:{bad}@h"));
        assert_eq!(refused(&elsewhere), BuildError::RequestUri);
        let request = request_with("OPTIONS", "");
        let response = || Response::to(&request, StatusCode::OK);
        assert!(response().reason(bad).encode().is_err());
        assert!(response().to_tag(bad).encode().is_err());
        assert!(response().top_via(bad).encode().is_err());
        assert!(response().contact(bad).encode().is_err());
        assert!(response().extension("X-A", bad).encode().is_err());
        assert!(response().body(bad, "").encode().is_err());
        assert!(cancel_for(&request_with("INVITE", ""), Some(bad)).is_err());
    }
}

#[test]
fn incomplete_and_double_headers_are_refused() {
    for id in [HeaderId::From, HeaderId::To, HeaderId::CallId, HeaderId::CSeq] {
        let mut draft = draft();
        draft.remove(id);
        assert_eq!(refused(&draft), BuildError::Missing(id));
        draft.push(id, "x");
        draft.push(id, "y");
        assert_eq!(refused(&draft), BuildError::Duplicate(id));
    }
    assert_eq!(refused(&draft().header(HeaderId::Via, VIA)), BuildError::Managed(HeaderId::Via));
    assert_eq!(refused(&draft().extension("l", 5)), BuildError::Managed(HeaderId::ContentLength));
    assert_eq!(refused(&draft().extension("v", VIA)), BuildError::Managed(HeaderId::Via));
    let replaces = "1;to-tag=2;from-tag=3";
    let twice = draft().header(HeaderId::Replaces, replaces).extension("replaces", replaces);
    assert_eq!(refused(&twice), BuildError::Duplicate(HeaderId::Replaces));
    let typed_twice = draft().header(HeaderId::ContentType, "a/b").body("a/b", "x");
    assert_eq!(refused(&typed_twice), BuildError::Duplicate(HeaderId::ContentType));
    for uri in ["", "sip:a b@h", "<sip:a@h>", "sip:a@h\t"] {
        let mut draft = draft();
        draft.set_uri(uri);
        assert_eq!(refused(&draft), BuildError::RequestUri, "{uri}");
    }
}

fn proxied_invite() -> Message {
    message(
        "INVITE sip:bob@192.0.2.4 SIP/2.0\n\
         Via: SIP/2.0/UDP p1.example.net;branch=z9hG4bK-p, SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK-1\n\
         v: SIP/2.0/TCP\n 192.0.2.99\n\
         Record-Route: <sip:p1;lr>\nRecord-Route: <sip:p0;lr>\n\
         Route: <sip:r1;lr>, <sip:r2;lr>\n\
         From: <sip:alice@192.0.2.7>;tag=a1\n\
         t: Bob <sip:bob@192.0.2.4>\n\
         i: 77@192.0.2.7\nCSeq: 9 INVITE\nTimestamp: 54\nMax-Forwards: 12\nAuthorization: Digest x\n\n",
    )
}

#[test]
fn response_repeats_what_it_must() {
    let bytes = Response::to(&proxied_invite(), StatusCode::RINGING)
        .top_via("SIP/2.0/UDP p1.example.net;branch=z9hG4bK-p;received=198.51.100.1")
        .to_tag("b1")
        .dialog_forming()
        .contact("<sip:bob@192.0.2.4>")
        .encode()
        .unwrap();
    assert_eq!(
        text(&bytes),
        "SIP/2.0 180 Ringing\r\n\
         Via: SIP/2.0/UDP p1.example.net;branch=z9hG4bK-p;received=198.51.100.1\r\n\
         Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK-1\r\n\
         Via: SIP/2.0/TCP   192.0.2.99\r\n\
         Record-Route: <sip:p1;lr>\r\n\
         Record-Route: <sip:p0;lr>\r\n\
         From: <sip:alice@192.0.2.7>;tag=a1\r\n\
         To: Bob <sip:bob@192.0.2.4>;tag=b1\r\n\
         Call-ID: 77@192.0.2.7\r\n\
         CSeq: 9 INVITE\r\n\
         Contact: <sip:bob@192.0.2.4>\r\n\
         Content-Length: 0\r\n\r\n"
    );
}

#[test]
fn tag_is_added_once_and_never_to_a_100() {
    let tags = |message: &Message, status: StatusCode| {
        let bytes = Response::to(message, status).to_tag("new").encode().unwrap();
        Message::parse(bytes).unwrap().to_tag().map(str::to_owned)
    };
    assert_eq!(tags(&proxied_invite(), StatusCode::OK).as_deref(), Some("new"));
    assert_eq!(tags(&proxied_invite(), StatusCode::TRYING), None);
    let in_dialog = message(
        &request_text("BYE", "").replace("To: <sip:bob@192.0.2.4>", "To: <sip:bob@192.0.2.4>;tag=old"),
    );
    assert_eq!(tags(&in_dialog, StatusCode::OK).as_deref(), Some("old"));
    let trying =
        Message::parse(Response::to(&proxied_invite(), StatusCode::TRYING).encode().unwrap()).unwrap();
    assert_eq!(trying.first(HeaderId::Timestamp), Some("54"));
}

#[test]
fn incomplete_request_can_still_be_refused() {
    let request = message("OPTIONS sip:a@h SIP/2.0\nVia: SIP/2.0/UDP h;branch=1\nTo: \"open <sip:x@h>\n\n");
    let fault = request.check().unwrap_err();
    let bytes =
        Response::to(&request, fault.status()).to_tag("b1").reason(&fault.to_string()).encode().unwrap();
    let answer = Message::parse(bytes).unwrap();
    assert_eq!(
        (answer.status(), answer.first(HeaderId::To)),
        (Some(StatusCode::BAD_REQUEST), Some("\"open <sip:x@h>"))
    );
    let no_via = message("OPTIONS sip:a@h SIP/2.0\nTo: <sip:x@h>\n\n");
    assert_eq!(Response::to(&no_via, StatusCode::OK).encode(), Err(BuildError::Missing(HeaderId::Via)));
}

#[test]
fn response_headers_that_are_copied_cannot_be_given() {
    let request = proxied_invite();
    let response = || Response::to(&request, StatusCode::OK);
    for id in [
        HeaderId::Via,
        HeaderId::From,
        HeaderId::To,
        HeaderId::CallId,
        HeaderId::CSeq,
        HeaderId::ContentLength,
    ] {
        assert_eq!(response().header(id, "x").encode(), Err(BuildError::Managed(id)));
    }
    assert_eq!(response().dialog_forming().to_tag("1").encode(), Err(BuildError::Missing(HeaderId::Contact)));
    assert_eq!(
        response().dialog_forming().contact("<sip:b@h>").encode(),
        Err(BuildError::Missing(HeaderId::To))
    );
    let answer = Message::parse(response().encode().unwrap()).unwrap();
    assert!(!answer.has(HeaderId::RecordRoute));
    assert!(matches!(Response::to(&answer, StatusCode::OK).encode(), Err(BuildError::Source(_))));
    let with_body = response().record_routes().body("text/plain", "hi").encode().unwrap();
    let with_body = Message::parse(with_body).unwrap();
    assert_eq!((with_body.body(), with_body.content_type()), (&b"hi"[..], Some("text/plain")));
    assert_eq!(with_body.count(HeaderId::RecordRoute), 2);
}

#[test]
fn cancel_repeats_the_invite() {
    let bytes =
        cancel_for(&proxied_invite(), Some("SIP;cause=200;text=\"Call completed elsewhere\"")).unwrap();
    assert_eq!(
        text(&bytes),
        "CANCEL sip:bob@192.0.2.4 SIP/2.0\r\n\
         Via: SIP/2.0/UDP p1.example.net;branch=z9hG4bK-p\r\n\
         Max-Forwards: 70\r\n\
         Route: <sip:r1;lr>, <sip:r2;lr>\r\n\
         From: <sip:alice@192.0.2.7>;tag=a1\r\n\
         To: Bob <sip:bob@192.0.2.4>\r\n\
         Call-ID: 77@192.0.2.7\r\n\
         CSeq: 9 CANCEL\r\n\
         Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n\
         Content-Length: 0\r\n\r\n"
    );
    assert!(matches!(cancel_for(&request_with("BYE", ""), None), Err(BuildError::Source(_))));
}

#[test]
fn ack_takes_its_to_from_the_response() {
    let invite = proxied_invite();
    let answer = |status| {
        let bytes: Bytes = Response::to(&invite, status).to_tag("b1").encode().unwrap();
        Message::parse(bytes).unwrap()
    };
    let bytes = ack_for(&invite, &answer(StatusCode::BUSY_HERE)).unwrap();
    assert_eq!(
        text(&bytes),
        "ACK sip:bob@192.0.2.4 SIP/2.0\r\n\
         Via: SIP/2.0/UDP p1.example.net;branch=z9hG4bK-p\r\n\
         Max-Forwards: 70\r\n\
         Route: <sip:r1;lr>, <sip:r2;lr>\r\n\
         From: <sip:alice@192.0.2.7>;tag=a1\r\n\
         To: Bob <sip:bob@192.0.2.4>;tag=b1\r\n\
         Call-ID: 77@192.0.2.7\r\n\
         CSeq: 9 ACK\r\n\
         Content-Length: 0\r\n\r\n"
    );
    assert!(matches!(ack_for(&invite, &answer(StatusCode::OK)), Err(BuildError::Source(_))));
    assert!(matches!(ack_for(&invite, &answer(StatusCode::RINGING)), Err(BuildError::Source(_))));
    assert!(matches!(ack_for(&invite, &invite), Err(BuildError::Source(_))));
}

#[test]
fn mandatory_headers_are_not_empty_and_cseq_names_the_method() {
    let with = |id: HeaderId, value: &str| {
        let mut draft = Draft::request(Method::Bye, "sip:b@h")
            .header(HeaderId::From, "<sip:a@h>;tag=1")
            .header(HeaderId::To, "<sip:b@h>")
            .header(HeaderId::CallId, "1")
            .header(HeaderId::CSeq, "1 BYE");
        draft.set(id, value);
        draft.encode("SIP/2.0/UDP h;branch=z9hG4bK1", None)
    };
    assert!(with(HeaderId::CallId, "2").is_ok());
    for id in [HeaderId::From, HeaderId::To, HeaderId::CallId, HeaderId::CSeq] {
        assert_eq!(with(id, ""), Err(BuildError::Missing(id)));
    }
    for (value, kind) in [("9 INVITE", ParseErrorKind::CSeqMethod), ("x BYE", ParseErrorKind::Number)] {
        let Err(BuildError::SourceValue(error)) = with(HeaderId::CSeq, value) else { panic!("{value}") };
        assert_eq!(error.kind(), kind);
    }
}

/// Says a part of itself and fails.
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<sip:half")?;
        Err(std::fmt::Error)
    }
}

#[test]
fn a_value_that_fails_to_print_fails_the_message() {
    let unprinted = |name: &str| BuildError::Display(name.into());
    assert_eq!(refused(&draft().header(HeaderId::Route, Broken)), unprinted("Route"));
    assert_eq!(refused(&draft().extension("X-A", Broken)), unprinted("X-A"));
    let mut draft = draft();
    draft.set(HeaderId::CSeq, Broken);
    assert_eq!(refused(&draft), unprinted("CSeq"));
    assert_eq!(draft.header_values(HeaderId::CSeq).collect::<Vec<_>>(), [""]);
    draft.set(HeaderId::CSeq, "1 INVITE");
    assert!(draft.encode(VIA, None).is_ok());
    let request = request_with("OPTIONS", "");
    let response = Response::to(&request, StatusCode::OK).header(HeaderId::Allow, Broken);
    assert_eq!(response.encode(), Err(unprinted("Allow")));
    let changed = |edit: &mut sip_message::Edit<'_>| edit.apply().map(drop);
    assert_eq!(changed(request.edit().prepend(HeaderId::Route, Broken)), Err(unprinted("Route")));
    assert_eq!(changed(request.edit().extension("X-A", Broken)), Err(unprinted("X-A")));
    assert_eq!(changed(request.edit().set(HeaderId::Route, Broken).remove(HeaderId::Route)), Ok(()));
}
