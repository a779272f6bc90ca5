//! Two negotiations that talk to each other, and one that meets descriptions of other user agents.

mod formats;
mod hold;
mod lines;
mod moves;
mod refusal;
mod security;

use super::*;
use crate::codec::{Codec, SampleRate};
use crate::dtmf::EventSet;
use crate::sdp::Rule;

fn local(host: u8) -> LocalMedia {
    LocalMedia::new(IpAddr::from([192, 0, 2, host]), 4_000, u64::from(host) * 1_000)
}

fn negotiation(host: u8) -> Negotiation {
    Negotiation::new(local(host))
}

fn parse(sdp: &[u8]) -> SessionDescription {
    SessionDescription::parse(sdp).expect("our own description")
}

fn text(sdp: Vec<u8>) -> String {
    String::from_utf8(sdp).expect("our own description")
}

fn version(sdp: &[u8]) -> u64 {
    parse(sdp).origin().version.parse().expect("our own version")
}

/// One offer of `from`, answered by `to`; returns both descriptions.
fn exchange(from: &mut Negotiation, to: &mut Negotiation) -> (Vec<u8>, Vec<u8>) {
    let offer = from.offer();
    to.offered(&offer).expect("acceptable");
    let answer = to.answer();
    from.answered(&answer).expect("acceptable");
    (offer, answer)
}

fn direction(sdp: &[u8]) -> Direction {
    let description = parse(sdp);
    let media = description.media().next().expect("an m-line");
    description.direction(&media)
}

fn in_force(negotiation: &Negotiation) -> &Agreed {
    negotiation.in_force().expect("something is in force")
}

/// A description of host 9 with these lines after the session part.
fn foreign(lines: &str) -> Vec<u8> {
    format!("v=0\r\no=- 7 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n{lines}").into_bytes()
}

/// The m-lines of a description: media type, port, profile, formats.
fn lines_of(sdp: &[u8]) -> Vec<(String, u16, String, String)> {
    let formats = |media: &crate::sdp::Media<'_>| media.formats().collect::<Vec<_>>().join(" ");
    parse(sdp)
        .media()
        .map(|media| (media.kind.to_owned(), media.port, media.protocol.to_owned(), formats(&media)))
        .collect()
}

fn ports(sdp: &[u8]) -> Vec<u16> {
    lines_of(sdp).into_iter().map(|(_, port, ..)| port).collect()
}

/// The formats of the first m-line.
fn formats(sdp: &[u8]) -> String {
    lines_of(sdp).swap_remove(0).3
}

fn answer_to(lines: &str) -> (Negotiation, Vec<u8>) {
    let mut ours = negotiation(1);
    ours.offered(&foreign(lines)).expect("acceptable");
    let answer = ours.answer();
    (ours, answer)
}

#[test]
fn both_sides_agree_on_the_same_call() {
    let (mut alice, mut bob) = (negotiation(1), negotiation(2));
    assert_eq!(alice.in_force(), None);
    exchange(&mut alice, &mut bob);
    for (ours, host) in [(&alice, 2), (&bob, 1)] {
        let address = |host| SocketAddr::from(([192, 0, 2, host], 4_000));
        let expected = Agreed {
            dtmf_payload_type: Some(101),
            receive: in_force(ours).receive.clone(),
            ..Agreed::plain(address(3 - host), address(host), Codec::Pcmu)
        };
        assert_eq!(in_force(ours), &expected);
        assert_eq!(in_force(ours).remote_rtcp, SocketAddr::from(([192, 0, 2, host], 4_001)));
        assert!(!ours.local_hold() && !ours.remote_hold());
    }
}

#[test]
fn an_offer_says_everything_we_can_do() {
    let expected = "v=0\r\n\
        o=- 1000 1 IN IP4 192.0.2.1\r\n\
        s=-\r\n\
        c=IN IP4 192.0.2.1\r\n\
        t=0 0\r\n\
        m=audio 4000 RTP/AVP 0 8 101\r\n\
        a=rtpmap:0 PCMU/8000\r\n\
        a=rtpmap:8 PCMA/8000\r\n\
        a=rtpmap:101 telephone-event/8000\r\n\
        a=fmtp:101 0-15\r\n\
        a=ptime:20\r\n\
        a=sendrecv\r\n";
    assert_eq!(text(negotiation(1).offer()), expected);
}

#[test]
fn packet_time_respects_wish_and_maximum() {
    // covers: TM-025
    for (lines, expected) in [
        ("", 20),
        ("a=ptime:60\r\n", 60),
        ("a=ptime:70\r\n", 20),
        ("a=ptime:25\r\n", 20),
        ("a=maxptime:15\r\n", 10),
        ("a=ptime:40\r\na=maxptime:30\r\n", 30),
        ("a=maxptime:0\r\n", 10),
        ("a=ptime:junk\r\n", 20),
        ("a=ptime:30.0 \r\n", 30),
        ("a=ptime:-20\r\n", 20),
        ("a=ptime:0\r\n", 20),
        ("a=ptime:4294967316\r\n", 20),
        ("a=maxptime:99999999999999999999\r\n", 20),
        ("a=ptime:60\r\na=maxptime:4294967295\r\n", 60),
    ] {
        let (ours, _) = answer_to(&format!("m=audio 5000 RTP/AVP 0\r\n{lines}"));
        assert_eq!(in_force(&ours).ptime_ms, expected, "{lines}");
    }
    let odd = Negotiation::new(LocalMedia { ptime_ms: 33, ..local(1) }).offer();
    assert!(text(odd).contains("a=ptime:20\r\n"));
}

#[test]
fn a_packet_carries_no_more_than_fits() {
    let mut ours =
        Negotiation::new(LocalMedia { codecs: [Codec::L16(SampleRate::Hz44100)].into(), ..local(1) });
    ours.offered(&foreign("m=audio 5000 RTP/AVP 11\r\na=ptime:60\r\n")).expect("acceptable");
    ours.answer();
    assert_eq!((in_force(&ours).codec, in_force(&ours).ptime_ms), (Codec::L16(SampleRate::Hz44100), 10));
}

#[test]
fn rtcp_goes_where_its_attribute_says() {
    // covers: TM-013
    for (line, expected) in [
        ("", "192.0.2.9:5001"),
        ("a=rtcp:53020\r\n", "192.0.2.9:53020"),
        ("a=rtcp:53020 IN IP4 198.51.100.4\r\n", "198.51.100.4:53020"),
        ("a=rtcp:53020 IN IP4 host.example.com\r\n", "192.0.2.9:53020"),
        ("a=rtcp:53020 IN IP4 224.0.0.1\r\n", "192.0.2.9:53020"),
        ("a=rtcp:junk\r\n", "192.0.2.9:5001"),
    ] {
        let (ours, _) = answer_to(&format!("m=audio 5000 RTP/AVP 0\r\n{line}"));
        assert_eq!(in_force(&ours).remote_rtcp.to_string(), expected, "{line}");
    }
    let (ours, _) = answer_to("m=audio 65535 RTP/AVP 0\r\n");
    assert_eq!(in_force(&ours).remote_rtcp.port(), 0);
}

#[test]
fn addresses_that_cannot_be_sent_to_are_refused() {
    for (address, error) in [
        ("IP4 224.2.1.1/127", SdpError::UnusableAddress),
        ("IP4 239.1.2.3", SdpError::UnusableAddress),
        ("IP4 255.255.255.255", SdpError::UnusableAddress),
        ("IP4 host.example.com", SdpError::UnusableAddress),
        ("IP6 2001:db8::1", SdpError::AddressFamily),
    ] {
        let offer = foreign(&format!("m=audio 5000 RTP/AVP 0\r\nc=IN {address}\r\n"));
        assert_eq!(negotiation(1).offered(&offer), Err(error), "{address}");
    }
    let tree = foreign("m=audio 5000 RTP/AVP 0\r\nc=IN IP4 192.0.2.9\r\nc=IN IP4 192.0.2.10\r\n");
    assert_eq!(negotiation(1).offered(&tree), Err(SdpError::UnusableAddress));
    let bare = b"v=0\no=- 1 1 IN IP4 192.0.2.9\nm=audio 5000 RTP/AVP 0\n";
    assert_eq!(negotiation(1).offered(bare), Err(SdpError::MissingConnection));
}

#[test]
fn reports_share_the_port_only_where_both_say_so() {
    // covers: TM-013
    let mux = |host| Negotiation::new(LocalMedia { rtcp_mux: true, ..local(host) });
    let shared =
        |sdp: &[u8]| parse(sdp).media().any(|media| media.attributes().any(|a| a.name == "rtcp-mux"));
    let (mut alice, mut bob) = (mux(1), mux(2));
    let (offer, answer) = exchange(&mut alice, &mut bob);
    assert!(shared(&offer) && shared(&answer));
    for side in [&alice, &bob] {
        assert!(in_force(side).rtcp_mux && in_force(side).remote_rtcp == in_force(side).remote_rtp);
    }
    let (mut alice, mut bob) = (mux(1), negotiation(2));
    let (_, answer) = exchange(&mut alice, &mut bob);
    assert!(!shared(&answer) && !in_force(&alice).rtcp_mux && !in_force(&bob).rtcp_mux);
    let (offer, answer) = exchange(&mut bob, &mut alice);
    assert!(!shared(&offer) && !shared(&answer) && in_force(&alice).remote_rtcp.port() == 4_001);
    // A payload type that looks like RTCP keeps its port (RFC 5761 §4).
    let mut alice = mux(1);
    alice
        .offered(&foreign("m=audio 5000 RTP/AVP 72\r\na=rtpmap:72 PCMU/8000\r\na=rtcp-mux\r\n"))
        .expect("acceptable");
    assert!(!shared(&alice.answer()) && !in_force(&alice).rtcp_mux);
}

#[test]
fn both_ip_versions_are_spoken() {
    let six = |host: u16| {
        let address = IpAddr::from([0x2001, 0xDB8, 0, 0, 0, 0, 0, host]);
        Negotiation::new(LocalMedia::new(address, 4_000, u64::from(host)))
    };
    let (mut alice, mut bob) = (six(1), six(2));
    let (offer, answer) = exchange(&mut alice, &mut bob);
    assert!(text(offer).contains("\r\nc=IN IP6 2001:db8::1\r\n"));
    assert!(text(answer).contains(" IN IP6 2001:db8::2\r\n"));
    assert_eq!(in_force(&alice).remote_rtp.to_string(), "[2001:db8::2]:4000");
    assert_eq!(in_force(&bob).local.to_string(), "[2001:db8::2]:4000");
}

#[test]
fn an_answer_without_an_offer_is_misuse() {
    let mut ours = negotiation(1);
    let answer = foreign("m=audio 5000 RTP/AVP 0\r\n");
    assert_eq!(ours.answered(&answer), Err(SdpError::NoOfferPending));
    assert!(ours.answer().is_empty());
    let offer = ours.offer();
    assert!(ours.offer_pending());
    ours.answered(&answer).expect("acceptable");
    assert_eq!(ours.answered(&answer), Err(SdpError::NoOfferPending));
    // A repeated request gets the same description again.
    assert_eq!(ours.answer(), offer);
}

#[test]
fn a_bad_answer_leaves_the_offer_pending() {
    let mut ours = negotiation(1);
    ours.offer();
    let two = foreign("m=audio 5000 RTP/AVP 0\r\nm=video 5002 RTP/AVP 31\r\n");
    assert_eq!(ours.answered(&two), Err(SdpError::MediaCount { offered: 1, answered: 2 }));
    assert_eq!(ours.answered(b"junk"), Err(SdpError::Malformed { line: 1, rule: Rule::Line }));
    assert_eq!(ours.answered(&foreign("m=audio 0 RTP/AVP 0\r\n")), Err(SdpError::NoAudio));
    assert!(ours.offer_pending());
    ours.answered(&foreign("m=audio 5000 RTP/AVP 0\r\n")).expect("acceptable");
}
