use std::f64::consts::TAU;

use proptest::prelude::*;

use super::*;

fn every() -> impl Iterator<Item = Codec> {
    [Codec::Pcmu, Codec::Pcma, Codec::G722].into_iter().chain(SampleRate::ALL.map(Codec::L16))
}

fn tone(rate: SampleRate, hz: f64, peak: f64, milliseconds: u32) -> Vec<i16> {
    let step = TAU * hz / f64::from(rate.hz());
    (0..rate.samples_in(milliseconds)).map(|index| ((index as f64 * step).sin() * peak) as i16).collect()
}

/// Encodes and decodes in packets of 20 ms.
fn heard(codec: Codec, samples: &[i16]) -> Vec<i16> {
    let (mut encoder, mut decoder) = (codec.encoder(), codec.decoder());
    let (mut payload, mut heard) = (Vec::new(), Vec::new());
    for frame in samples.chunks(codec.sample_rate().samples_in(20)) {
        payload.clear();
        encoder.encode(frame, &mut payload);
        assert_eq!(payload.len(), codec.payload_length(20));
        decoder.decode(&payload, &mut heard).expect("our own payload");
    }
    heard
}

/// Signal to noise in decibels, behind the first 50 ms and with the delay taken out.
fn quality(sent: &[i16], heard: &[i16], delay: usize, skipped: usize) -> f64 {
    let pairs = || sent.iter().zip(&heard[delay..]).skip(skipped);
    let signal: f64 = pairs().map(|(&sent, _)| f64::from(sent).powi(2)).sum();
    let noise: f64 = pairs().map(|(&sent, &heard)| (f64::from(sent) - f64::from(heard)).powi(2)).sum();
    10.0 * (signal / noise.max(1e-9)).log10()
}

#[test]
fn the_facts_of_rfc_3551() {
    let facts: Vec<_> = every()
        .map(|codec| {
            (codec.name(), codec.static_payload_type(), codec.clock_rate(), codec.sample_rate().hz())
        })
        .collect();
    assert_eq!(
        facts,
        [
            ("PCMU", Some(0), 8_000, 8_000),
            ("PCMA", Some(8), 8_000, 8_000),
            ("G722", Some(9), 8_000, 16_000),
            ("L16", None, 8_000, 8_000),
            ("L16", None, 16_000, 16_000),
            ("L16", None, 24_000, 24_000),
            ("L16", None, 32_000, 32_000),
            ("L16", Some(11), 44_100, 44_100),
            ("L16", None, 48_000, 48_000),
        ]
    );
}

#[test]
fn a_codec_is_found_by_its_rtpmap_and_by_its_number() {
    for codec in every() {
        let name = codec.name().to_lowercase();
        assert_eq!(Codec::from_rtpmap(&name, codec.clock_rate()), Some(codec));
        if let Some(number) = codec.static_payload_type() {
            assert_eq!(Codec::from_static_payload_type(number), Some(codec));
        }
    }
    assert_eq!(Codec::from_rtpmap("G722", 16_000), None);
    assert_eq!(Codec::from_rtpmap("PCMU", 16_000), None);
    assert_eq!(Codec::from_rtpmap("L16", 11_025), None);
    assert_eq!(Codec::from_rtpmap("opus", 48_000), None);
    // L16 in stereo, G.729, and a dynamic number.
    assert!([10, 18, 96].into_iter().all(|number| Codec::from_static_payload_type(number).is_none()));
}

#[test]
fn what_is_preferred_fits_an_ethernet_frame_in_20_ms() {
    for codec in Codec::PREFERENCE {
        // 1,500 bytes less the headers of IPv6, UDP and RTP.
        assert!(codec.payload_length(20) <= 1_500 - 40 - 8 - 12, "{codec}");
    }
    assert!(Codec::ALL.iter().all(|codec| Codec::PREFERENCE.contains(codec)));
}

#[test]
fn l16_is_in_network_byte_order() {
    let mut payload = vec![0xAA];
    Codec::L16(SampleRate::Hz8000).encoder().encode(&[0x0102, -2, i16::MIN], &mut payload);
    assert_eq!(payload, [0xAA, 1, 2, 0xFF, 0xFE, 0x80, 0]);
}

#[test]
fn a_packet_of_200_ms_is_decoded_and_a_longer_one_is_refused() {
    for codec in every() {
        let mut decoder = codec.decoder();
        let mut samples = vec![7];
        let longest = vec![0x55; codec.payload_length(MAX_PACKET_MS)];
        assert_eq!(decoder.decode(&longest, &mut samples), Ok(()));
        assert_eq!(samples.len(), 1 + codec.sample_rate().samples_in(200), "{codec}");
        let longer = vec![0x55; longest.len() + 1];
        assert_eq!(decoder.decode(&longer, &mut samples), Err(DecodeError::TooLong));
        assert_eq!(samples.len(), 1 + codec.sample_rate().samples_in(200), "{codec}");
    }
}

#[test]
fn a_cut_sample_is_refused_and_an_empty_payload_is_no_sound() {
    let mut samples = vec![7];
    let mut decoder = Codec::L16(SampleRate::Hz16000).decoder();
    assert_eq!(decoder.decode(&[1, 2, 3], &mut samples), Err(DecodeError::CutSample));
    for codec in every() {
        assert_eq!(codec.decoder().decode(&[], &mut samples), Ok(()));
    }
    assert_eq!(samples, [7]);
}

#[test]
fn a_tone_is_heard_as_it_was_sent() {
    for codec in every() {
        let rate = codec.sample_rate();
        // G.722's filters delay by 22 samples; its quantizers leave less noise to the lower band than to the higher.
        let (delay, tones): (_, &[_]) = match codec {
            Codec::Pcmu | Codec::Pcma => (0, &[(300.0, 36.0), (1_000.0, 36.0), (3_400.0, 36.0)]),
            Codec::G722 => (22, &[(300.0, 40.0), (1_000.0, 40.0), (3_400.0, 30.0), (6_800.0, 20.0)]),
            Codec::L16(_) => (0, &[(300.0, 200.0), (3_400.0, 200.0)]),
        };
        for &(hz, wanted) in tones {
            let sent = tone(rate, hz, 10_000.0, 400);
            let reached = quality(&sent, &heard(codec, &sent), delay, rate.samples_in(50));
            assert!(reached >= wanted, "{codec} at {hz} Hz: {reached} dB");
        }
    }
}

#[test]
fn a_lost_packet_of_g722_is_forgotten_soon() {
    let sent = tone(SampleRate::Hz16000, 700.0, 8_000.0, 500);
    let mut payload = Vec::new();
    Codec::G722.encoder().encode(&sent, &mut payload);
    let mut decoder = Codec::G722.decoder();
    let mut heard = Vec::new();
    for (number, packet) in payload.chunks(160).enumerate() {
        if number == 5 {
            heard.extend([0; 320]);
        } else {
            decoder.decode(packet, &mut heard).expect("a packet");
        }
    }
    // From 100 ms behind the gap on.
    let reached = quality(&sent, &heard, 22, SampleRate::Hz16000.samples_in(220));
    assert!(reached > 30.0, "{reached} dB");
}

#[test]
fn silence_stays_quiet() {
    for codec in every() {
        let loudest = heard(codec, &vec![0; codec.sample_rate().samples_in(200)])
            .into_iter()
            .map(i16::unsigned_abs)
            .max();
        assert!(loudest <= Some(8), "{codec}: {loudest:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_give_their_share_of_samples_or_an_error(
        codec in prop::sample::select(every().collect::<Vec<_>>()),
        packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2_000), 0..8),
    ) {
        let mut decoder = codec.decoder();
        let mut samples = Vec::new();
        for packet in packets {
            samples.clear();
            let decoded = decoder.decode(&packet, &mut samples);
            prop_assert!(samples.len() <= codec.sample_rate().samples_in(MAX_PACKET_MS));
            let each = codec.sample_rate().samples_in(10) * packet.len();
            match decoded {
                Ok(()) => prop_assert_eq!(samples.len(), each / codec.payload_length(10)),
                Err(_) => prop_assert!(samples.is_empty()),
            }
        }
    }

    #[test]
    fn what_is_encoded_does_not_depend_on_where_the_samples_are_cut(
        codec in prop::sample::select(every().collect::<Vec<_>>()),
        samples in prop::collection::vec(any::<i16>(), 0..1_000),
        cuts in prop::collection::vec(0_usize..9, 1..50),
    ) {
        let mut whole = Vec::new();
        codec.encoder().encode(&samples, &mut whole);
        let mut encoder = codec.encoder();
        let mut parts = Vec::new();
        let mut rest = &samples[..];
        for cut in cuts {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            encoder.encode(now, &mut parts);
            rest = later;
        }
        encoder.encode(rest, &mut parts);
        prop_assert_eq!(whole, parts);
    }

    #[test]
    fn l16_gives_back_every_sample(samples in prop::collection::vec(any::<i16>(), 0..1_600)) {
        let codec = Codec::L16(SampleRate::Hz8000);
        let (mut payload, mut heard) = (Vec::new(), Vec::new());
        codec.encoder().encode(&samples, &mut payload);
        prop_assert_eq!(codec.decoder().decode(&payload, &mut heard), Ok(()));
        prop_assert_eq!(samples, heard);
    }
}
