//! Codecs, their numbers, and what goes with them.

use super::*;
use Codec::{G722, L16, Pcma, Pcmu};

const WIDE: Codec = L16(SampleRate::Hz16000);

/// The end of an m-line with all dynamic numbers from `first` on, bound to codecs of the peer's own.
fn all_numbers(first: u8) -> String {
    let numbers: Vec<String> = (first..=127).map(|number| number.to_string()).collect();
    let maps: Vec<String> = (first..=127).map(|number| format!("a=rtpmap:{number} x{number}/8000")).collect();
    format!("{}\r\n{}\r\n", numbers.join(" "), maps.join("\r\n"))
}

fn with(codecs: &[Codec], preference: CodecPreference) -> Negotiation {
    Negotiation::new(LocalMedia { codecs: codecs.into(), preference, ..local(1) })
}

#[test]
fn the_codec_of_an_answer_is_the_first_of_theirs_or_of_ours() {
    let offer = foreign("m=audio 5000 RTP/AVP 18 97 0 9\r\na=rtpmap:97 pcma/8000/1\r\na=ptime:30\r\n");
    for (codecs, preference, codec, number) in [
        (&[Pcmu, Pcma][..], CodecPreference::Theirs, Pcma, 97),
        (&[Pcmu, Pcma], CodecPreference::Ours, Pcmu, 0),
        (&[WIDE, G722, Pcmu], CodecPreference::Ours, G722, 9),
        (&[WIDE, G722, Pcmu], CodecPreference::Theirs, Pcmu, 0),
        (&[], CodecPreference::Ours, Pcmu, 0),
    ] {
        let mut ours = with(codecs, preference);
        ours.offered(&offer).expect("acceptable");
        assert_eq!(formats(&ours.answer()), number.to_string());
        let agreed = in_force(&ours);
        assert_eq!((agreed.codec, agreed.payload_type, agreed.ptime_ms), (codec, number, 30));
        assert_eq!(
            (agreed.dtmf_payload_type, agreed.format(number)),
            (None, Some(MediaFormat::Audio(codec)))
        );
    }
    assert_eq!(with(&[WIDE], CodecPreference::Ours).offered(&offer), Err(SdpError::NoCommonCodec));
}

#[test]
fn the_codec_of_our_offer_is_the_first_of_the_answer() {
    for preference in [CodecPreference::Theirs, CodecPreference::Ours] {
        let mut ours = with(&[Pcmu, Pcma], preference);
        ours.offer();
        ours.answered(&foreign("m=audio 5000 RTP/AVP 9 8 0\r\na=ptime:7\r\n")).expect("acceptable");
        assert_eq!((in_force(&ours).codec, in_force(&ours).ptime_ms), (Pcma, 20));
        // It stays while both have it, whoever offers.
        assert_eq!(formats(&ours.offer()), "8 0 101");
    }
    let mut only = Negotiation::new(LocalMedia { codecs: [Pcma].into(), dtmf: false, ..local(1) });
    assert_eq!(formats(&only.offer()), "8");
    assert_eq!(only.answered(&foreign("m=audio 5000 RTP/AVP 0\r\n")), Err(SdpError::NoCommonCodec));
}

#[test]
fn codecs_and_events_are_offered_with_their_clocks() {
    // covers: TM-046
    let mut ours = with(&[G722, WIDE, Pcmu, L16(SampleRate::Hz44100)], CodecPreference::Ours);
    let offer = text(ours.offer());
    for line in [
        "m=audio 4000 RTP/AVP 9 96 0 11 101 97 98\r\n",
        "a=rtpmap:9 G722/8000\r\n",
        "a=rtpmap:96 L16/16000\r\n",
        "a=rtpmap:11 L16/44100\r\n",
        "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n",
        "a=rtpmap:97 telephone-event/16000\r\na=fmtp:97 0-15\r\n",
        "a=rtpmap:98 telephone-event/44100\r\na=fmtp:98 0-15\r\n",
    ] {
        assert!(offer.contains(line), "{line}\n{offer}");
    }
}

#[test]
fn events_have_the_clock_of_the_codec_or_that_of_telephones() {
    // covers: TM-046
    for (events, expected) in [
        ("a=rtpmap:101 telephone-event/8000\r\na=rtpmap:102 telephone-event/16000\r\n", (Some(102), 16_000)),
        ("a=rtpmap:101 telephone-event/8000/1\r\na=rtpmap:102 telephone-event/48000\r\n", (Some(101), 8_000)),
        ("a=rtpmap:102 telephone-event/48000\r\n", (None, 16_000)),
        ("a=rtpmap:102 telephone-event/16000/2\r\n", (None, 16_000)),
    ] {
        let mut ours = with(&[WIDE], CodecPreference::Ours);
        let lines = format!("m=audio 5000 RTP/AVP 96 101 102\r\na=rtpmap:96 L16/16000\r\n{events}");
        ours.offered(&foreign(&lines)).expect("acceptable");
        ours.answer();
        let agreed = in_force(&ours);
        assert_eq!((agreed.dtmf_payload_type, agreed.dtmf_clock_rate), expected, "{events}");
    }
}

#[test]
fn comfort_noise_is_sent_only_where_both_have_it() {
    // covers: TM-020
    let noisy = |host| Negotiation::new(LocalMedia { comfort_noise: true, ..local(host) });
    let (mut alice, mut bob) = (noisy(1), noisy(2));
    let (offer, answer) = exchange(&mut alice, &mut bob);
    assert_eq!((&formats(&offer)[..], &formats(&answer)[..]), ("0 8 13 101", "0 13 101"));
    assert!(text(offer).contains("a=rtpmap:13 CN/8000\r\n"));
    for side in [&alice, &bob] {
        assert_eq!(in_force(side).comfort_noise_payload_type, Some(13));
        assert_eq!(in_force(side).format(13), Some(MediaFormat::ComfortNoise));
    }
    let (mut alice, mut bob) = (noisy(1), negotiation(2));
    exchange(&mut alice, &mut bob);
    assert_eq!(
        (in_force(&alice).comfort_noise_payload_type, in_force(&bob).comfort_noise_payload_type),
        (None, None)
    );
    exchange(&mut bob, &mut alice);
    assert_eq!(in_force(&alice).comfort_noise_payload_type, None);
    // Neither for a codec of another clock.
    let mut wide = Negotiation::new(LocalMedia { codecs: [WIDE].into(), comfort_noise: true, ..local(1) });
    assert_eq!(formats(&wide.offer()), "96 97");
    wide.rollback();
    wide.offered(&foreign("m=audio 5000 RTP/AVP 96 13\r\na=rtpmap:96 L16/16000\r\n")).expect("acceptable");
    wide.answer();
    assert_eq!(in_force(&wide).comfort_noise_payload_type, None);
}

#[test]
fn payload_numbers_keep_their_meaning() {
    // covers: TR-212
    let (mut ours, answer) = answer_to(
        "m=audio 5000 RTP/AVP 0 101 96\r\na=rtpmap:101 opus/48000/2\r\na=rtpmap:96 telephone-event/8000\r\n",
    );
    assert_eq!(formats(&answer), "0 96");
    assert_eq!(in_force(&ours).dtmf_payload_type, Some(96));
    // Our own offers take the number the session knows.
    assert_eq!(formats(&ours.offer()), "0 8 96");
    // A session that knows 101 as something else takes a free number for telephone-event.
    let (mut ours, _) = answer_to("m=audio 5000 RTP/AVP 0 101\r\na=rtpmap:101 opus/48000/2\r\n");
    assert_eq!(formats(&ours.offer()), "0 8 96");
    // And none if every number is taken.
    let full = foreign(&format!("m=audio 5000 RTP/AVP 0 {}", all_numbers(96)));
    for (codecs, expected) in [(&[Pcmu, Pcma][..], "0 8"), (&[WIDE, Pcmu], "0")] {
        let mut ours = with(codecs, CodecPreference::Ours);
        ours.offered(&full).expect("acceptable");
        ours.answer();
        assert_eq!(formats(&ours.offer()), expected);
    }
}

#[test]
fn a_number_that_the_peer_binds_anew_is_not_bound_anew_by_us() {
    // covers: TR-212
    let (mut ours, _) = answer_to("m=audio 5000 RTP/AVP 0 96\r\na=rtpmap:96 opus/48000/2\r\n");
    ours.offered(&foreign("m=audio 5000 RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/8000\r\n"))
        .expect("acceptable");
    assert_eq!(formats(&ours.answer()), "0 101");
    let agreed = in_force(&ours);
    // Each side sends with the number of the other's description.
    let event = Some(MediaFormat::TelephoneEvent { clock_rate: 8_000 });
    assert_eq!((agreed.dtmf_payload_type, agreed.format(96), agreed.format(101)), (Some(96), None, event));
    // A static number means one thing only.
    let swapped = "m=audio 5000 RTP/AVP 8 0\r\na=rtpmap:8 PCMU/8000\r\n";
    ours.offered(&foreign(swapped)).expect("acceptable");
    assert_eq!(formats(&ours.answer()), "0");
    // Where nothing is free the peer is followed.
    let mut ours = with(&[WIDE, Pcmu], CodecPreference::Ours);
    ours.offered(&foreign(&format!("m=audio 5000 RTP/AVP 0 {}", all_numbers(96)))).expect("acceptable");
    ours.answer();
    ours.offered(&foreign("m=audio 5000 RTP/AVP 97\r\na=rtpmap:97 L16/16000\r\n")).expect("acceptable");
    assert_eq!(formats(&ours.answer()), "97");
    assert_eq!(in_force(&ours).format(97), Some(MediaFormat::Audio(WIDE)));
}

#[test]
fn the_events_that_the_peer_takes_are_those_of_its_list() {
    let events = |lines: &str| {
        let audio = format!("m=audio 5000 RTP/AVP 0 97 98\r\na=rtpmap:98 telephone-event/8000\r\n{lines}");
        in_force(&answer_to(&audio).0).dtmf_events
    };
    assert_eq!(events(""), EventSet::DTMF);
    assert_eq!(events("a=fmtp:98 0-16\r\n"), EventSet::parse("0-16"));
    assert_eq!(events("a=fmtp:97 0-3\r\na=fmtp:98 0-11,66\r\na=fmtp:98 0-16\r\n"), EventSet::parse("0-11"));
    assert_eq!(events("a=fmtp:98\r\n"), EventSet::DTMF);
}

#[test]
fn what_was_offered_can_be_received() {
    // covers: TR-222
    let (mut alice, mut bob) = (negotiation(1), negotiation(2));
    exchange(&mut alice, &mut bob);
    let event = MediaFormat::TelephoneEvent { clock_rate: 8_000 };
    let all = [(0, MediaFormat::Audio(Pcmu)), (8, MediaFormat::Audio(Pcma)), (101, event)];
    assert_eq!(in_force(&alice).receive, all);
    // The answer named one codec, so that it is the only one that may come.
    assert_eq!(in_force(&bob).receive, [all[0], all[2]]);
    exchange(&mut bob, &mut alice);
    assert_eq!((in_force(&alice).receive.len(), in_force(&bob).receive.len()), (3, 3));
    assert_eq!(in_force(&bob).format(8), Some(MediaFormat::Audio(Pcma)));
}

#[test]
fn a_peer_that_took_all_numbers_leaves_no_line_without_codec() {
    let mut ours = with(&[WIDE], CodecPreference::Ours);
    let lines = format!("m=audio 5000 RTP/AVP 96 {}a=rtpmap:96 L16/16000\r\n", all_numbers(97));
    ours.offered(&foreign(&lines)).expect("acceptable");
    assert_eq!(formats(&ours.answer()), "96");
    assert_eq!(formats(&ours.offer()), "96");
}
