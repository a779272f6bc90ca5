//! The parts of values that say what a side can take, is, and wants.

use sip_message::{
    CallId, ContentDisposition, EntityTag, Handling, HeaderId, InfoPackage, MediaRange, MediaType, Method,
    MimeVersion, Preference, Priority, ReferSub, RetryAfter, ServerVal, ServerVals, Token, Warning, header,
};

use crate::request_with;

#[test]
fn weights_are_thousandths() {
    for (value, q) in [
        ("a/b", 1000),
        ("a/b;q=1", 1000),
        ("a/b;q=1.", 1000),
        ("a/b;q=0.", 0),
        ("a/b;q=0.5", 500),
        ("a/b;Q=0.05", 50),
        ("a/b;level=1;q=0.999;ext", 999),
        ("a/b;q=0.001", 1),
    ] {
        assert_eq!(MediaRange::parse(value).unwrap().q, q, "{value}");
    }
    for bad in ["", "2", "0.5x", "1.1", "01", "0.0000", "1.0.0", "+1", "\"1\"", "0,5"] {
        assert!(MediaRange::parse(&format!("a/b;q={bad}")).is_err(), "{bad}");
    }
    let language = Preference::language("en-GB ;q=0.7").unwrap();
    assert_eq!((language.choice.as_str(), language.q), ("en-GB", 700));
}

#[test]
fn ranges_cover_types() {
    let sdp = MediaType::parse("Application/SDP;x=y").unwrap();
    for (range, covers) in [
        ("*/*", true),
        ("application/*", true),
        ("application/sdp;level=1", true),
        ("text/*", false),
        ("application/sd", false),
    ] {
        assert_eq!(MediaRange::parse(range).unwrap().covers(&sdp), covers, "{range}");
    }
}

#[test]
fn lists_are_read_over_lines_and_may_be_empty() {
    let request = request_with(
        "OPTIONS",
        "Accept: application/sdp;level=1, text/html;x=\"a,b\"\nAccept: text/plain;q=0\nAccept-Encoding:\n\
         Allow: INVITE, REFER,\nk: replaces\nSupported: 100REL, ,timer\nRecv-Info:\n",
    );
    let accepted: Vec<_> = request.values::<header::Accept>().map(Result::unwrap).collect();
    assert_eq!(accepted.iter().map(|range| range.q).collect::<Vec<_>>(), [1000, 1000, 0]);
    assert_eq!(accepted[1].media.params.unquoted("x").as_deref(), Some("a,b"));
    assert!(request.has(HeaderId::AcceptEncoding));
    assert_eq!(request.values::<header::AcceptEncoding>().count(), 0);
    assert_eq!(request.values::<header::RecvInfo>().count(), 0);
    assert!(request.values::<header::Allow>().eq([Ok(Method::Invite), Ok(Method::Refer)]));
    let tags: Vec<Token<'_>> = request.values::<header::Supported>().map(Result::unwrap).collect();
    assert!(tags[1].is("100rel") && tags[1] == Token::parse("100rel").unwrap() && tags[0] != tags[1]);
    assert_eq!(tags.len(), 3);
}

#[test]
fn media_types_are_told_apart_and_give_their_boundary() {
    let media = MediaType::parse("multipart/mixed;boundary=\"b \\\"1\"").unwrap();
    assert!(media.is("Multipart/Mixed"));
    assert!(!media.is("multipart") && !media.is("multipart/related") && !media.is("text/mixed"));
    assert_eq!(media.boundary().as_deref(), Some("b \"1"));
    let bare = MediaType::parse("multipart/mixed;BOUNDARY=a:b=c").unwrap();
    assert_eq!(bare.boundary().as_deref(), Some("a:b=c"));
    assert_eq!(MediaType::parse("multipart/mixed").unwrap().boundary(), None);
}

#[test]
fn handling_is_required_unless_said_otherwise() {
    for (value, handling) in [
        ("session", Handling::Required),
        ("session;handling=Required", Handling::Required),
        ("session;handling=OPTIONAL", Handling::Optional),
        ("session;handling=maybe", Handling::Other),
    ] {
        let disposition = ContentDisposition::parse(value).unwrap();
        assert_eq!(disposition.handling, handling, "{value}");
        assert!(disposition.is("Session") && !disposition.is("render"));
    }
}

#[test]
fn software_is_read_piece_by_piece() {
    let product = |name, version| ServerVal::Product { name, version };
    for (value, pieces) in [
        ("Softphone Beta1.5", vec![product("Softphone", None), product("Beta1.5", None)]),
        ("A/1 (x (y \\)) z)", vec![product("A", Some("1")), ServerVal::Comment("x (y \\)) z")]),
        ("A / 1\tB /", vec![product("A", Some("1")), product("B", None), ServerVal::Other("/")]),
        ("FPBX-16(18.13.0)", vec![product("FPBX-16", None), ServerVal::Comment("18.13.0")]),
        ("A/1/2 a@b,", vec![ServerVal::Other("A/1/2"), ServerVal::Other("a@b,")]),
        ("A/ é (", vec![]),
        ("A/ é", vec![ServerVal::Other("A/"), ServerVal::Other("é")]),
        (")A", vec![ServerVal::Other(")A")]),
    ] {
        let read: Vec<_> = ServerVals::parse(value).map(|vals| vals.iter().collect()).unwrap_or_default();
        assert_eq!(read, pieces, "{value}");
    }
}

#[test]
fn warnings_are_read_one_by_one() {
    let answer = request_with("NOTIFY", "Warning: 307 isi.edu \"a, \\\"b\\\"\", 301 h:5060 \"c\"\n");
    let warnings: Vec<Warning<'_>> = answer.values::<header::Warning>().map(Result::unwrap).collect();
    assert_eq!(warnings.iter().map(|warning| warning.code).collect::<Vec<_>>(), [307, 301]);
    assert_eq!((&*warnings[0].text(), warnings[1].agent), ("a, \"b\"", "h:5060"));
    assert_eq!(Warning::parse("399 atlanta.com Not good").unwrap().text(), "Not good");
}

#[test]
fn identifiers_are_compared_byte_for_byte() {
    assert_ne!(CallId::parse("a@b").unwrap(), CallId::parse("A@b").unwrap());
    let replied =
        request_with("INVITE", "In-Reply-To: 70710@saturn.bell-tel.com,\n 17320@saturn.bell-tel.com\n");
    let ids: Vec<&str> = replied.values::<header::InReplyTo>().map(|id| id.unwrap().as_str()).collect();
    assert_eq!(ids, ["70710@saturn.bell-tel.com", "17320@saturn.bell-tel.com"]);
    let (tag, any) = (EntityTag::parse("Ab").unwrap(), EntityTag::parse("*").unwrap());
    assert!(tag != EntityTag::parse("ab").unwrap() && any.is_any() && !tag.is_any());
    assert_eq!(tag.as_str(), "Ab");
}

#[test]
fn small_values_give_their_parts() {
    assert_eq!(MimeVersion::parse("1.0").unwrap(), MimeVersion { major: 1, minor: 0 });
    assert_eq!(Priority::parse("Urgent"), Ok(Priority::Urgent));
    assert_eq!(Priority::parse("Normal"), Ok(Priority::Normal));
    assert_eq!(Priority::parse("Foo"), Ok(Priority::Other("Foo")));
    let package = InfoPackage::parse("Trans-Info;x=y").unwrap();
    assert!(package.is("trans-info") && package.params.value("x") == Some("y"));
    let refer_sub = ReferSub::parse("False;x=y").unwrap();
    assert_eq!((refer_sub.subscribe, refer_sub.params.value("x")), (false, Some("y")));
    let retry = RetryAfter::parse("5;duration=60;x=y").unwrap();
    assert_eq!((retry.duration, retry.params.value("x")), (Some(60), Some("y")));
    let request = request_with("INVITE", "s:  two  words \nMin-SE: 90;x=y\n");
    assert_eq!(request.only::<header::Subject>(), Ok(Some("two  words")));
    let min_se = request.only::<header::MinSe>().unwrap().unwrap();
    assert_eq!((min_se.seconds, min_se.params.value("x")), (90, Some("y")));
}
