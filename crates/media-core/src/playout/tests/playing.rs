//! An even flow out of packets of any length and lateness.

use super::*;

#[test]
fn packets_of_any_length_give_pulls_of_any_length_bit_by_bit() {
    for (packet_ms, frame_ms) in
        [(10, 10), (10, 20), (20, 10), (20, 20), (30, 10), (30, 20), (40, 20), (60, 10), (60, 20)]
    {
        let settings = PlayoutSettings { frame: ms(frame_ms), ..PlayoutSettings::fixed(ms(60)) };
        let mut scene = Scene::new(settings);
        let samples = packet_ms * 8;
        for packet in 0..6_000 / packet_ms {
            scene.say(START + ms(packet * packet_ms + 3), packet as u16, packet * samples, samples, voice);
        }
        scene.run_until(START + ms(6_000));
        // 3 ms on the way, and the delay.
        let delay = 63 * 8;
        let what = format!("packets of {packet_ms} ms, pulls of {frame_ms} ms: {:?}", scene.report());
        assert!(scene.heard[..delay].iter().all(|&sample| sample == 0), "{what}");
        // Behind the fade-in every sample is the one that was sent.
        let same =
            scene.heard[delay + 120..].iter().enumerate().all(|(n, &heard)| heard == voice(n as u64 + 120));
        assert!(same, "{what}");
        assert_eq!(scene.concealed(), 0, "{what}");
    }
}

#[test]
fn a_decoder_that_gives_too_much_is_cut_off() {
    let mut playout = Playout::new(PlayoutSettings::fixed(ms(0)), Format::NARROWBAND);
    let mut flood = |_: u8, _: &[u8], samples: &mut Vec<i16>| {
        samples.extend(std::iter::repeat_n(1, 100_000));
        Content::Audio
    };
    playout.put(&header(0, 0), &[0], Format::NARROWBAND, START);
    let mut heard = 0;
    for pull in 0..100 {
        heard += playout.pull(START + ms(pull * 20), &mut [0; 160], &mut flood).received;
    }
    assert_eq!(heard, 8_000);
}

#[test]
fn comfort_noise_is_heard_from_its_packet_to_the_next_talkspurt() {
    struct Noise;
    impl Decode for Noise {
        fn decode(&mut self, payload_type: u8, payload: &[u8], samples: &mut Vec<i16>) -> Content {
            linear(payload_type, payload, samples)
        }
        fn comfort_noise(&mut self, samples: &mut [i16]) {
            samples.fill(50);
        }
    }
    let mut playout = Playout::new(PlayoutSettings::default(), Format::NARROWBAND);
    let mut heard = Vec::new();
    let mut concealed = 0;
    for frame in 0..100u64 {
        let now = START + ms(frame * 20);
        // 20 packets of speech, noise with an update after 200 ms, and speech from the 50th frame on.
        let number = match frame {
            0..=20 => Some(frame as u16),
            30 => Some(21),
            50.. => Some(frame as u16 - 28),
            _ => None,
        };
        if let Some(number) = number {
            let noise = frame == 20 || frame == 30;
            let header = RtpHeader {
                payload_type: if noise { 13 } else { 0 },
                marker: frame == 50,
                ..header(number, frame as u32 * 160)
            };
            let payload: Vec<u8> = if noise { vec![40] } else { 3_000i16.to_be_bytes().repeat(160) };
            playout.put(&header, &payload, Format::NARROWBAND, now);
        }
        let mut out = [0; 160];
        concealed += playout.pull(now, &mut out, &mut Noise).concealed;
        heard.extend(out);
    }
    assert_eq!((concealed, playout.report().packets.lost), (0, 0));
    // 40 ms later than sent, the ends cross-faded within 10 ms; the second talkspurt may come a little earlier.
    assert!(heard[480..3_520].iter().all(|&sample| sample == 3_000));
    assert!(heard[3_600..8_000].iter().all(|&sample| sample == 50));
    assert!(heard[8_400..].iter().all(|&sample| sample == 3_000));
}

#[test]
fn an_unknown_payload_is_silence_of_its_length() {
    let mut scene = Scene::new(PlayoutSettings::fixed(ms(40)));
    for packet in 0..50u64 {
        let payload_type = if packet == 20 { 99 } else { 0 };
        let payload = 3_000i16.to_be_bytes().repeat(160);
        let header = RtpHeader { payload_type, ..header(packet as u16, packet as u32 * 160) };
        scene.arrive(START + ms(packet * 20), header, payload);
    }
    scene.run_until(START + ms(1_000));
    assert_eq!((scene.concealed(), scene.report().packets.lost), (0, 0));
    let silence = scene.heard[400..].iter().filter(|&&sample| sample == 0).count();
    assert!((100..=160).contains(&silence), "{silence}");
}

#[test]
fn a_digit_is_silence_and_no_loss() {
    let mut scene = Scene::new(PlayoutSettings::default());
    for packet in 0..100u64 {
        // 200 ms of a telephone event in the place of ten packets, all with its first timestamp.
        let event = (40..50).contains(&packet);
        let header = RtpHeader {
            payload_type: if event { 101 } else { 0 },
            ..header(packet as u16, if event { 40 * 160 } else { packet as u32 * 160 })
        };
        scene.arrive(START + ms(packet * 20), header, 3_000i16.to_be_bytes().repeat(160));
    }
    scene.run_until(START + ms(2_000));
    let packets = scene.report().packets;
    assert_eq!((packets.lost, packets.late, packets.skipped), (0, 0, 10));
    // Until the event's first packet is in its turn, the audio before it may be continued by a frame.
    assert!(scene.concealed() <= 160);
    let silence = scene.heard[400..].iter().filter(|&&sample| sample == 0).count();
    assert!((1_200..=1_600).contains(&silence), "{silence}");
}

#[test]
fn a_reader_that_was_away_begins_with_the_newest() {
    let mut scene = Scene::new(PlayoutSettings::default());
    scene.talk(0, 200, tone, |_| 0);
    scene.run_until(START + ms(1_000));
    scene.now = START + ms(3_000);
    scene.run_until(START + ms(3_500));
    let report = scene.report();
    assert_eq!(report.delay, ms(40));
    assert_eq!(report.packets.lost, 0);
    assert_eq!(scene.concealed(), 0);
}

#[test]
fn a_stall_of_the_network_loses_nothing_and_is_caught_up_with() {
    let mut scene = Scene::new(PlayoutSettings::default());
    // 300 ms in which nothing comes, then all of it at once.
    scene.talk(0, 1_000, voice, |packet| if (100..115).contains(&packet) { (115 - packet) * 20 } else { 0 });
    scene.run_until(START + ms(2_400));
    let stalled = scene.report();
    assert!(stalled.delay >= ms(290), "{stalled:?}");
    scene.run_until(START + ms(20_000));
    let report = scene.report();
    let packets = report.packets;
    assert_eq!((packets.lost, packets.late, packets.discarded), (0, 0, 0));
    assert!(report.delay <= ms(60), "{report:?}");
    assert!(report.concealed <= ms(60));
}
