use bytes::Bytes;
use proptest::prelude::*;
use sip_message::{
    CSeq, Draft, Event, HeaderId, Join, Limits, Message, Method, NameAddr, NameAddrBuf, Params,
    ParseErrorKind, Reason, ReferTo, Replaces, Response, RetryAfter, SessionExpires, StatusCode,
    SubscriptionState, TargetDialog, Uri, UriBuf, Via, escape, sipfrag,
};

use crate::edits::assert_parsed_alike;
use crate::request_text;

fn config() -> ProptestConfig {
    ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() }
}

/// Calls every accessor; the point is that none panics.
fn touch(message: &Message) {
    let _ = (message.check(), message.start_line(), message.request_target(), message.top_via());
    let _ = (
        message.from(),
        message.to(),
        message.from_tag(),
        message.to_tag(),
        message.call_id(),
        message.cseq(),
    );
    let _ = (
        message.contact(),
        message.contacts(),
        message.contact_count(),
        message.record_routes(),
        message.routes(),
    );
    let _ =
        (message.max_forwards(), message.expires(), message.min_expires(), message.min_se(), message.rseq());
    let _ = (
        message.session_expires(),
        message.rack(),
        message.referred_by(),
        message.replaces(),
        message.join(),
    );
    let _ =
        (message.target_dialog(), message.refer_events_at(), message.event(), message.subscription_state());
    let _ = (message.refer_sub(), message.retry_after(), message.reason_header(), message.content_type());
    let _ = (message.reason_headers().count(), message.allow().count(), message.allow_events().count());
    let _ = (message.supported().count(), message.require().count(), message.unsupported().count());
    let _ =
        (message.vias().map(Via::parse).count(), message.canonical_headers().count(), message.body_bytes());
    let _ = (message.asserted_identities(), message.preferred_identities());
    let _ = format!("{message:?}");
    if let Ok(refer_to) = message.refer_to() {
        let _ = (refer_to.target().as_uri(), refer_to.uri_headers().count());
    }
    for header in message.headers() {
        let escaped = |at: usize| at > 0 && header.value[at - 1] == b'\\';
        for (at, byte) in header.value.iter().enumerate() {
            assert!(
                !matches!(byte, b'\r' | b'\n') && (*byte != 0 || escaped(at)),
                "values hold no line breakers"
            );
        }
        if let Some(text) = header.text() {
            touch_value(text);
        }
    }
    let _ = sipfrag::status(message.content_type(), message.body());
    let mut edit = message.edit();
    edit.prepend(HeaderId::Via, "SIP/2.0/UDP h;branch=1").remove_top(HeaderId::Route);
    edit.set_top(HeaderId::RecordRoute, "<sip:p3;lr>").set_body("text/plain", "x");
    if message.is_request() {
        edit.set_uri("sip:b@h");
    }
    assert_parsed_alike(&edit.apply().expect("what was read can be changed"));
    if message.is_request() && message.vias().next().is_some() {
        let bytes = Response::to(message, StatusCode::BAD_REQUEST)
            .to_tag("t")
            .encode()
            .expect("what was read can be written");
        let answer = Message::parse(bytes).expect("what was written can be read");
        assert_eq!(answer.vias().collect::<Vec<_>>(), message.vias().collect::<Vec<_>>());
    }
}

fn touch_value(text: &str) {
    if let Ok(uri) = Uri::parse(text) {
        let owned = uri.to_owned();
        assert!(owned.equivalent(&owned));
        let bare = uri.without_headers_and_method();
        assert_eq!(bare.without_headers_and_method(), bare);
        assert!(!bare.as_uri().is_sip() || bare.as_uri().param("method").is_none());
    }
    if let Ok(address) = NameAddr::parse(text) {
        let owned = address.to_owned();
        assert_eq!(owned.to_string().parse::<NameAddrBuf>().map(|again| again.uri), Ok(owned.uri));
        assert_eq!(NameAddr::parse(&address.to_string()).map(|again| again.uri), Ok(address.uri));
    }
    if let Ok(refer_to) = ReferTo::parse(text) {
        assert_eq!(refer_to.uri_headers().count(), refer_to.name_addr.uri.headers().count());
    }
    if let Ok(replaces) = Replaces::parse(text) {
        assert_eq!(Replaces::parse(&replaces.to_string()), Ok(replaces.clone()));
        assert_eq!(Replaces::from_uri_header(&replaces.to_uri_header()), Ok(replaces));
    }
    if let Ok(via) = Via::parse(text) {
        let room = via.params.iter().count() + 2 <= Limits::PARAMETERS;
        match via.received_from([192, 0, 2, 1].into(), 5060) {
            Ok(marked) => assert!(Via::parse(&marked).is_ok()),
            Err(error) => assert!(!room && error.kind() == ParseErrorKind::TooManyParts),
        }
    }
    let _ =
        (Join::parse(text), TargetDialog::parse(text), Event::parse(text), SubscriptionState::parse(text));
    let _ = (CSeq::parse(text), Reason::parse(text), RetryAfter::parse(text), SessionExpires::parse(text));
    let _ = (Params::parse(text), Replaces::from_uri_header(text), escape::unescape(text));
    let _ = (sipfrag::parse(text.as_bytes()), Method::parse(text));
}

/// A REFER that uses every syntax the accessors know.
fn rich_refer() -> String {
    request_text(
        "REFER",
        "Record-Route: <sip:p2;lr>, \"P, 1\" <sip:p1;lr>\n\
         r: \"C\" <sip:c@[2001:db8::9]:5062;method=INVITE\
         ?Replaces=9f2c%40h%3Bto-tag%3Dk3%3Bfrom-tag%3Dp8&Require=replaces>;x=y\n\
         b: <sip:alice@h>;cid=\"1@h\"\n\
         Target-Dialog: 1@h;local-tag=2;remote-tag=3\n\
         Refer-Sub: false\nEvent: refer;id=7\nSubscription-State: terminated;reason=noresource\n\
         Retry-After: 5 (a (b)) ;duration=1\nReason: SIP;cause=200;text=\"a, b\"\nx: 90;refresher=uac\n\
         Subject: folded\n line\nX-Extra: \u{fc}\nk: replaces, timer\n\
         m: <sip:a@h>;+sip.instance=\"<urn:x>\"\n",
    )
    .replace('\n', "\r\n")
}

const PIECES: &[&str] = &[
    "sip:",
    "SIP/2.0",
    " ",
    "\r\n",
    "\n",
    "\t",
    "<",
    ">",
    "\"",
    "\\",
    ";",
    ":",
    ",",
    "=",
    "?",
    "&",
    "@",
    "%",
    "%0D%0A",
    "%25",
    "[",
    "]",
    "(",
    ")",
    "tag=",
    "Via: ",
    "r: ",
    "Replaces: ",
    "Content-Length: ",
    "99999999999",
    "a",
    "h",
    "0",
    "é",
    "\u{0}",
    "INVITE ",
    "200",
    "*",
    ";to-tag=1",
    ";from-tag=2",
    "branch=z9hG4bK",
    "rport",
    "::1",
    "/",
    "active",
    "reason=",
];

/// `word` of RFC 3261 §25.1, of which Call-IDs are made.
const WORD: &str = "[a-zA-Z0-9.!%*_+`'~()<>:\\\\\"/\\[\\]?{}-]{1,20}";

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(message) = Message::parse(Bytes::from(bytes.clone())) {
            touch(&message);
        }
        let _ = sipfrag::parse(&bytes);
    }

    #[test]
    fn arbitrary_text_never_panics(text in ".{0,120}", soup in soup()) {
        touch_value(&text);
        touch_value(&soup);
    }

    #[test]
    fn messages_of_plausible_pieces_never_panic(head in soup()) {
        let text = format!("OPTIONS sip:a@h SIP/2.0\r\nVia: {head}\r\n\r\n");
        if let Ok(message) = Message::parse(Bytes::from(text)) {
            touch(&message);
        }
    }

    #[test]
    fn mutated_messages_never_panic(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 1..12),
    ) {
        let mut bytes = rich_refer().into_bytes();
        for (place, byte, kind) in edits {
            let at = place.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 if bytes.len() > 1 => { bytes.remove(at); }
                _ => {
                    let piece = PIECES[usize::from(byte) % PIECES.len()];
                    bytes.splice(at..at, piece.bytes());
                }
            }
        }
        if let Ok(message) = Message::parse(Bytes::from(bytes)) {
            touch(&message);
        }
    }

    #[test]
    fn uris_round_trip(
        user in prop::option::of("[a-z0-9+*#.;?&=$,/_-]{1,12}"),
        host in "[a-z][a-z0-9]{0,8}(\\.[a-z]{2,4})?|192\\.0\\.2\\.[1-9]|\\[2001:db8::[1-9]\\]",
        port in prop::option::of(any::<u16>()),
        params in prop::collection::vec(("[a-ln-z][a-z0-9-]{0,6}", prop::option::of("[a-z0-9.]{1,6}")), 0..4),
        headers in prop::collection::vec(("[A-Z][a-z-]{0,6}", ".{0,10}"), 0..3),
    ) {
        use std::fmt::Write as _;
        let mut text = String::from("sip:");
        if let Some(user) = &user {
            write!(text, "{user}@").unwrap();
        }
        text.push_str(&host);
        if let Some(port) = port {
            write!(text, ":{port}").unwrap();
        }
        let mut bare = text.clone();
        for (name, value) in &params {
            let param = value.as_ref().map_or(format!(";{name}"), |value| format!(";{name}={value}"));
            text.push_str(&param);
            bare.push_str(&param);
        }
        for (at, (name, value)) in headers.iter().enumerate() {
            let lead = if at == 0 { '?' } else { '&' };
            write!(text, "{lead}{name}={}", escape::escape_header(value)).unwrap();
        }
        let uri = UriBuf::parse(&text).unwrap();
        prop_assert_eq!(uri.to_string(), text);
        let view = uri.as_uri();
        prop_assert_eq!(view.user(), user.as_deref());
        prop_assert_eq!(view.port(), port);
        prop_assert_eq!(view.host().to_string(), host);
        let plain = |value| escape::unescape(value).unwrap().into_owned();
        let read: Vec<_> = view.headers().map(|(name, value)| (name.to_owned(), plain(value))).collect();
        prop_assert_eq!(read, headers);
        prop_assert_eq!(uri.without_headers_and_method().to_string(), bare);
        prop_assert!(uri.equivalent(&uri.clone()));
    }

    #[test]
    fn escapes_round_trip(text in ".{0,60}") {
        let escaped = escape::escape_header(&text);
        prop_assert!(escaped.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~%".contains(&byte)));
        prop_assert_eq!(escape::unescape(&escaped).unwrap(), text);
    }

    #[test]
    fn what_can_be_unescaped_can_be_escaped_again(text in "([^%]|%[0-7][0-9a-fA-F]|%C3%BC|%){0,40}") {
        if let Ok(plain) = escape::unescape(&text) {
            let escaped = escape::escape_header(&plain);
            prop_assert_eq!(escape::unescape(&escaped).unwrap(), plain);
        } else {
            prop_assert!(text.contains('%'));
        }
    }

    #[test]
    fn the_least_escapes_of_a_call_id_are_read_as_all_of_them_are(word in WORD) {
        // What a header value in a URI may hold as it is (RFC 3261 §25.1, `hnv-unreserved` and `unreserved`).
        let least: String = word
            .chars()
            .map(|c| match c {
                '[' | ']' | '/' | '?' | ':' | '-' | '_' | '.' | '!' | '~' | '*' | '\'' | '(' | ')' => c.to_string(),
                c if c.is_ascii_alphanumeric() => c.to_string(),
                c => format!("%{:02x}", u32::from(c)),
            })
            .collect();
        prop_assert_eq!(escape::unescape(&least).unwrap(), word.as_str());
        let replaces = Replaces::from_uri_header(&format!("{least}%3bto-tag%3d1%3bfrom-tag%3d2"));
        prop_assert_eq!(replaces, Replaces::new(&word, "1", "2"));
    }

    #[test]
    fn headers_put_into_a_uri_are_read_back(
        uri in "sips?:([a-z0-9%41._-]{0,3}[a-z]@)?([a-z]{1,5}\\.example|\\[2001:db8::7\\])(:5070)?(;lr|;gr=a%3Bb|;method=BYE|;x){0,3}(\\?a=b)?",
        call_id in WORD,
        (to_tag, from_tag) in ("[a-zA-Z0-9.!%*_+`'~-]{1,8}", "[a-zA-Z0-9.!%*_+`'~-]{1,8}"),
        early in any::<bool>(),
        others in prop::collection::vec(("[A-QT-Z][A-Za-z-]{0,5}", "[^\r\n\0]{0,12}"), 0..5),
    ) {
        let Ok(plain) = UriBuf::parse(&uri) else { return Ok(()) };
        let replaces = Replaces::new(&call_id, &to_tag, &from_tag).unwrap().with_early_only(early);
        let value = replaces.to_string();
        let headers: Vec<(&str, &str)> = [("Replaces", value.as_str())]
            .into_iter()
            .chain(others.iter().map(|(name, value)| (name.as_str(), value.as_str())))
            .collect();
        let made = plain.with_headers(headers.iter().copied()).unwrap();
        prop_assert_eq!(UriBuf::parse(made.as_str()), Ok(made.clone()));
        let printed = NameAddrBuf::new(made).to_string();
        let refer_to = ReferTo::parse(&printed).unwrap();
        prop_assert_eq!(refer_to.replaces.as_ref(), Some(&replaces));
        prop_assert_eq!(refer_to.target(), plain.without_headers_and_method());
        let read: Vec<_> = refer_to.uri_headers().collect();
        let read: Vec<(&str, &str)> = read.iter().map(|(name, value)| (&**name, &**value)).collect();
        prop_assert_eq!(read, headers);
    }

    #[test]
    fn replaces_round_trips_through_header_and_uri(
        (word, host) in (WORD, prop::option::of(WORD)),
        to_tag in "[a-zA-Z0-9.!%*_+`'~-]{1,12}",
        from_tag in "[a-zA-Z0-9.!%*_+`'~-]{1,12}",
        early in any::<bool>(),
    ) {
        let call_id = host.map_or(word.clone(), |host| format!("{word}@{host}"));
        let replaces = Replaces::new(&call_id, &to_tag, &from_tag).unwrap().with_early_only(early);
        prop_assert_eq!(Replaces::parse(&replaces.to_string()), Ok(replaces.clone()));
        let refer_to = format!("<sip:c@h?Replaces={}>", replaces.to_uri_header());
        prop_assert_eq!(ReferTo::parse(&refer_to).unwrap().replaces, Some(replaces));
    }

    #[test]
    fn display_names_round_trip(name in "\\PC{1,30}") {
        let address = NameAddrBuf::new("sip:a@h".parse().unwrap()).with_display(&name);
        prop_assert_eq!(address.to_string().parse::<NameAddrBuf>(), Ok(address));
    }

    #[test]
    fn built_messages_are_read_back(
        subject in ".{0,40}",
        names in prop::collection::vec("X-[A-Za-z0-9]{1,10}", 0..6),
        number in 0u32..=CSeq::MAX,
        body in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let mut draft = Draft::request(Method::Invite, "sip:b@h")
            .header(HeaderId::From, "<sip:a@h>;tag=1")
            .header(HeaderId::To, "<sip:b@h>")
            .header(HeaderId::CallId, "1@h")
            .header(HeaderId::CSeq, CSeq { number, method: Method::Invite })
            .header(HeaderId::Subject, &subject)
            .body("application/octet-stream", &body);
        for name in &names {
            draft = draft.extension(name, "v");
        }
        let encoded = draft.encode("SIP/2.0/UDP h;branch=z9hG4bK1", None);
        if subject.contains(['\r', '\n', '\0']) {
            prop_assert!(encoded.is_err());
        } else {
            let message = Message::parse(encoded.unwrap()).unwrap();
            prop_assert_eq!(message.check(), Ok(()));
            prop_assert_eq!(message.first(HeaderId::Subject).unwrap(), subject.trim_matches([' ', '\t']));
            prop_assert_eq!(message.cseq().unwrap().number, number);
            prop_assert_eq!(message.body(), &body[..]);
            let extensions = message.headers().filter(|header| header.id().is_none());
            let extensions: Vec<_> = extensions.map(|header| header.name.as_str().to_owned()).collect();
            prop_assert_eq!(extensions, names);
        }
    }
}

#[test]
fn unharmed_message_passes_every_accessor() {
    let message = Message::parse(Bytes::from(rich_refer())).unwrap();
    assert_eq!(message.check(), Ok(()));
    assert!(message.refer_to().unwrap().replaces.is_some());
    touch(&message);
}
