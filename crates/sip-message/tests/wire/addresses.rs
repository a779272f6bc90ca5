use sip_message::{NameAddr, NameAddrBuf, ParseErrorKind};

use crate::request_with;

#[test]
fn address_forms_are_read() {
    for (value, display, uri, tag) in [
        ("<sip:a@h>;tag=7", None, "sip:a@h", Some("7")),
        ("sip:a@h;tag=7", None, "sip:a@h", Some("7")),
        ("Alice <sip:a@h;lr>", Some("Alice"), "sip:a@h;lr", None),
        ("Alice  B.<sip:a@h>", Some("Alice  B."), "sip:a@h", None),
        ("\"A. \\\"x\\\" <y>\" <sip:a@h> ; tag = 7 ;z", Some("A. \"x\" <y>"), "sip:a@h", Some("7")),
        ("\"\" <sip:a@h>", Some(""), "sip:a@h", None),
        ("Ünal <sip:a@h>", Some("Ünal"), "sip:a@h", None),
        ("< sip:a@h >", None, "sip:a@h", None),
        ("<sip:a@h>;tag", None, "sip:a@h", None),
        ("<sip:a@h?x=%3c>;TAG=q;", None, "sip:a@h?x=%3c", Some("q")),
        ("tel:+1;tag=7", None, "tel:+1", Some("7")),
    ] {
        let address = NameAddr::parse(value).unwrap_or_else(|error| panic!("{value}: {error}"));
        assert_eq!(address.display_name().as_deref(), display, "{value}");
        assert_eq!((address.uri.as_str(), address.tag()), (uri, tag), "{value}");
    }
}

#[test]
fn malformed_addresses_are_refused() {
    for (value, kind) in [
        ("", ParseErrorKind::Uri),
        ("\"Alice <sip:a@h>", ParseErrorKind::Address),
        ("\"Alice\\", ParseErrorKind::Address),
        ("\"Alice\\\" <sip:a@h>", ParseErrorKind::Address),
        ("\"Alice\"", ParseErrorKind::Address),
        ("\"Alice\" sip:a@h", ParseErrorKind::Address),
        ("\"Alice\" B <sip:a@h>", ParseErrorKind::Address),
        ("<sip:a@h", ParseErrorKind::Address),
        ("a, b <sip:a@h>", ParseErrorKind::Address),
        ("sip:a@h;x=<sip:b@h>", ParseErrorKind::Parameter),
        ("sip:a@h, sip:b@h", ParseErrorKind::Address),
        ("sip:a@h?Replaces=x", ParseErrorKind::BareUriHeaders),
        ("<>", ParseErrorKind::Uri),
        ("<sip:a@h> tag=7", ParseErrorKind::Parameter),
        ("<sip:a@h>, <sip:b@h>", ParseErrorKind::Parameter),
        ("<sip:a@h>;=7", ParseErrorKind::Parameter),
        ("<sip:a@h>;x=\"open", ParseErrorKind::Parameter),
        ("<sip:a@h>;x=\"a\"b", ParseErrorKind::Parameter),
        ("<sip:a@h>;two words", ParseErrorKind::Parameter),
        ("*", ParseErrorKind::Uri),
    ] {
        assert_eq!(NameAddr::parse(value).map_err(|error| error.kind()).err(), Some(kind), "{value}");
    }
}

#[test]
fn referred_by_is_read_as_peers_write_it_and_stands_once() {
    // covers: TR-145
    for value in [
        "sip:alice@example.net",
        "<sip:alice@example.net>",
        "<sip:alice@example.net>;tag=5",
        "A <sip:alice@example.net>",
    ] {
        for name in ["Referred-By", "b"] {
            let refer = request_with("REFER", &format!("{name}: {value}\n"));
            assert_eq!(refer.referred_by().unwrap().unwrap().uri.as_str(), "sip:alice@example.net");
        }
    }
    for lines in [
        "b: <sip:a@h>\nReferred-By: <sip:a@h>\n",
        "Referred-By: <sip:a@h>, <sip:b@h>\n",
        "Referred-By: sip:a@h?x=y\n",
        "Referred-By: sip:a,b@h\n",
    ] {
        let error = request_with("REFER", lines).referred_by().unwrap_err();
        assert_eq!(error.status().as_u16(), 400, "{lines}");
    }
    // `;` outside brackets belongs to the header, never to the URI.
    let refer = request_with("REFER", "Referred-By: sip:a@h;transport=tcp\n");
    let referred_by = refer.referred_by().unwrap().unwrap();
    assert_eq!((referred_by.uri.as_str(), referred_by.param("transport")), ("sip:a@h", Some(Some("tcp"))));
}

#[test]
fn owned_address_prints_with_brackets() {
    let address = NameAddrBuf::new("sip:a@h".parse().unwrap());
    assert_eq!(address.to_string(), "<sip:a@h>");
    let named = address.with_display("A \"q\" \\ b\r\nX: y\0");
    assert_eq!(named.to_string(), "\"A \\\"q\\\" \\\\ b  X: y \" <sip:a@h>");
    let plain: NameAddrBuf = "\"A \\\"q\\\"\" <sip:a@h>;tag=1".parse().unwrap();
    assert_eq!(plain.display.as_deref(), Some("A \"q\""));
    assert_eq!(plain.to_string().parse(), Ok(plain));
}
