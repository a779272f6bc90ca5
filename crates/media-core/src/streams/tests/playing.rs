//! What is heard over a network that loses, delays and reorders, and over pauses.

use super::*;

/// Drops packets to party 0 whose count is chosen.
fn lose(world: &mut World, time: Duration, lost: impl Fn(usize) -> bool) {
    let end = world.now + time;
    let mut count = world.rtp(1, 1, Tick::default()).len();
    while world.now < end {
        world.run(ms(20));
        let sent = world.rtp(1, 1, Tick::default()).len();
        if (count..sent).any(&lost) {
            world
                .wire
                .retain(|flight| flight.kind == PacketKind::Rtcp || flight.to.ip() != world.parties[0].ip());
        }
        count = sent;
    }
}

#[test]
fn single_losses_are_concealed() {
    let mut world = World::call();
    world.run(s(1));
    lose(&mut world, s(20), |count| count % 20 == 0);
    let heard = world.hearing(0);
    assert_eq!(heard.tone, Some(1_000));
    assert!(heard.longest_silence <= ms(20), "{:?}", heard.longest_silence);
    let after = world.snapshot(0, 1);
    assert!(after.lost >= 45 && after.playout.concealed >= ms(800), "{after:?}");
}

#[test]
fn a_move_is_heard_within_three_frames_of_the_network() {
    // covers: TM-017
    let mut world = World::new(3);
    for (party, hz) in [(0, 440), (1, 1_000), (2, 1_500)] {
        world.device(party, 1, Source::Tone { hz });
    }
    world.open(0, 1, Some(1));
    world.open(1, 1, Some(1));
    world.apply(0, 1, agreed(2, 1, Direction::SendRecv));
    world.apply(1, 1, agreed(1, 1, Direction::SendRecv));
    world.run(ms(1_013));
    // The answer of the second call: its stream is opened and gets the device at once, packets come from then on.
    world.open(0, 2, None);
    world.apply(0, 2, agreed(3, 1, Direction::SendRecv));
    world.open(2, 1, Some(1));
    world.apply(2, 1, agreed(1, 2, Direction::SendRecv));
    world.move_device(0, 1, 2);
    world.run(s(1));
    let gap = world.events(0).into_iter().find_map(|event| match event {
        StreamEvent::Moved { gap, .. } => *gap,
        _ => None,
    });
    // 10 ms of them are the network's.
    assert!(gap.is_some_and(|gap| gap <= ms(60) + DELAY), "{gap:?}");
    assert_eq!(world.hearing(0).tone, Some(1_500));
}

#[test]
fn nothing_of_before_a_hold_is_heard_after_it() {
    // covers: TM-060
    let mut world = World::call();
    world.run(s(1));
    for party in 0..2 {
        world.apply(party, 1, agreed(2 - party as u8, 1, Direction::Inactive));
    }
    world.device(1, 1, Source::Tone { hz: 700 });
    world.run(s(30));
    let resumed = world.now;
    for party in 0..2 {
        world.apply(party, 1, agreed(2 - party as u8, 1, Direction::SendRecv));
    }
    world.run(s(1));
    let heard: Vec<_> = world.hearing(0).changes.into_iter().filter(|(_, at)| *at >= resumed).collect();
    assert_eq!(heard.iter().map(|(tone, _)| *tone).collect::<Vec<_>>(), [Some(700)]);
    // A frame of the network, the start of the jitter buffer, and the frame in which the first sample is heard.
    let hearing = world.hearing(0);
    let audible = hearing.longest_silence_from.expect("silence") + hearing.longest_silence;
    assert!(audible.since(resumed) <= DELAY + ms(60), "{:?}", audible.since(resumed));
}

#[test]
fn a_sequence_wrap_is_not_noticed() {
    // covers: TM-062
    let mut world = World::call();
    world.run(s(1));
    // 1,400 s are 70,000 packets.
    world.run(s(1_400));
    let frames = world.rtp(1, 1, Tick::default());
    assert!(frames.windows(2).any(|pair| pair[0].sequence == u16::MAX && pair[1].sequence == 0));
    let after = world.snapshot(0, 1);
    assert_eq!((after.lost, after.late, after.playout.packets.resets), (0, 0, 0));
    assert_eq!(world.hearing(0).longest_silence, Duration::ZERO);
    assert_eq!(world.hearing(0).changes.len(), 1);
}

#[test]
fn the_codec_changes_in_the_middle_of_a_call() {
    // covers: TM-004, TM-025
    let mut world = World::call();
    world.run(s(1));
    let (ssrc, last) = {
        let frames = world.rtp(1, 1, Tick::default());
        (frames[0].ssrc, *frames.last().expect("frames were sent"))
    };
    let changes =
        [(Codec::G722, 9), (Codec::Pcma, 8), (Codec::L16(SampleRate::Hz16000), 98), (Codec::Pcmu, 0)];
    for (codec, payload_type) in changes {
        let changed = world.now;
        for party in 0..2u8 {
            let base = agreed(2 - party, 1, Direction::SendRecv);
            world.apply(usize::from(party), 1, with_codec(base, codec, payload_type, 20));
        }
        world.run(s(2));
        assert_eq!((world.hearing(0).tone, world.hearing(1).tone), (Some(1_000), Some(440)), "{codec}");
        assert_eq!(world.snapshot(0, 1).codec, Some(codec));
        let frames = world.rtp(1, 1, changed + ms(1));
        assert!(frames.iter().all(|frame| frame.ssrc == ssrc && frame.payload_type == payload_type));
        let units = codec.clock_rate() / 50;
        assert!(frames.windows(2).all(|pair| pair[1].timestamp == pair[0].timestamp.wrapping_add(units)));
    }
    let frames = world.rtp(1, 1, Tick::default());
    let sent = frames.last().expect("frames were sent").sequence.wrapping_sub(last.sequence);
    assert!((400..=402).contains(&sent), "{sent}");
    assert!(world.hearing(0).longest_silence <= ms(100), "{:?}", world.hearing(0).longest_silence);
}

#[test]
fn digits_in_the_audio_are_found_where_that_is_wanted() {
    let config = StreamsConfig { find_tones: true, ..StreamsConfig::default() };
    let mut world = World::call_with(&config);
    for party in 0..2 {
        // Neither has telephone events.
        let mut agreed = agreed(2 - party as u8, 1, Direction::SendRecv);
        agreed.dtmf_payload_type = None;
        world.apply(party, 1, agreed);
    }
    world.run(s(1));
    world.press(1, 1, "159D").expect("room");
    world.run(s(2));
    let digits: String = world
        .events(0)
        .into_iter()
        .filter_map(|event| match event {
            StreamEvent::Digit { digit, duration_ms, .. } if (70..=130).contains(duration_ms) => {
                Some(digit.to_char())
            }
            _ => None,
        })
        .collect();
    assert_eq!(digits, "159D");
    assert_eq!(world.hearing(0).tone, Some(1_000));
}

#[test]
fn a_muted_microphone_with_comfort_noise_is_described_and_not_sent() {
    // covers: TM-020, TM-021
    let mut world = World::call();
    for party in 0..2 {
        let mut agreed = agreed(2 - party as u8, 1, Direction::SendRecv);
        agreed.comfort_noise_payload_type = Some(13);
        agreed.receive.push((13, MediaFormat::ComfortNoise));
        world.apply(party, 1, agreed);
    }
    world.run(s(1));
    let device = DeviceId(1);
    world.command(1, StreamCommand::Mute { device, muted: true }).expect("no answer is no failure");
    let muted = world.now + ms(1);
    world.run(s(10));
    let frames = world.rtp(1, 1, muted);
    assert!((48..=52).contains(&frames.len()), "{}", frames.len());
    assert!(frames.iter().all(|frame| frame.payload_type == 13 && !frame.marker));
    assert!(frames.windows(2).all(|pair| pair[1].timestamp == pair[0].timestamp.wrapping_add(1_600)));
    assert!(!world.events(0).iter().any(|event| matches!(event, StreamEvent::Silent { .. })));
    assert_eq!(world.snapshot(0, 1).lost, 0);
    let opened = world.now + ms(1);
    world.command(1, StreamCommand::Mute { device, muted: false }).expect("no answer is no failure");
    world.run(s(1));
    let frames = world.rtp(1, 1, opened);
    assert!(frames[0].marker && frames[0].payload_type == 0 && !frames[1].marker);
    assert_eq!(world.hearing(0).tone, Some(1_000));
    // A hold is no pause of that kind.
    world.apply(
        1,
        1,
        Agreed { held: true, comfort_noise_payload_type: Some(13), ..agreed(1, 1, Direction::SendOnly) },
    );
    let held = world.now + ms(1);
    world.run(s(1));
    assert!(world.rtp(1, 1, held).is_empty());
}

#[test]
fn a_stream_without_sound_is_told_where_that_is_wanted() {
    let config = StreamsConfig { soundless_after: Some(s(5)), ..StreamsConfig::default() };
    let mut world = World::call_with(&config);
    world.run(s(2));
    world.device(1, 1, Source::Silence);
    world.run(s(8));
    world.device(1, 1, Source::Tone { hz: 700 });
    world.run(s(1));
    let told: Vec<_> = world
        .events(0)
        .into_iter()
        .filter_map(|event| match event {
            StreamEvent::Soundless { stream: StreamId(1), since } => Some(Err(*since)),
            StreamEvent::SoundAgain { stream: StreamId(1), gap } => Some(Ok(*gap)),
            _ => None,
        })
        .collect();
    let [Err(since), Ok(gap)] = told[..] else { panic!("{told:?}") };
    assert!(since.since(Tick(1_000_000)) >= s(2) && gap >= s(8) && gap <= ms(8_200), "{told:?}");
}
