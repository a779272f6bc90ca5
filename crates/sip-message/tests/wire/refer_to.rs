use sip_message::{Draft, HeaderId, Message, Method, ParseErrorKind, ReferTo, Replaces};

use crate::request_with;

const TARGET: &str = "sip:carol@198.51.100.9:5062;transport=tcp";

fn replaces() -> Replaces {
    Replaces::new("9f2c@192.0.2.7", "k3", "p8").unwrap()
}

#[test]
fn refer_to_with_replaces_is_read() {
    for (suffix, early_only, require) in
        [("", false, None), ("%3Bearly-only", true, None), ("&Require=replaces", false, Some("replaces"))]
    {
        let value = format!("<{TARGET}?Replaces=9f2c%40192.0.2.7%3Bto-tag%3Dk3%3Bfrom-tag%3Dp8{suffix}>");
        let refer_to = ReferTo::parse(&value).unwrap();
        assert_eq!(refer_to.target().as_str(), TARGET);
        assert_eq!(refer_to.replaces, Some(replaces().with_early_only(early_only)));
        let require_found =
            refer_to.uri_headers().find(|(name, _)| name == "Require").map(|(_, value)| value);
        assert_eq!(require_found.as_deref(), require);
        assert_eq!(refer_to.method, None);
    }
}

#[test]
fn any_spelling_of_the_name_reads_the_same() {
    // covers: TR-003, EC-37
    for name in ["r", "R", "Refer-To", "refer-to", "REFER-TO"] {
        let refer = request_with("REFER", &format!("{name}: \"C\" <sip:c@h;user=phone>;x=1\n"));
        let refer_to = refer.refer_to().unwrap();
        assert_eq!(refer_to.name_addr.param("x"), Some(Some("1")));
        assert_eq!(refer_to.name_addr.param("user"), None);
        assert_eq!(refer_to.name_addr.uri.param("user"), Some(Some("phone")));
        assert_eq!(refer_to.name_addr.uri.param("x"), None);
    }
    let bare = request_with("REFER", "Refer-To: sip:c@h;user=phone\n");
    assert_eq!(bare.refer_to().unwrap().name_addr.param("user"), Some(Some("phone")));
    assert_eq!(bare.refer_to().unwrap().target().as_str(), "sip:c@h");
}

#[test]
fn a_transport_behind_a_bare_uri_is_part_of_it() {
    // covers: EC-33
    for target in ["sip:carol@198.51.100.9:5061;transport=tls", "sip:carol@h;transport=tcp;user=phone"] {
        let refer = request_with("REFER", &format!("Refer-To: {target}\n"));
        let refer_to = refer.refer_to().unwrap();
        assert_eq!(refer_to.target().as_str(), target);
        assert_eq!(refer_to.name_addr.param("transport"), None);
    }
    let bracketed = request_with("REFER", "Refer-To: <sip:carol@h>;transport=tcp\n");
    assert_eq!(bracketed.refer_to().unwrap().target().as_str(), "sip:carol@h");
    let named = request_with("REFER", "Refer-To: Carol <sip:carol@h>;transport=tcp\n");
    assert_eq!(named.refer_to().unwrap().target().as_str(), "sip:carol@h");
}

#[test]
fn bare_uri_with_headers_is_refused_not_cut() {
    // covers: TR-004
    let refer = request_with("REFER", "Refer-To: sip:c@h?Replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3\n");
    assert_eq!(refer.refer_to().unwrap_err().kind(), ParseErrorKind::BareUriHeaders);
    let emitted = format!("{}", sip_message::NameAddrBuf::new("sip:c@h?a=b".parse().unwrap()));
    assert!(emitted.starts_with('<') && ReferTo::parse(&emitted).is_ok());
}

#[test]
fn none_or_several_are_refused() {
    for lines in [
        "",
        "Refer-To: <sip:c@h>\nRefer-To: <sip:d@h>\n",
        "r: <sip:c@h>\nRefer-To: <sip:c@h>\n",
        "Refer-To: <sip:c@h>, <sip:d@h>\n",
        "Refer-To:\n",
    ] {
        let refer = request_with("REFER", lines);
        assert_eq!(refer.refer_to().unwrap_err().status().as_u16(), 400, "{lines}");
        // Where a REFER can be answered at all, its Refer-To is judged by the transfer layer.
        assert_eq!(refer.check(), Ok(()), "{lines}");
    }
}

#[test]
fn builder_gives_a_refer_exactly_one() {
    // covers: TR-001
    let draft = Draft::request(Method::Refer, "sip:b@h")
        .header(HeaderId::From, "<sip:a@h>;tag=1")
        .header(HeaderId::To, "<sip:b@h>;tag=2")
        .header(HeaderId::CallId, "1")
        .header(HeaderId::CSeq, "1 REFER");
    let via = "SIP/2.0/UDP h;branch=z9hG4bK1";
    assert!(draft.encode(via, None).is_err());
    let one = draft.header(HeaderId::ReferTo, "<sip:c@h>");
    let sent = Message::parse(one.encode(via, None).unwrap()).unwrap();
    assert_eq!(sent.count(HeaderId::ReferTo), 1);
    assert!(one.clone().header(HeaderId::ReferTo, "<sip:d@h>").encode(via, None).is_err());
    assert!(one.clone().extension("r", "<sip:d@h>").encode(via, None).is_err());
    assert!(one.extension("refer-to", "<sip:d@h>").encode(via, None).is_err());
}

#[test]
fn line_ends_and_nul_in_uri_headers_are_refused() {
    // covers: TR-138
    for header in [
        "Subject=a%0D%0AX-Evil:%20b",
        "Subject=a%0a",
        "Subject=%00",
        "Sub%0Dject=a",
        "Replaces=1%0D%0A%3Bto-tag%3D2%3Bfrom-tag%3D3",
    ] {
        let refer = request_with("REFER", &format!("Refer-To: <sip:c@h?{header}>\n"));
        let error = refer.refer_to().unwrap_err();
        assert_eq!((error.kind(), error.status().as_u16()), (ParseErrorKind::Injection, 400), "{header}");
    }
}

#[test]
fn malformed_uri_headers_are_refused() {
    for (header, kind) in [
        ("Replaces=1%3Bto-tag%3D2", ParseErrorKind::Missing),
        (
            "Replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3&replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3",
            ParseErrorKind::Duplicate,
        ),
        ("Subject=%ff", ParseErrorKind::Escape),
        ("Replaces", ParseErrorKind::Value),
    ] {
        let value = format!("<sip:c@h?{header}>");
        assert_eq!(ReferTo::parse(&value).unwrap_err().kind(), kind, "{header}");
    }
}

#[test]
fn method_and_replaces_may_stand_together() {
    // covers: EC-42
    let refer_to =
        ReferTo::parse("<sip:x@y;method=INVITE;lr?Replaces=1%3bfrom-tag%3d3%3bto-tag%3d2>").unwrap();
    assert_eq!(refer_to.method.as_deref(), Some("INVITE"));
    assert_eq!(refer_to.replaces, Some(Replaces::new("1", "2", "3").unwrap()));
    assert_eq!(refer_to.target().as_str(), "sip:x@y;lr");
    assert!(!refer_to.has_body());
    assert!(ReferTo::parse("<sip:x@y?body=hello>").unwrap().has_body());
}

#[test]
fn triggered_request_line_has_neither_headers_nor_method() {
    // covers: TR-135
    let refer_to =
        ReferTo::parse("<sip:x@y;method=INVITE;lr?Replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3&a=b>").unwrap();
    let target = refer_to.target();
    let invite = Draft::request(Method::Invite, target.as_str())
        .header(HeaderId::From, "<sip:a@h>;tag=1")
        .header(HeaderId::To, format_args!("<{target}>"))
        .header(HeaderId::CallId, "1")
        .header(HeaderId::CSeq, "1 INVITE")
        .encode("SIP/2.0/UDP h;branch=z9hG4bK1", None)
        .unwrap();
    assert!(invite.starts_with(b"INVITE sip:x@y;lr SIP/2.0\r\n"));
    let invite = Message::parse(invite).unwrap();
    assert_eq!(invite.first(HeaderId::To), Some("<sip:x@y;lr>"));
}

#[test]
fn an_escaped_method_is_a_method() {
    let refer_to = ReferTo::parse("<sip:c@h;%6dethod=%42YE>").unwrap();
    assert_eq!(refer_to.method.as_deref(), Some("BYE"));
    assert_eq!(refer_to.target().as_str(), "sip:c@h");
}
