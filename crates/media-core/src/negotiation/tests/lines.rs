//! Versions, m-lines and payload numbers over the life of a session.

use super::*;

#[test]
fn each_changed_offer_is_one_version_more() {
    // covers: TR-210
    let (mut alice, mut bob) = (negotiation(1), negotiation(2));
    let (offer, answer) = exchange(&mut alice, &mut bob);
    let (mut last, mut last_answer) = (version(&offer), version(&answer));
    for held in [true, false, true, false, true, false] {
        alice.desire(held);
        let (offer, answer) = exchange(&mut alice, &mut bob);
        assert_eq!(version(&offer), last + 1);
        assert_eq!(version(&answer), last_answer + 1);
        assert_eq!(parse(&offer).origin().session_id, "1000");
        (last, last_answer) = (version(&offer), version(&answer));
    }
    // A refresh changes nothing.
    let (offer, answer) = exchange(&mut alice, &mut bob);
    assert_eq!((version(&offer), version(&answer)), (last, last_answer));
}

#[test]
fn a_refused_offer_has_used_its_version() {
    // covers: TR-221
    let (mut alice, mut bob) = (negotiation(1), negotiation(2));
    exchange(&mut alice, &mut bob);
    let before = in_force(&alice).clone();
    alice.desire(true);
    let refused = version(&alice.offer());
    alice.rollback();
    assert_eq!(in_force(&alice), &before);
    // The same wish again, then the old one: both are above what was sent.
    let again = version(&alice.offer());
    assert!(again > refused);
    alice.rollback();
    alice.desire(false);
    let (offer, _) = exchange(&mut alice, &mut bob);
    assert!(version(&offer) > again);
    assert_eq!(direction(&offer), Direction::SendRecv);
    assert_eq!(in_force(&alice), &before);
}

#[test]
fn a_new_session_is_a_fresh_offer() {
    // covers: TR-220, EC-75
    let (mut alice, mut bob) = (negotiation(1), negotiation(2));
    exchange(&mut alice, &mut bob);
    bob.desire(true);
    exchange(&mut bob, &mut alice);
    let fresh = Negotiation::new(LocalMedia { session_id: 77, port: 4_002, ..local(1) }).offer();
    assert_eq!(direction(&fresh), Direction::SendRecv);
    assert_eq!(parse(&fresh).origin().session_id, "77");
}

#[test]
fn lines_keep_their_places_for_good() {
    // covers: TR-211
    let offer = "m=video 6000 RTP/AVP 31\r\nm=audio 5000 RTP/AVP 0\r\nm=audio 5002 RTP/SAVP 0\r\n\
                 m=application 7000 TCP x-thing\r\n";
    let (mut ours, answer) = answer_to(offer);
    let line = |kind: &str, port, protocol: &str, formats: &str| {
        (kind.to_owned(), port, protocol.to_owned(), formats.to_owned())
    };
    let mut expected = [
        line("video", 0, "RTP/AVP", "31"),
        line("audio", 4_000, "RTP/AVP", "0"),
        line("audio", 0, "RTP/SAVP", "0"),
        line("application", 0, "TCP", "x-thing"),
    ];
    assert_eq!(lines_of(&answer), expected);
    // Our own offers repeat the lines, also after an offer with fewer.
    "0 8 101".clone_into(&mut expected[1].3);
    assert_eq!(lines_of(&ours.offer()), expected);
    ours.rollback();
    ours.offered(&foreign("m=video 0 RTP/AVP 31\r\nm=audio 5000 RTP/AVP 0\r\n")).expect("acceptable");
    assert_eq!(ports(&ours.answer()), [0, 4_000]);
    assert_eq!(lines_of(&ours.offer()), expected);
    // The audio moves to another line when its own is dropped.
    ours.rollback();
    ours.offered(&foreign(&offer.replace("5000", "0").replace("RTP/SAVP", "RTP/AVP"))).expect("acceptable");
    assert_eq!(ports(&ours.answer()), [0, 0, 4_000, 0]);
    assert_eq!(in_force(&ours).remote_rtp.port(), 5_002);
}

#[test]
fn one_audio_line_of_several_is_taken() {
    let two = "m=audio 5000 RTP/AVP 0\r\nm=audio 5002 RTP/AVP 0\r\n";
    let (mut ours, answer) = answer_to(two);
    assert_eq!(ports(&answer), [4_000, 0]);
    // The one in use stays, wherever a codec is.
    ours.offered(&foreign(&two.replace("5000", "0"))).expect("acceptable");
    assert_eq!(ports(&ours.answer()), [0, 4_000]);
    ours.offered(&foreign(two)).expect("acceptable");
    assert_eq!(ports(&ours.answer()), [0, 4_000]);
}

#[test]
fn a_refused_offer_leaves_no_lines_behind() {
    let (mut ours, _) = answer_to("m=audio 5000 RTP/AVP 0\r\n");
    ours.offered(&foreign("m=audio 5000 RTP/AVP 0\r\nm=video 6000 RTP/AVP 31\r\n")).expect("acceptable");
    ours.rollback();
    assert_eq!(ports(&ours.offer()), [4_000]);
}

#[test]
fn port_zero_is_a_rejection_and_not_a_hold() {
    // covers: TR-223
    let rejected = "m=audio 0 RTP/AVP 0\r\n";
    assert_eq!(negotiation(1).offered(&foreign(rejected)), Err(SdpError::NoAudio));
    let (mut ours, _) = answer_to("m=audio 5000 RTP/AVP 0\r\n");
    ours.offered(&foreign(rejected)).expect("a running session may lose its audio");
    assert_eq!(ports(&ours.answer()), [0]);
    assert!(in_force(&ours).rejected() && !in_force(&ours).remote_valid);
    assert!(!ours.local_hold() && !ours.remote_hold());
    // Only a new offer brings it back; it is offered in the same line.
    assert_eq!(ports(&ours.offer()), [4_000]);
    ours.answered(&foreign("m=audio 5000 RTP/AVP 0\r\n")).expect("acceptable");
    assert!(in_force(&ours).remote_valid);
    // The peer may reject it in an answer as well.
    ours.offer();
    ours.answered(&foreign(rejected)).expect("a running session may lose its audio");
    assert!(in_force(&ours).rejected());
}

#[test]
fn offers_without_usable_audio_are_refused() {
    for (lines, error) in [
        ("", SdpError::NoAudio),
        ("m=video 5000 RTP/AVP 31\r\n", SdpError::NoAudio),
        ("m=audio 5000 RTP/SAVP 0\r\n", SdpError::NoAudio),
        ("m=audio 5000 UDP/TLS/RTP/SAVPF 0\r\n", SdpError::NoAudio),
        ("m=audio 5000 RTP/AVP 9 18\r\n", SdpError::NoCommonCodec),
        ("m=audio 5000 RTP/AVP 97\r\na=rtpmap:97 PCMU/16000\r\n", SdpError::NoCommonCodec),
        ("m=audio 5000 RTP/AVP 97\r\na=rtpmap:97 PCMU/8000/2\r\n", SdpError::NoCommonCodec),
        ("m=audio 5000 RTP/AVP 0\r\na=rtpmap:0 L16/8000\r\n", SdpError::NoCommonCodec),
    ] {
        let mut ours = negotiation(1);
        assert_eq!(ours.offered(&foreign(lines)), Err(error), "{lines}");
        assert_eq!(ours.in_force(), None);
    }
}
