//! Properties of the SDP parser: what it reads it prints, and it agrees with other parsers.

mod descriptions;

use descriptions::nearly_sdp;
use media_core::sdp::{Rule, SdpWriter};
use media_core::{SdpError, SessionDescription};
use proptest::collection::vec;
use proptest::prelude::*;

/// What all three parsers can tell of a description.
#[derive(Debug, PartialEq)]
struct Reading {
    origin: (String, String, String),
    name: String,
    address: Option<String>,
    media: Vec<MediaReading>,
}

#[derive(Debug, PartialEq)]
struct MediaReading {
    kind: String,
    port: u16,
    protocol: String,
    formats: Vec<String>,
    address: Option<String>,
    rtpmaps: Vec<(u8, String, u32)>,
}

fn ours(body: &[u8]) -> Option<Reading> {
    let description = SessionDescription::parse(body).ok()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let origin = description.origin();
    // The others make a number of it.
    let version = match origin.version.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    Some(Reading {
        origin: (text(origin.username), origin.session_id.to_owned(), version.to_owned()),
        name: description.value(b's').map(text).unwrap_or_default(),
        address: description.value(b'c').map(text),
        media: description
            .media()
            .map(|media| MediaReading {
                kind: media.kind.to_owned(),
                port: media.port,
                protocol: media.protocol.to_owned(),
                formats: media.formats().map(str::to_owned).collect(),
                address: media.connections().next().map(|connection| connection.to_string()),
                rtpmaps: media
                    .encodings()
                    .map(|(number, encoding)| (number, encoding.name.to_owned(), encoding.clock_rate))
                    .collect(),
            })
            .collect(),
    })
}

fn of_sdp_types(body: &[u8]) -> Option<Reading> {
    let session = sdp_types::Session::parse(body).ok()?;
    let address = |connection: &sdp_types::Connection| {
        format!("{} {} {}", connection.nettype, connection.addrtype, connection.connection_address)
    };
    let rtpmap = |attribute: &sdp_types::Attribute| {
        let (number, encoding) = attribute.value.as_deref()?.split_once(' ')?;
        let (name, rate) = encoding.split_once('/')?;
        let rate = rate.split('/').next()?.parse().ok()?;
        // A payload type has seven bits; here only text is read.
        Some((number.parse().ok().filter(|&number| number < 128)?, name.to_owned(), rate))
    };
    Some(Reading {
        origin: (
            session.origin.username.clone().unwrap_or_else(|| "-".to_owned()),
            session.origin.sess_id.clone(),
            session.origin.sess_version.to_string(),
        ),
        name: session.session_name.clone(),
        address: session.connection.as_ref().map(address),
        media: session
            .medias
            .iter()
            .map(|media| MediaReading {
                kind: media.media.clone(),
                port: media.port,
                protocol: media.proto.clone(),
                formats: media.fmt.split(' ').map(str::to_owned).collect(),
                address: media.connections.first().map(address),
                rtpmaps: media
                    .attributes
                    .iter()
                    .filter(|attribute| attribute.attribute == "rtpmap")
                    .filter_map(rtpmap)
                    .collect(),
            })
            .collect(),
    })
}

fn of_ezk(body: &str) -> Option<Reading> {
    use ezk_sdp_types::{Connection, TaggedAddress};
    let session = ezk_sdp_types::SessionDescription::parse(&bytesstr::BytesStr::from(body)).ok()?;
    let address = |connection: &Connection| match &connection.address {
        TaggedAddress::IP4(address) => format!("IN IP4 {address}"),
        TaggedAddress::IP4FQDN(name) => format!("IN IP4 {name}"),
        TaggedAddress::IP6(address) => format!("IN IP6 {address}"),
        TaggedAddress::IP6FQDN(name) => format!("IN IP6 {name}"),
    };
    Some(Reading {
        origin: (
            session.origin.username.to_string(),
            session.origin.session_id.to_string(),
            session.origin.session_version.to_string(),
        ),
        name: session.name.to_string(),
        address: session.connection.as_ref().map(address),
        media: session
            .media_descriptions
            .iter()
            .map(|media| MediaReading {
                kind: media.media.media_type.to_string(),
                port: media.media.port,
                protocol: media.media.proto.to_string(),
                formats: media.media.fmts.iter().map(ToString::to_string).collect(),
                address: media.connection.as_ref().map(address),
                rtpmaps: media
                    .rtpmap
                    .iter()
                    .map(|map| (map.payload, map.encoding.to_string(), map.clock_rate))
                    .collect(),
            })
            .collect(),
    })
}

fn word() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9./-]{1,12}"
}

/// A line that the parser reads or keeps, without its end.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        (word(), proptest::option::of("[ -~]{0,20}")).prop_map(|(name, value)| match value {
            Some(value) => format!("a={name}:{value}"),
            None => format!("a={name}"),
        }),
        "[bikxyA-Z]=[ -~]{0,20}",
    ]
}

/// A description in canonical form: CRLF behind every line, no empty line.
fn canonical() -> impl Strategy<Value = String> {
    let connection = (prop_oneof![Just("IP4"), Just("IP6")], word())
        .prop_map(|(kind, address)| format!("IN {kind} {address}"))
        .boxed();
    let origin = (word(), "[0-9]{1,25}", "[0-9]{1,25}", connection.clone())
        .prop_map(|(name, id, version, address)| format!("o={name} {id} {version} {address}"));
    let session = prop_oneof!["[uepitrz]=[ -~]{0,20}", line()];
    let formats = vec("[a-z0-9]{1,6}", 1..4).prop_map(|formats| formats.join(" "));
    let ports = (any::<u16>(), proptest::option::of(any::<u16>())).prop_map(|(port, count)| match count {
        Some(count) => format!("{port}/{count}"),
        None => port.to_string(),
    });
    let media = (word(), ports, word(), formats)
        .prop_map(|(kind, ports, protocol, formats)| format!("m={kind} {ports} {protocol} {formats}"));
    let section = (media, proptest::option::of(connection.clone()), vec(line(), 0..4));
    let head = (origin, "[ -~]{0,20}", proptest::option::of(connection), vec(session, 0..5));
    (head, vec(section, 0..4)).prop_map(|((origin, name, connection, session), sections)| {
        let mut lines = vec!["v=0".to_owned(), origin, format!("s={name}")];
        lines.extend(connection.map(|address| format!("c={address}")));
        lines.extend(session);
        for (media, connection, rest) in sections {
            lines.push(media);
            lines.extend(connection.map(|address| format!("c={address}")));
            lines.extend(rest);
        }
        lines.iter().flat_map(|line| [line, "\r\n"]).collect()
    })
}

/// Descriptions of audio calls that no parser has a reason to refuse.
fn calls() -> impl Strategy<Value = String> {
    let ip4 = any::<[u8; 4]>().prop_map(|octets| format!("IP4 {}", std::net::Ipv4Addr::from(octets)));
    let ip6 = any::<[u16; 8]>().prop_map(|words| format!("IP6 {}", std::net::Ipv6Addr::from(words)));
    let address = prop_oneof![ip4, ip6, Just("IP4 host.example.com".to_owned())].boxed();
    let rtpmap =
        (96..128u8, prop_oneof![Just("PCMU/8000"), Just("opus/48000/2"), Just("telephone-event/8000")])
            .prop_map(|(number, encoding)| format!("a=rtpmap:{number} {encoding}\r\n"));
    let other = prop_oneof![
        rtpmap,
        Just("a=ptime:20\r\n".to_owned()),
        Just("a=sendonly\r\n".to_owned()),
        Just("a=rtcp-mux\r\n".to_owned()),
        Just("a=tool:x:y\r\n".to_owned()),
        Just("b=AS:64\r\n".to_owned()),
    ];
    let profile = prop_oneof![Just("RTP/AVP"), Just("RTP/SAVP"), Just("UDP/TLS/RTP/SAVPF"), Just("x/y")];
    let formats = vec(0..128u8, 1..5)
        .prop_map(|numbers| numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    let kind = prop_oneof![Just("audio"), Just("video"), Just("text")];
    let media =
        (kind, any::<u16>(), profile, formats, proptest::option::of(address.clone()), vec(other, 0..5))
            .prop_map(|(kind, port, profile, formats, address, rest)| {
                let address = address.map(|address| format!("c=IN {address}\r\n")).unwrap_or_default();
                format!("m={kind} {port} {profile} {formats}\r\n{address}{}", rest.concat())
            });
    let head = ("[a-z]{1,8}", any::<(u32, u32)>(), address, "[a-zA-Z]{1,12}");
    (head, vec(media, 0..4)).prop_map(|((user, (id, version), address, name), media)| {
        format!(
            "v=0\r\no={user} {id} {version} IN {address}\r\ns={name}\r\nc=IN {address}\r\nt=0 0\r\n{}",
            media.concat()
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn canonical_text_is_printed_byte_for_byte(text in canonical()) {
        let description = SessionDescription::parse(text.as_bytes()).expect("canonical");
        prop_assert_eq!(&description.to_string(), &text);
        prop_assert_eq!(description.to_bytes(), text.as_bytes());
        let mut writer = SdpWriter::default();
        for line in description.lines().skip(1) {
            writer.line(line.kind, line.value);
        }
        prop_assert_eq!(writer.finish(), Ok(description));
    }

    #[test]
    fn what_is_parsed_prints_what_is_parsed_alike(bytes in prop_oneof![vec(any::<u8>(), 0..300), nearly_sdp()]) {
        if let Ok(description) = SessionDescription::parse(&bytes) {
            let printed = description.to_bytes();
            let again = SessionDescription::parse(&printed);
            prop_assert_eq!(again.as_ref().map(SessionDescription::to_bytes), Ok(printed));
            prop_assert_eq!(again, Ok(description));
        }
    }

    /// All three read the same of what all of them take.
    #[test]
    fn calls_are_read_as_others_read_them(text in calls()) {
        let reading = ours(text.as_bytes());
        prop_assert!(reading.is_some());
        prop_assert_eq!(&reading, &of_sdp_types(text.as_bytes()));
        prop_assert_eq!(&reading, &of_ezk(&text));
    }

    /// What both others take and read alike, we take and read alike. The exceptions are rows of
    /// [`differences_to_other_parsers_are_known`].
    #[test]
    fn what_others_read_alike_we_read_alike(text in prop_oneof![canonical(), calls(), nearly_sdp().prop_map(|bytes| String::from_utf8(bytes).expect("text"))]) {
        let others = (of_sdp_types(text.as_bytes()), of_ezk(&text));
        let stray = matches!(
            SessionDescription::parse(text.as_bytes()),
            Err(SdpError::Malformed { rule: Rule::Place | Rule::Line, .. })
        );
        if let (Some(one), Some(other)) = others && one == other && !stray {
            prop_assert_eq!(ours(text.as_bytes()), Some(one));
        }
    }

    /// What `sdp-types` and we take, we read alike. It takes the blanks that are doubled or at an end for words.
    #[test]
    fn what_sdp_types_takes_we_read_alike(text in prop_oneof![canonical(), nearly_sdp().prop_map(|bytes| String::from_utf8(bytes).expect("text"))]) {
        if let (Some(reading), Some(other)) = (ours(text.as_bytes()), of_sdp_types(text.as_bytes()))
            && !text.contains("  ")
            && !text.contains(" \r\n")
        {
            prop_assert_eq!(reading, other);
        }
    }
}

/// Where we and the others differ, and why.
#[test]
fn differences_to_other_parsers_are_known() {
    let head = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n";
    let with = |lines: &str| format!("{head}{lines}");
    // Whether we take it, whether sdp-types does, whether ezk-sdp-types does.
    for (body, reads, reason) in [
        // The three agree that these are nothing.
        (String::new(), [false, false, false], "RFC 8866 §5.1"),
        (with("m=audio\r\n"), [false, false, false], "RFC 8866 §5.14"),
        // Only ezk wants what a call does not need.
        (with("s=-\r\nm=audio 1 RTP/AVP 0\r\n"), [true, true, false], "no t=: peers leave it out"),
        (
            with("s=-\r\nt=0 0\r\nm=image 1 udptl t38\r\n"),
            [true, true, false],
            "a fax line is refused with port 0, not with 400",
        ),
        (
            with("s=-\r\nt=0 0\r\nm=audio 1 RTP/AVP 0\r\na=rtpmap:x\r\n"),
            [true, true, false],
            "an attribute that cannot be read is absent",
        ),
        // Only we refuse.
        ("v=0\r\ns=-\r\nt=0 0\r\n".to_owned(), [false, true, false], "no o=: RFC 8866 §5.2"),
        (
            "v=0\r\no=- x 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n".to_owned(),
            [false, true, true],
            "sess-id is digits: RFC 8866 §5.2",
        ),
        (
            with("s=-\r\nt=0 0\r\nm=audio +1 RTP/AVP 0\r\n"),
            [false, true, false],
            "port is digits: RFC 8866 §5.14",
        ),
        (with("s=-\r\nt=0 0\r\na=x\ry\r\n"), [false, true, false], "no CR in a line: RFC 8866 §9"),
        (
            with("s=-\r\nt=0 0\r\nm=audio 1 RTP/AVP 0\r\nu=x\r\n"),
            [false, true, true],
            "u= belongs to the session: RFC 8866 §9",
        ),
        // Only they refuse.
        (with("s=\u{fc}\r\nt=soon\r\n"), [true, false, false], "nobody acts on t="),
        (
            "v=0\r\no=- 1 18446744073709551616 IN IP4 a\r\ns=-\r\nt=0 0\r\n".to_owned(),
            [true, false, true],
            "digits of any length: RFC 8866 §5.2",
        ),
    ] {
        let found = [
            ours(body.as_bytes()).is_some(),
            of_sdp_types(body.as_bytes()).is_some(),
            of_ezk(&body).is_some(),
        ];
        assert_eq!(found, reads, "{reason}: {body}");
    }
}
