use super::*;

const OFFER: &str = "v=0\r\n\
    o=alice 2890844526 18446744073709551617 IN IP4 host.example.com\r\n\
    s=A call\r\n\
    i=kept\r\n\
    u=http://example.com/\r\n\
    e=a@example.com (A)\r\n\
    p=+1 617 555-6011\r\n\
    c=IN IP4 192.0.2.7\r\n\
    b=AS:64\r\n\
    t=0 0\r\n\
    r=7d 1h 0 25h\r\n\
    z=2882844526 -1h 2898848070 0\r\n\
    k=prompt\r\n\
    a=tool:x:y\r\n\
    a=recvonly\r\n\
    y=0200000001\r\n\
    m=audio 49170/2 RTP/AVP 0 8 97\r\n\
    i=of the line\r\n\
    b=TIAS:64000\r\n\
    a=rtpmap:97 telephone-event/8000\r\n\
    a=fmtp:97 0-15\r\n\
    a=unheard-of:=\r\n\
    m=video 0 RTP/AVP 31\r\n\
    c=IN IP6 2001:db8::1\r\n\
    a=sendonly\r\n";

fn parse(text: &str) -> Result<SessionDescription, SdpError> {
    SessionDescription::parse(text.as_bytes())
}

#[test]
fn lines_become_values() {
    let description = parse(OFFER).expect("well formed");
    let origin = description.origin();
    assert_eq!((origin.username, origin.session_id), (&b"alice"[..], "2890844526"));
    assert_eq!((origin.version, origin.address.ip()), ("18446744073709551617", None));
    assert_eq!(description.value(b's'), Some(&b"A call"[..]));
    assert_eq!(description.attributes().next(), Some(Attribute { name: "tool", value: Some("x:y") }));
    let [audio, video] = description.media().collect::<Vec<_>>()[..] else { panic!("two m-lines") };
    assert_eq!(
        (audio.kind, audio.port, audio.port_count, audio.protocol),
        ("audio", 49_170, Some(2), "RTP/AVP")
    );
    assert_eq!(audio.payload_types().collect::<Vec<_>>(), [0, 8, 97]);
    let event = Encoding { name: "telephone-event", clock_rate: 8_000, channels: 1 };
    assert_eq!(audio.encodings().collect::<Vec<_>>(), [(97, event)]);
    assert_eq!((audio.attribute("fmtp"), audio.attribute("rtcp")), (Some("97 0-15"), None));
    assert_eq!(audio.value(b'b'), Some(&b"TIAS:64000"[..]));
    assert_eq!(description.connection(&audio).and_then(|address| address.ip()), "192.0.2.7".parse().ok());
    assert_eq!(description.connection(&video).and_then(|address| address.ip()), "2001:db8::1".parse().ok());
    assert_eq!(
        (description.direction(&audio), description.direction(&video)),
        (Direction::RecvOnly, Direction::SendOnly)
    );
}

#[test]
fn every_line_is_printed_in_its_place() {
    let description = parse(OFFER).expect("well formed");
    assert_eq!(description.to_string(), OFFER);
    assert_eq!(description.to_bytes(), OFFER.as_bytes());
    // Line feeds alone, no end of the last line, or empty lines: the same description, printed canonically.
    for other in [
        OFFER.replace("\r\n", "\n"),
        OFFER.trim_end().to_owned(),
        OFFER.replace("\r\nt=", "\r\n\r\n\nt="),
        format!("{}\r", OFFER.trim_end()),
    ] {
        let other = parse(&other).expect("well formed");
        assert_eq!(other, description);
        assert_eq!(other.to_bytes(), OFFER.as_bytes());
    }
}

#[test]
fn several_blanks_divide_as_one_does() {
    let text = "v=0\no= -  1 1  IN IP4 a \nc=  IN IP4   192.0.2.1\nm=audio 1 RTP/AVP  0  8 \na=rtpmap:  8  PCMA/8000\n";
    let description = parse(text).expect("well formed");
    assert_eq!((description.origin().username, description.origin().address.address), (&b"-"[..], "a"));
    let media = description.media().next().expect("an m-line");
    assert_eq!((media.kind, media.port, media.protocol), ("audio", 1, "RTP/AVP"));
    assert_eq!(media.payload_types().collect::<Vec<_>>(), [0, 8]);
    assert_eq!(media.encodings().count(), 1);
    assert_eq!(description.connection(&media).and_then(|address| address.ip()), "192.0.2.1".parse().ok());
}

#[test]
fn text_of_any_character_set_is_kept() {
    let body = b"v=0\r\no=J\xFCrgen 1 1 IN IP4 192.0.2.1\r\ns=\xFC\r\nt=0 0\r\na=note:\xFC\r\na=inactive\r\n";
    let description = SessionDescription::parse(body).expect("well formed");
    assert_eq!(description.to_bytes(), body);
    assert_eq!(description.origin().username, b"J\xFCrgen");
    assert_eq!(description.value(b's'), Some(&b"\xFC"[..]));
    // What is not UTF-8 is no attribute that anybody could act on.
    assert_eq!(description.attributes().map(|attribute| attribute.name).collect::<Vec<_>>(), ["inactive"]);
    assert!(description.to_string().contains("s=\u{FFFD}\r\n"));
}

#[test]
fn direction_is_the_lines_own_then_the_sessions_then_sendrecv() {
    // covers: TR-219
    let with = |session: &str, media: &str| {
        let text = format!("v=0\no=- 1 1 IN IP4 192.0.2.1\n{session}m=audio 4000 RTP/AVP 0\n{media}");
        let description = parse(&text).expect("well formed");
        let media = description.media().next().expect("an m-line");
        description.direction(&media)
    };
    assert_eq!(with("", ""), Direction::SendRecv);
    assert_eq!(with("a=inactive\n", ""), Direction::Inactive);
    assert_eq!(with("", "a=sendonly\n"), Direction::SendOnly);
    assert_eq!(with("a=inactive\n", "a=recvonly \n"), Direction::RecvOnly);
}

#[test]
fn other_networks_are_read_and_have_no_address() {
    let text = "v=0\no=- 1 1 TN RFC2543 +1-201-406-4090\nc=ATM NSAP 47.0091\nm=audio 1 RTP/AVP 0\nc=IN IP4 224.2.1.1/127/3\nc=IN IP4 192.0.2.1\n";
    let description = parse(text).expect("well formed");
    assert_eq!(description.origin().address.ip(), None);
    let media = description.media().next().expect("an m-line");
    assert_eq!(
        (media.connections().count(), description.connection(&media).and_then(|address| address.ip())),
        (2, None)
    );
    let ip = |kind, address| Connection { network: "IN", kind, address }.ip();
    // The address tells what it is.
    assert_eq!(ip("IP4", "2001:db8::1"), "2001:db8::1".parse().ok());
    assert_eq!((ip("IP5", "192.0.2.1"), ip("IP4", "192.0.2.1 "), ip("IP4", "")), (None, None, None));
}

#[test]
fn encodings_are_name_clock_and_channels() {
    let of =
        |text| Encoding::parse(text).map(|encoding| (encoding.name, encoding.clock_rate, encoding.channels));
    assert_eq!(of("L16/44100/2 "), Some(("L16", 44_100, 2)));
    assert_eq!(of("PCMU/8000"), Some(("PCMU", 8_000, 1)));
    for bad in ["", "PCMU", "/8000", "PCMU/", "PCMU/+8000", "PCMU/4294967296", "PCMU/8000/", "PCMU/8000/1/1"]
    {
        assert_eq!(of(bad), None, "{bad}");
    }
}

#[test]
fn broken_lines_are_named_with_their_rule() {
    let head = "v=0\no=- 1 1 IN IP4 192.0.2.1\n";
    for (bad, rule) in [
        ("noequals", Rule::Line),
        ("=", Rule::Line),
        ("1=", Rule::Line),
        ("ab=c", Rule::Line),
        (" a=b", Rule::Line),
        ("\u{e4}=b", Rule::Line),
        ("a=a\rb", Rule::Text),
        ("x=a\0b", Rule::Text),
        ("v=0", Rule::Version),
        ("o=- 1 1 IN IP4 192.0.2.1", Rule::Place),
        ("c=IN IP4", Rule::Connection),
        ("c=IN IP4 192.0.2.1 more", Rule::Connection),
        ("a=", Rule::Attribute),
        ("a=:value", Rule::Attribute),
        ("m=audio", Rule::Media),
        ("m=audio 1 RTP/AVP", Rule::Media),
        ("m=audio 1 RTP/AVP ", Rule::Media),
        ("m=audio +1 RTP/AVP 0", Rule::Media),
        ("m=audio 65536 RTP/AVP 0", Rule::Media),
        ("m=audio 1/x RTP/AVP 0", Rule::Media),
        ("m=audio\t1 RTP/AVP 0", Rule::Media),
        ("m= audio 1 RTP/AVP 0", Rule::Media),
        ("m= 9 0 96 0", Rule::Media),
        ("m=audio 1  RTP/AVP 0", Rule::Media),
    ] {
        assert_eq!(parse(&format!("{head}{bad}\n")), Err(SdpError::Malformed { line: 3, rule }), "{bad}");
    }
    for (bad, rule) in [
        ("s=-\ns=-", Rule::SessionName),
        ("c=IN IP4 192.0.2.1\nc=IN IP4 192.0.2.2", Rule::Connection),
        ("m=audio 1 RTP/AVP 0\nt=0 0", Rule::Place),
        ("m=audio 1 RTP/AVP 0\ns=-", Rule::SessionName),
        // Empty lines count.
        ("\nb", Rule::Line),
    ] {
        assert_eq!(parse(&format!("{head}{bad}\n")), Err(SdpError::Malformed { line: 4, rule }), "{bad}");
    }
    // Lines that nobody reads are not looked at.
    assert!(parse(&format!("{head}z=\nt=soon\nb=:\n")).is_ok());
    for bad in ["", "v=1\n", "s=-\nv=0\n", "\n\n"] {
        let line = 1;
        assert_eq!(parse(bad), Err(SdpError::Malformed { line, rule: Rule::Version }), "{bad}");
    }
    assert_eq!(parse("v=0\n"), Err(SdpError::MissingOrigin));
    for bad in ["o=- 1 1 IN IP4", "o=- x 1 IN IP4 a", "o=- 1 -1 IN IP4 a", "o=- 1 1 IN IP4 a b", "o=-"] {
        assert_eq!(parse(&format!("v=0\n{bad}\n")), Err(SdpError::Malformed { line: 2, rule: Rule::Origin }));
    }
    let error = parse(&format!("{head}c=IN IP4\n")).expect_err("a word is missing");
    assert_eq!(error.to_string(), "line 3 is malformed: connection-field, RFC 8866 §5.7");
}

#[test]
fn every_limit_holds_at_its_value_and_not_beyond() {
    let head = "v=0\no=- 1 1 IN IP4 192.0.2.1\n";
    let with = |body: String| parse(&format!("{head}{body}")).map(drop);
    let media = "m=audio 1 RTP/AVP 0\n";
    assert_eq!(with(media.repeat(MAX_MEDIA)), Ok(()));
    let line = 3 + MAX_MEDIA;
    assert_eq!(with(media.repeat(MAX_MEDIA + 1)), Err(SdpError::TooManyMedia { line }));
    for (section, before) in [("", 2), (media, 3)] {
        assert_eq!(with(format!("{section}{}", "a=x\n".repeat(MAX_ATTRIBUTES))), Ok(()));
        let over = format!("{section}{}", "a=x\n".repeat(MAX_ATTRIBUTES + 1));
        assert_eq!(with(over), Err(SdpError::TooManyAttributes { line: before + MAX_ATTRIBUTES + 1 }));
    }
    assert_eq!(with("i=\n".repeat(MAX_LINES - 2)), Ok(()));
    assert_eq!(with("i=\n".repeat(MAX_LINES - 1)), Err(SdpError::TooManyLines { line: MAX_LINES + 1 }));
    assert_eq!(with(format!("m=audio 1 RTP/AVP{}\n", " 0".repeat(MAX_FORMATS))), Ok(()));
    let over = format!("m=audio 1 RTP/AVP{}\n", " 0".repeat(MAX_FORMATS + 1));
    assert_eq!(with(over), Err(SdpError::TooManyFormats { line: 3 }));
    assert_eq!(with(format!("a={}\n", "x".repeat(MAX_LINE_BYTES - 2))), Ok(()));
    let over = format!("a={}\n", "x".repeat(MAX_LINE_BYTES - 1));
    assert_eq!(with(over), Err(SdpError::LineTooLong { line: 3 }));
    assert_eq!(with("\n".repeat(MAX_SDP_BYTES - head.len())), Ok(()));
    assert_eq!(with("\n".repeat(MAX_SDP_BYTES - head.len() + 1)), Err(SdpError::TooLarge));
}

#[test]
fn floods_are_refused() {
    assert_eq!(parse(&OFFER.repeat(65_536 / OFFER.len() + 1)), Err(SdpError::TooLarge));
    let head = "v=0\no=- 1 1 IN IP4 a\n";
    // Short enough to be looked at: the seventeenth line ends it.
    let lines = format!("{head}{}", "m=a 1 b 0\n".repeat(1_000));
    assert_eq!(parse(&lines), Err(SdpError::TooManyMedia { line: 19 }));
}

#[test]
fn a_writer_refuses_what_would_be_two_lines() {
    let mut writer = SdpWriter::default();
    let description = writer.line(b'o', "- 1 1 IN IP4 192.0.2.1").line(b's', "-").finish();
    assert_eq!(description.expect("well formed").to_bytes(), b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n");
    for bad in ["x\r\nm=audio 1 RTP/AVP 0", "x\n", "\0"] {
        let broken = writer.clone().line(b'i', bad).line(b'k', "\r").finish();
        assert_eq!(broken, Err(SdpError::Malformed { line: 4, rule: Rule::Text }), "{bad:?}");
    }
    assert_eq!(
        writer.line(b'c', "IN").finish(),
        Err(SdpError::Malformed { line: 4, rule: Rule::Connection })
    );
}

#[test]
fn what_is_shown_for_people_has_no_keys() {
    let text = "v=0\no=- 1 1 IN IP4 a\nk=clear:xyzzy\nm=audio 1 RTP/AVP 0\na=crypto:1 S inline:xyzzy\na=ice-pwd:xyzzy\na=x:y\n";
    let description = parse(text).expect("well formed");
    let shown = format!("{description:?} {:?}", description.media().next().expect("an m-line"));
    assert!(!shown.contains("xyzzy") && shown.contains("a=crypto:***") && shown.contains("k=***"), "{shown}");
    assert!(shown.contains("m=audio 1 RTP/AVP 0") && shown.contains("a=x:y"), "{shown}");
}

#[test]
fn errors_know_their_status() {
    assert_eq!(SdpError::Malformed { line: 1, rule: Rule::Version }.status(), 400);
    assert_eq!(SdpError::NoCommonCodec.status(), 488);
    assert_eq!(SdpError::NoCommonCrypto.status(), 488);
    assert_eq!(SdpError::NoOfferPending.status(), 500);
}
