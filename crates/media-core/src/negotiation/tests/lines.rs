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
        assert_eq!(parse(&offer).origin.session_id, "1000");
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
    // covers: TR-220
    let (mut alice, mut bob) = (negotiation(1), negotiation(2));
    exchange(&mut alice, &mut bob);
    bob.desire(true);
    exchange(&mut bob, &mut alice);
    let fresh = Negotiation::new(LocalMedia { session_id: 77, port: 4_002, ..local(1) }).offer();
    assert_eq!(direction(&fresh), Direction::SendRecv);
    assert_eq!(parse(&fresh).origin.session_id, "77");
}

#[test]
fn lines_keep_their_places_for_good() {
    // covers: TR-211
    let offer = "m=video 6000 RTP/AVP 31\r\nm=audio 5000 RTP/AVP 0\r\nm=audio 5002 RTP/SAVP 0\r\n\
                 m=application 7000 TCP x-thing\r\n";
    let (mut ours, media) = answer_to(offer);
    let shape = |media: &[MediaDescription]| {
        media.iter().map(|media| (media.kind.clone(), media.port)).collect::<Vec<_>>()
    };
    let expected = [
        ("video".to_owned(), 0),
        ("audio".to_owned(), 4_000),
        ("audio".to_owned(), 0),
        ("application".to_owned(), 0),
    ];
    assert_eq!(shape(&media), expected);
    assert_eq!((&media[3].protocol[..], &media[3].formats[0][..]), ("TCP", "x-thing"));
    // Our own offers repeat the lines, also after an offer with fewer.
    assert_eq!(shape(&parse(&ours.offer()).media), expected);
    ours.rollback();
    ours.offered(&foreign("m=video 0 RTP/AVP 31\r\nm=audio 5000 RTP/AVP 0\r\n")).expect("acceptable");
    assert_eq!(parse(&ours.answer()).media.len(), 2);
    assert_eq!(shape(&parse(&ours.offer()).media), expected);
    // The audio moves to another line when its own is dropped.
    ours.rollback();
    ours.offered(&foreign(&offer.replace("5000", "0").replace("RTP/SAVP", "RTP/AVP"))).expect("acceptable");
    let answer = parse(&ours.answer());
    assert_eq!(answer.media.iter().map(|media| media.port).collect::<Vec<_>>(), [0, 0, 4_000, 0]);
    assert_eq!(in_force(&ours).remote_rtp.port(), 5_002);
}

#[test]
fn a_refused_offer_leaves_no_lines_behind() {
    let (mut ours, _) = answer_to("m=audio 5000 RTP/AVP 0\r\n");
    ours.offered(&foreign("m=audio 5000 RTP/AVP 0\r\nm=video 6000 RTP/AVP 31\r\n")).expect("acceptable");
    ours.rollback();
    assert_eq!(parse(&ours.offer()).media.len(), 1);
}

#[test]
fn payload_numbers_keep_their_meaning() {
    // covers: TR-212
    let (mut ours, media) = answer_to(
        "m=audio 5000 RTP/AVP 0 101 96\r\na=rtpmap:101 opus/48000/2\r\na=rtpmap:96 telephone-event/8000\r\n",
    );
    assert_eq!(media[0].formats, ["0", "96"]);
    assert_eq!(in_force(&ours).dtmf_payload_type, Some(96));
    // Our own offers take the number the session knows.
    assert_eq!(parse(&ours.offer()).media[0].formats, ["0", "8", "96"]);
    // A session that knows 101 as something else takes a free number for telephone-event.
    let (mut ours, _) = answer_to("m=audio 5000 RTP/AVP 0 101\r\na=rtpmap:101 opus/48000/2\r\n");
    assert_eq!(parse(&ours.offer()).media[0].formats, ["0", "8", "96"]);
    // And none if every number is taken.
    let numbers: Vec<String> = (96..=127).map(|number| number.to_string()).collect();
    let maps: Vec<String> = (96..=127).map(|number| format!("a=rtpmap:{number} x{number}/8000")).collect();
    let (numbers, maps) = (numbers.join(" "), maps.join("\r\n"));
    let (mut ours, _) = answer_to(&format!("m=audio 5000 RTP/AVP 0 {numbers}\r\n{maps}\r\n"));
    assert_eq!(parse(&ours.offer()).media[0].formats, ["0", "8"]);
}

#[test]
fn port_zero_is_a_rejection_and_not_a_hold() {
    // covers: TR-223
    let rejected = "m=audio 0 RTP/AVP 0\r\n";
    assert_eq!(negotiation(1).offered(&foreign(rejected)), Err(SdpError::NoAudio));
    let (mut ours, _) = answer_to("m=audio 5000 RTP/AVP 0\r\n");
    ours.offered(&foreign(rejected)).expect("a running session may lose its audio");
    let answer = parse(&ours.answer());
    assert_eq!((answer.media.len(), answer.media[0].port), (1, 0));
    assert!(in_force(&ours).rejected() && !in_force(&ours).remote_valid);
    assert!(!ours.local_hold() && !ours.remote_hold());
    // Only a new offer brings it back; it is offered in the same line.
    let offer = parse(&ours.offer());
    assert_eq!((offer.media.len(), offer.media[0].port), (1, 4_000));
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
