use sip_message::{Host, ParseErrorKind, Scheme, Uri, UriBuf};

#[test]
fn parts_of_a_sip_uri_are_found() {
    let uri =
        Uri::parse("sip:carol;x=1:pa%20ss@198.51.100.9:5062;transport=tcp;lr?Subject=a%20b&X=").unwrap();
    assert_eq!(uri.scheme(), Scheme::Sip);
    assert_eq!((uri.user(), uri.password()), (Some("carol;x=1"), Some("pa%20ss")));
    assert_eq!(uri.host(), Host::V4([198, 51, 100, 9].into()));
    assert_eq!(uri.port(), Some(5062));
    assert_eq!(uri.param("Transport"), Some(Some("tcp")));
    assert_eq!(uri.param("lr"), Some(None));
    assert_eq!(uri.param("maddr"), None);
    assert_eq!(uri.header("subject"), Some("a%20b"));
    assert_eq!(uri.headers().collect::<Vec<_>>(), [("Subject", "a%20b"), ("X", "")]);
}

#[test]
fn hosts_are_told_apart() {
    let host = |text: &'static str| Uri::parse(text).map(|uri| (uri.host().to_string(), uri.port()));
    assert_eq!(host("sip:192.0.2.1"), Ok(("192.0.2.1".into(), None)));
    assert_eq!(host("sips:[2001:db8::1]"), Ok(("[2001:db8::1]".into(), None)));
    assert_eq!(host("sip:a@[2001:DB8:0::1]:5061;lr"), Ok(("[2001:db8::1]".into(), Some(5061))));
    assert_eq!(host("sip:pc33.example.net."), Ok(("pc33.example.net.".into(), None)));
    assert_eq!(host("sip:_x.local:1"), Ok(("_x.local".into(), Some(1))));
}

#[test]
fn other_schemes_are_kept_whole() {
    let tel = Uri::parse("tel:+49-30-1234;phone-context=example.net").unwrap();
    assert_eq!((tel.scheme(), tel.user()), (Scheme::Tel, Some("+49-30-1234")));
    assert_eq!(tel.param("phone-context"), Some(Some("example.net")));
    let other = Uri::parse("urn:service:sos?x;y@z").unwrap();
    assert_eq!((other.scheme(), other.scheme_str(), other.user()), (Scheme::Other, "urn", None));
    assert!(!other.has_headers());
    assert_eq!(other.without_headers_and_method().as_str(), "urn:service:sos?x;y@z");
}

#[test]
fn user_parts_that_peers_send_unescaped_are_taken() {
    for (text, user) in [
        ("sip:*55#@192.0.2.1", "*55#"),
        ("sip:jürgen@example.net", "jürgen"),
        ("sip:a&b=c+d$e,f;g?h/i@example.net", "a&b=c+d$e,f;g?h/i"),
        ("sip:%00@example.net", "%00"),
    ] {
        assert_eq!(Uri::parse(text).unwrap().user(), Some(user), "{text}");
    }
}

#[test]
fn request_uri_of_a_peer_that_breaks_escapes_is_read() {
    // A transferee was seen that puts the Refer-To headers, half decoded, into the Request-URI.
    let uri = Uri::parse("sip:carol@192.0.2.9?Replaces=9f2c%40192.0.2.7?to-tag?k3?from-tag?p8").unwrap();
    assert_eq!(uri.user(), Some("carol"));
    assert_eq!(uri.without_headers_and_method().as_str(), "sip:carol@192.0.2.9");
}

#[test]
fn malformed_uris_are_refused() {
    for (text, kind) in [
        ("", ParseErrorKind::Uri),
        ("sip", ParseErrorKind::Uri),
        ("sip:", ParseErrorKind::Uri),
        (":a@h", ParseErrorKind::Uri),
        ("1sip:a@h", ParseErrorKind::Uri),
        ("sip:@h", ParseErrorKind::Uri),
        ("sip: a@h", ParseErrorKind::Uri),
        ("sip:a@h ", ParseErrorKind::Uri),
        ("sip:a@h\r\nX: y", ParseErrorKind::Uri),
        ("sip:a\"b@h", ParseErrorKind::Uri),
        ("<sip:a@h>", ParseErrorKind::Uri),
        ("sip:a@", ParseErrorKind::Host),
        ("sip:a@h@i", ParseErrorKind::Host),
        ("sip:a@h/i", ParseErrorKind::Host),
        ("sip:a@[::1", ParseErrorKind::Host),
        ("sip:a@[::1]x", ParseErrorKind::Host),
        ("sip:a@[fe80::1%25eth0]", ParseErrorKind::Host),
        ("sip:a@::1", ParseErrorKind::Host),
        ("sip:a@hö", ParseErrorKind::Host),
        ("sip:a@h:", ParseErrorKind::Port),
        ("sip:a@h:65536", ParseErrorKind::Port),
        ("sip:a@h:5x", ParseErrorKind::Port),
        ("sip:a@h:+5", ParseErrorKind::Port),
        ("sip:a@h;=x", ParseErrorKind::Parameter),
        ("sip:a%4@h", ParseErrorKind::Escape),
        ("sip:a@h;x=%zz", ParseErrorKind::Escape),
        ("sip:a@h?x=%", ParseErrorKind::Escape),
        ("tel:", ParseErrorKind::Uri),
        ("tel:;x", ParseErrorKind::Uri),
        ("tel:a@b", ParseErrorKind::Uri),
    ] {
        assert_eq!(Uri::parse(text).map_err(|error| error.kind()).err(), Some(kind), "{text}");
    }
}

#[test]
fn equivalence_follows_the_rules() {
    let same = |one: &str, two: &str| {
        let (one, two) = (UriBuf::parse(one).unwrap(), UriBuf::parse(two).unwrap());
        assert_eq!(one.equivalent(&two), two.equivalent(&one), "{one} {two}");
        one.equivalent(&two)
    };
    for (one, two) in [
        ("sip:%63arol@Example.Net;Transport=TCP", "sip:carol@example.net;transport=tcp"),
        ("sip:dan@h", "sip:dan@h;ob;q=1"),
        ("sip:h;transport=udp;method=INVITE?to=x", "sip:h;method=INVITE;transport=udp?to=x"),
        ("sip:a@h?b=1&c=%32", "sip:a@h?c=2&b=1"),
        ("sip:[2001:db8::1]", "sip:[2001:DB8:0:0::1]"),
        ("tel:+1-201-555", "tel:+1201555"),
        ("URN:a", "urn:a"),
        ("sip:h;x=1;x", "sip:h;X=1;x"),
    ] {
        assert!(same(one, two), "{one} = {two}");
    }
    for (one, two) in [
        ("sip:Carol@h", "sip:carol@h"),
        ("sip:a@h", "sips:a@h"),
        ("sip:a@h", "sip:h"),
        ("sip:a@h", "sip:a:p@h"),
        ("sip:a@h", "sip:a@h:5060"),
        ("sip:a@h", "sip:a@h;transport=udp"),
        ("sip:a@h", "sip:a@h;user=phone"),
        ("sip:a@h;x=1", "sip:a@h;x=2"),
        ("sip:a@h;x", "sip:a@h;x=2"),
        ("sip:a@h;x=1;x=2", "sip:a@h;x=2;x=1"),
        ("sip:a@h", "sip:a@h?Subject=b"),
        ("sip:a@h?Subject=b", "sip:a@h?Subject=c"),
        ("tel:+1201;ext=1", "tel:+1201"),
        ("urn:a", "urn:A"),
    ] {
        assert!(!same(one, two), "{one} != {two}");
    }
}

#[test]
fn headers_and_method_are_taken_off() {
    let stripped = |text: &str| UriBuf::parse(text).unwrap().without_headers_and_method().to_string();
    assert_eq!(stripped("sip:a@h;method=INVITE;lr?Replaces=x"), "sip:a@h;lr");
    assert_eq!(stripped("sip:a@h;lr;Method=BYE"), "sip:a@h;lr");
    assert_eq!(stripped("sip:a@h?x"), "sip:a@h");
    assert_eq!(stripped("sip:a;method=x@h:5070;;transport=tcp;?"), "sip:a;method=x@h:5070;transport=tcp");
    assert_eq!(stripped("sip:h"), "sip:h");
}

#[test]
fn owned_uri_compares_bytes_and_prints_its_text() {
    let uri: UriBuf = "sip:a@H".parse().unwrap();
    assert_eq!(uri, Uri::parse("sip:a@H").unwrap().to_owned());
    assert_ne!(uri, "sip:a@h".parse().unwrap());
    assert_eq!(
        (uri.to_string().as_str(), uri.as_str(), uri.as_uri().user()),
        ("sip:a@H", "sip:a@H", Some("a"))
    );
    assert_eq!(format!("{uri:?}"), "\"sip:a@H\"");
}

#[test]
fn escapes_are_their_characters_but_for_the_reserved_ones() {
    // RFC 3261 §19.1.4.
    let same = |one: &str, two: &str| {
        let (one, two) = (UriBuf::parse(one).unwrap(), UriBuf::parse(two).unwrap());
        assert_eq!(one.equivalent(&two), two.equivalent(&one), "{one} {two}");
        one.equivalent(&two)
    };
    assert!(same("sip:%61lice@h;%74ransport=%75dp", "sip:alice@h;transport=UDP"));
    assert!(same("sip:a@h?%74o=%62", "sip:a@h?to=b"));
    assert!(same("sip:a%2bb@h", "sip:a%2Bb@h"));
    assert!(!same("sip:alice%3Bday=tuesday@h", "sip:alice;day=tuesday@h"));
    assert!(!same("sip:a%2Bb@h", "sip:a+b@h"));
    assert!(!same("sip:a@h?to=a&to=a", "sip:a@h?to=a"));
    assert!(!same("sip:a@h;x=1;x=2", "sip:a@h;x=2;x=1"));
    assert!(same("sip:a@h;x=1;x=2", "sip:a@h;y;x=1;x=2"));
    // RFC 3966 §4.
    assert!(same("tel:863-1234;phone-context=+1-914-555", "tel:8631234;phone-context=+1914555"));
    assert!(same("tel:+1-201-555-0123;ext=12-34", "tel:+12015550123;EXT=1234"));
    assert!(!same("tel:863-1234;phone-context=a-b.example", "tel:863-1234;phone-context=ab.example"));
    assert!(!same("tel:+12015550123;ext=1", "tel:+12015550123"));
}

#[test]
fn names_of_parameters_and_headers_are_found_escaped_too() {
    let uri = UriBuf::parse("sip:p@h;%6C%72;%6dethod=INVITE?%52eason=x").unwrap();
    let uri = uri.as_uri();
    assert_eq!((uri.param("lr"), uri.header("reason")), (Some(None), Some("x")));
    assert_eq!(uri.without_headers_and_method().as_str(), "sip:p@h;%6C%72");
}

#[test]
fn a_fault_in_a_port_is_told_where_the_port_stands() {
    for (text, offset) in [("sip:h:65536", 6), ("sip:a@h:x", 8), ("sip:a@h%00", 7), ("sip:a@[::1]x", 11)] {
        assert_eq!(Uri::parse(text).unwrap_err().offset(), offset, "{text}");
    }
}
