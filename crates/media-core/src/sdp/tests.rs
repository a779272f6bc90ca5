use super::*;

const OFFER: &str = "v=0\r\n\
    o=alice 2890844526 18446744073709551617 IN IP4 host.example.com\r\n\
    s=A call\r\n\
    i=ignored\r\n\
    c=IN IP4 192.0.2.7\r\n\
    b=AS:64\r\n\
    t=0 0\r\n\
    a=tool:x:y\r\n\
    a=recvonly\r\n\
    m=audio 49170/2 RTP/AVP 0 8 97\r\n\
    a=rtpmap:97 telephone-event/8000\r\n\
    a=fmtp:97 0-15\r\n\
    m=video 0 RTP/AVP 31\r\n\
    c=IN IP6 2001:db8::1\r\n\
    a=sendonly\r\n";

fn parse(text: &str) -> Result<SessionDescription, SdpError> {
    SessionDescription::parse(text.as_bytes())
}

#[test]
fn lines_become_values() {
    let description = parse(OFFER).expect("well formed");
    assert_eq!(description.origin.version, "18446744073709551617");
    assert_eq!(description.origin.address.ip(), None);
    assert_eq!(description.name, "A call");
    assert_eq!(description.attributes[0], Attribute::value("tool", "x:y".to_owned()));
    let [audio, video] = &description.media[..] else { panic!("two m-lines") };
    assert_eq!((audio.port, audio.port_count), (49_170, Some(2)));
    assert_eq!(audio.payload_types().collect::<Vec<_>>(), [0, 8, 97]);
    assert_eq!(audio.rtpmap(97), Some("telephone-event/8000"));
    assert_eq!((audio.rtpmap(0), audio.attribute("fmtp")), (None, Some("97 0-15")));
    assert_eq!(description.connection(audio).and_then(Connection::ip), "192.0.2.7".parse().ok());
    assert_eq!(description.connection(video).and_then(Connection::ip), "2001:db8::1".parse().ok());
    // Printed and parsed again it is the same; line feeds alone are enough.
    assert_eq!(parse(&description.to_string()), Ok(description.clone()));
    assert_eq!(parse(&OFFER.replace("\r\n", "\n")), Ok(description));
}

#[test]
fn direction_is_the_lines_own_then_the_sessions_then_sendrecv() {
    // covers: TR-219
    let with = |session: &str, media: &str| {
        let text = format!("v=0\no=- 1 1 IN IP4 192.0.2.1\n{session}m=audio 4000 RTP/AVP 0\n{media}");
        let description = parse(&text).expect("well formed");
        description.direction(&description.media[0])
    };
    assert_eq!(with("", ""), Direction::SendRecv);
    assert_eq!(with("a=inactive\n", ""), Direction::Inactive);
    assert_eq!(with("", "a=sendonly\n"), Direction::SendOnly);
    assert_eq!(with("a=inactive\n", "a=recvonly \n"), Direction::RecvOnly);
}

#[test]
fn broken_lines_are_named() {
    let head = "v=0\no=- 1 1 IN IP4 192.0.2.1\n";
    let line = |line: &str| parse(&format!("{head}{line}\n"));
    for bad in [
        "x=1",
        "noequals",
        "o=- 1 1 IN IP4 192.0.2.1",
        "c=IN IP4",
        "c=IN IP5 192.0.2.1",
        "c=TN RFC2543 x",
        "c=IN IP4 192.0.2.1 more",
        "a=:value",
        "a=a\rb",
        "a=a\0b",
        "m=audio",
        "m=audio 1 RTP/AVP",
        "m=audio +1 RTP/AVP 0",
        "m=audio 65536 RTP/AVP 0",
        "m=audio 1/x RTP/AVP 0",
        "c=IN IP4 192.0.2.1\nc=IN IP4 192.0.2.2",
        "m=audio 1 RTP/AVP 0\nt=0 0",
    ] {
        assert!(matches!(line(bad), Err(SdpError::Malformed { line: 3 | 4 })), "{bad}");
    }
    assert_eq!(parse(""), Err(SdpError::MissingVersion));
    assert_eq!(parse("v=1\n"), Err(SdpError::MissingVersion));
    assert_eq!(parse("s=-\nv=0\n"), Err(SdpError::MissingVersion));
    assert_eq!(parse("v=0\n"), Err(SdpError::MissingOrigin));
    for bad in ["o=- 1 1 IN IP4", "o=- x 1 IN IP4 a", "o=- 1 1 IN IP4 a b"] {
        assert_eq!(parse(&format!("v=0\n{bad}\n")), Err(SdpError::Malformed { line: 2 }));
    }
}

#[test]
fn every_limit_holds_at_its_value_and_not_beyond() {
    let head = "v=0\no=- 1 1 IN IP4 192.0.2.1\n";
    let with = |body: String| parse(&format!("{head}{body}")).map(drop);
    let media = "m=audio 1 RTP/AVP 0\n";
    assert_eq!(with(media.repeat(MAX_MEDIA)), Ok(()));
    assert_eq!(with(media.repeat(MAX_MEDIA + 1)), Err(SdpError::TooManyMedia));
    for section in ["", media] {
        assert_eq!(with(format!("{section}{}", "a=x\n".repeat(MAX_ATTRIBUTES))), Ok(()));
        let over = format!("{section}{}", "a=x\n".repeat(MAX_ATTRIBUTES + 1));
        assert_eq!(with(over), Err(SdpError::TooManyAttributes));
    }
    assert_eq!(with(format!("m=audio 1 RTP/AVP{}\n", " 0".repeat(MAX_FORMATS))), Ok(()));
    let over = format!("m=audio 1 RTP/AVP{}\n", " 0".repeat(MAX_FORMATS + 1));
    assert_eq!(with(over), Err(SdpError::TooManyFormats));
    assert_eq!(with(format!("a={}\n", "x".repeat(MAX_LINE_BYTES - 2))), Ok(()));
    let over = format!("a={}\n", "x".repeat(MAX_LINE_BYTES - 1));
    assert_eq!(with(over), Err(SdpError::LineTooLong { line: 3 }));
    assert_eq!(with("\n".repeat(MAX_SDP_BYTES - head.len())), Ok(()));
    assert_eq!(with("\n".repeat(MAX_SDP_BYTES - head.len() + 1)), Err(SdpError::TooLarge));
}

#[test]
fn errors_know_their_status() {
    assert_eq!(SdpError::MissingVersion.status(), 400);
    assert_eq!(SdpError::NoCommonCodec.status(), 488);
    assert_eq!(SdpError::NoOfferPending.status(), 500);
}
