use sip_message::{Join, ParseErrorKind, Replaces, TargetDialog, escape};

use crate::request_with;

/// Every character of the `word` alphabet that is neither letter nor digit (RFC 3261 §25.1).
const ODD_CALL_ID: &str = "a-.!%*_+`'~()<>:\\\"/[]?{}@b";

#[test]
fn both_tags_must_stand_exactly_once() {
    // covers: TR-100
    let good = Replaces::parse("9f2c@192.0.2.7;to-tag=k3;from-tag=p8").unwrap();
    assert_eq!(good, Replaces::new("9f2c@192.0.2.7", "k3", "p8").unwrap());
    for value in ["9f2c@192.0.2.7 ; From-Tag = p8 ;TO-TAG=k3", "9f2c@192.0.2.7;from-tag=p8;to-tag=k3;"] {
        assert_eq!(Replaces::parse(value).unwrap(), good, "{value}");
    }
    let known = Replaces::parse("1;x=y;to-tag=2;flag;from-tag=3;early-only;q=\"a;b\"").unwrap();
    assert!(known.early_only());
    assert_eq!((known.call_id(), known.to_tag(), known.from_tag()), ("1", "2", "3"));
    assert_eq!(known.to_string(), "1;to-tag=2;from-tag=3;early-only;x=y;flag;q=\"a;b\"");
    for (value, kind) in [
        ("1;to-tag=2", ParseErrorKind::Missing),
        ("1;from-tag=2", ParseErrorKind::Missing),
        ("1;to-tag=2;from-tag=3;to-tag=2", ParseErrorKind::Duplicate),
        ("1;to-tag=2;from-tag=3;FROM-tag=4", ParseErrorKind::Duplicate),
        ("1;to-tag=;from-tag=3", ParseErrorKind::Parameter),
        ("1;to-tag;from-tag=3", ParseErrorKind::Parameter),
        (";to-tag=2;from-tag=3", ParseErrorKind::Value),
        ("a b;to-tag=2;from-tag=3", ParseErrorKind::Value),
        ("1;to-tag=2;from-tag=3, 4;to-tag=5;from-tag=6", ParseErrorKind::Parameter),
        ("", ParseErrorKind::Value),
    ] {
        let error = Replaces::parse(value).unwrap_err();
        assert_eq!((error.kind(), error.status().as_u16()), (kind, 400), "{value}");
    }
}

#[test]
fn more_than_one_header_line_is_an_error() {
    let line = "Replaces: 1;to-tag=2;from-tag=3\n";
    assert!(request_with("INVITE", line).replaces().unwrap().is_some());
    assert_eq!(request_with("INVITE", "").replaces(), Ok(None));
    let error = request_with("INVITE", &line.repeat(2)).replaces().unwrap_err();
    assert_eq!((error.kind(), error.status().as_u16()), (ParseErrorKind::Duplicate, 400));
}

#[test]
fn every_call_id_survives_the_uri() {
    // covers: TR-130, TR-131
    let replaces = Replaces::new(ODD_CALL_ID, "7", "9+z").unwrap();
    let escaped = replaces.to_uri_header();
    assert!(escaped.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~%".contains(&byte)));
    assert!(escaped.ends_with("9%2Bz"));
    assert_eq!(Replaces::from_uri_header(&escaped), Ok(replaces.clone()));
    let minimal = "a-.!%25*_%2B%60'~()%3C%3E:%5C%22/[]?%7B%7D%40b%3Bto-tag%3D7%3Bfrom-tag%3D9%2Bz";
    assert_eq!(Replaces::from_uri_header(minimal), Ok(replaces.clone()));
    let in_uri = format!("<sip:c@h?Replaces={minimal}>");
    assert_eq!(sip_message::ReferTo::parse(&in_uri).unwrap().replaces, Some(replaces));
}

#[test]
fn escapes_are_decoded_once() {
    // covers: TR-132, EC-32
    assert_eq!(escape::unescape("%2525").unwrap(), "%25");
    assert_eq!(escape::unescape("a+b%20c").unwrap(), "a+b c");
    let refer_to = sip_message::ReferTo::parse(
        "<sip:us%25er%3B@h?Subject=%2525&Replaces=a%2525%3Bto-tag%3D1%3Bfrom-tag%3D2>",
    )
    .unwrap();
    assert_eq!(refer_to.target().as_str(), "sip:us%25er%3B@h");
    assert_eq!(refer_to.uri_headers().next().unwrap().1, "%25");
    assert_eq!(refer_to.replaces.as_ref().map(Replaces::call_id), Some("a%25"));
    for bad in ["%", "%4", "%4g", "%g4", "a%f", "%ff", "%c3"] {
        assert_eq!(escape::unescape(bad).unwrap_err().kind(), ParseErrorKind::Escape, "{bad}");
    }
    assert_eq!(escape::unescape("%C3%bc").unwrap(), "ü");
}

#[test]
fn values_that_would_break_the_header_are_not_made() {
    for (call_id, to_tag, from_tag) in [
        ("", "1", "2"),
        ("a;b", "1", "2"),
        ("a,b", "1", "2"),
        ("a b", "1", "2"),
        ("a\r\n", "1", "2"),
        ("a", "", "2"),
        ("a", "1", "2;x"),
    ] {
        assert!(Replaces::new(call_id, to_tag, from_tag).is_err());
        assert!(TargetDialog::new(call_id, to_tag, from_tag).is_err());
    }
}

#[test]
fn call_ids_and_tags_compare_byte_for_byte() {
    // covers: TR-125
    let one = Replaces::parse("ABC@h;to-tag=1;from-tag=2").unwrap();
    assert_ne!(one, Replaces::parse("abc@h;to-tag=1;from-tag=2").unwrap());
    assert_ne!(Replaces::parse("1;to-tag=a;from-tag=2"), Replaces::parse("1;to-tag=A;from-tag=2"));
}

#[test]
fn join_and_target_dialog_share_the_shape() {
    let join = request_with("INVITE", "Join: 1;from-tag=3;to-tag=2\n").join().unwrap().unwrap();
    assert_eq!(Ok(&join), Join::parse("1;to-tag=2;from-tag=3").as_ref());
    assert_eq!((join.call_id(), join.to_tag(), join.from_tag()), ("1", "2", "3"));
    assert_eq!(join.to_string(), "1;to-tag=2;from-tag=3");
    let target =
        request_with("REFER", "Target-Dialog: x@h;local-tag=r1;remote-tag=t1\n").target_dialog().unwrap();
    assert_eq!(target, Some(TargetDialog::new("x@h", "r1", "t1").unwrap()));
    assert_eq!(target.unwrap().to_string(), "x@h;local-tag=r1;remote-tag=t1");
    assert!(TargetDialog::parse("x@h;local-tag=r1").is_err());
    assert!(Join::parse("x@h;local-tag=r1;remote-tag=t1").is_err());
}
