//! Who sends, when, and who hears it.

use super::*;

#[test]
fn each_ear_hears_the_tone_the_other_side_sends() {
    let mut world = World::call();
    world.run(s(2));
    assert_eq!(world.hearing(0).tone, Some(1_000));
    assert_eq!(world.hearing(1).tone, Some(440));
    assert_eq!(world.hearing(1).longest_silence, Duration::ZERO);
    let [(Some(440), from)] = world.hearing(1).changes[..] else { panic!("one change") };
    assert!(from.since(Tick(1_000_000)) <= ms(100));
    for party in 0..2 {
        let flowing = StreamEvent::Flowing { stream: StreamId(1), at: Tick(1_000_000) + DELAY };
        assert_eq!(world.events(party)[0], &flowing);
    }
}

#[test]
fn packets_follow_direction_and_address() {
    // covers: TM-001, TR-216, TR-223
    for direction in Direction::ALL {
        for (valid, port) in [(true, 10_002), (false, 10_002), (false, 0)] {
            let mut world = World::call();
            let mut agreed = agreed(2, 1, direction);
            agreed.remote_valid = valid;
            agreed.remote_rtp.set_port(port);
            world.apply(0, 1, agreed);
            let since = world.now;
            world.run(s(1));
            let count = world.rtp(0, 1, since).len();
            if direction.sends() && valid {
                assert!((49..=51).contains(&count), "{direction}: {count}");
            } else {
                assert_eq!(count, 0, "{direction}");
            }
            world.run(s(20));
            let reports = world.sent(0, 1, PacketKind::Rtcp, since).len();
            assert_eq!(reports > 0, valid, "{direction}");
        }
    }
}

#[test]
fn nothing_is_sent_or_heard_before_an_agreement() {
    // covers: TM-015
    let mut world = World::call();
    world.run(ms(505));
    world.device(0, 2, Source::Tone { hz: 700 });
    world.open(0, 2, Some(2));
    world.run(s(1));
    assert!(world.sent(0, 2, PacketKind::Rtp, Tick::default()).is_empty());
    // A new address is used from the moment it is applied, and not before.
    world.parties[1].streams = Streams::new(StreamsConfig::default());
    let applied = world.now;
    let mut elsewhere = agreed(2, 1, Direction::SendRecv);
    elsewhere.remote_rtp.set_port(20_000);
    world.apply(0, 1, elsewhere.clone());
    world.run(ms(500));
    for flight in world.sent(0, 1, PacketKind::Rtp, Tick::default()) {
        assert_eq!(flight.to == elsewhere.remote_rtp, flight.at >= applied);
    }
}

#[test]
fn frames_are_paced_by_absolute_deadlines() {
    let mut world = World::call();
    world.run(s(1));
    let frames = world.rtp(0, 1, Tick::default());
    for pair in frames.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        assert_eq!(pair[1].timestamp, pair[0].timestamp.wrapping_add(160));
    }
    let markers: Vec<bool> = frames.iter().map(|frame| frame.marker).collect();
    assert!(markers[0] && markers[1..].iter().all(|marker| !marker));
    // Ticks that come late do not shift the frames after them.
    world.now += ms(7);
    world.step(0, Streams::tick);
    let start = Tick(1_000_000);
    assert_eq!(world.parties[0].streams.next_deadline(), Some(start + ms(1_020)));
}

#[test]
fn a_stall_is_skipped_and_not_sent_as_a_burst() {
    let mut world = World::call();
    world.run(ms(1_005));
    let before = *world.rtp(0, 1, Tick::default()).last().expect("frames were sent");
    let stalled = world.now;
    world.now += s(3);
    world.step(0, Streams::tick);
    let after = world.rtp(0, 1, stalled);
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].sequence, before.sequence.wrapping_add(1));
    assert_eq!(after[0].timestamp, before.timestamp.wrapping_add(24_000));
    assert!(after[0].marker);
    // Up to the limit everything is sent.
    let stalled = world.now;
    world.now += ms(100);
    world.step(0, Streams::tick);
    assert_eq!(world.rtp(0, 1, stalled + ms(1)).len(), 5);
}

#[test]
fn other_packet_times_and_codecs_are_sent_and_heard() {
    for (codec, payload_type, ptime_ms) in [
        (Codec::Pcma, 8, 10),
        (Codec::Pcma, 97, 30),
        (Codec::Pcmu, 0, 60),
        (Codec::G722, 9, 20),
        (Codec::L16(SampleRate::Hz16000), 98, 20),
    ] {
        let mut world = World::call();
        for party in 0..2u8 {
            let base = agreed(2 - party, 1, Direction::SendRecv);
            world.apply(usize::from(party), 1, with_codec(base, codec, payload_type, ptime_ms));
        }
        let since = world.now;
        world.run(s(3));
        assert_eq!(world.hearing(0).tone, Some(1_000), "{codec} {ptime_ms}");
        let frames = world.rtp(0, 1, since);
        assert!(frames.len().abs_diff(3_000 / usize::from(ptime_ms)) <= 1);
        assert!(frames.iter().all(|frame| frame.payload_type == payload_type));
    }
}

#[test]
fn an_echo_returns_what_was_received() {
    let mut world = World::call();
    world.device(1, 1, Source::Echo);
    world.run(s(2));
    assert_eq!(world.hearing(1).tone, Some(440));
    assert_eq!(world.hearing(0).tone, Some(440));
}

#[test]
fn a_recording_is_played_in_a_loop() {
    let mut samples = Vec::new();
    crate::source::Player::new(Source::Tone { hz: 600 }).pull(RATE, 100, &mut samples);
    let mut world = World::call();
    world.device(0, 1, Source::Wav(Wav::new(samples, RATE)));
    world.run(s(2));
    assert_eq!(world.hearing(1).tone, Some(600));
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let run = || {
        let mut world = World::call();
        world.run(s(3));
        world.close(0, 1);
        world.log.into_iter().map(|flight| (flight.at, flight.packet)).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}

#[test]
fn nothing_is_left_after_everything_is_closed() {
    let mut world = World::call();
    world.run(s(1));
    for party in 0..2 {
        world.close(party, 1);
        assert!(!world.parties[party].streams.is_empty());
        let device = DeviceId(1);
        world.command(party, StreamCommand::CloseDevice { device }).expect("no answer is no failure");
        assert!(world.parties[party].streams.is_empty());
        assert_eq!(world.parties[party].streams.next_deadline(), None);
    }
}

#[test]
fn a_closed_device_stops_its_stream() {
    let mut world = World::call();
    world.run(s(1));
    let device = DeviceId(1);
    world.command(0, StreamCommand::CloseDevice { device }).expect("no answer is no failure");
    let since = world.now + ms(1);
    world.run(s(1));
    assert!(world.rtp(0, 1, since).is_empty());
    assert_eq!(world.snapshot(0, 1).device, None);
}

#[test]
fn commands_that_cannot_be_carried_out_fail_and_change_nothing() {
    let config = StreamsConfig { max_streams: 2, max_devices: 2, ..StreamsConfig::default() };
    let mut world = World::call_with(&config);
    let op = Op(0);
    let (one, two, gone) = (StreamId(1), StreamId(2), StreamId(99));
    let open = |stream, device| StreamCommand::Open { op, stream, device };
    assert_eq!(world.command(0, open(one, None)), Err(StreamFailure::StreamExists));
    assert_eq!(world.command(0, open(two, Some(DeviceId(9)))), Err(StreamFailure::UnknownDevice));
    assert_eq!(world.command(0, open(two, Some(DeviceId(1)))), Err(StreamFailure::DeviceBusy));
    world.open(0, 2, None);
    assert_eq!(world.command(0, open(StreamId(3), None)), Err(StreamFailure::TooManyStreams));
    let moved = |from, to| StreamCommand::Move { op, from, to };
    assert_eq!(world.command(0, moved(one, gone)), Err(StreamFailure::UnknownStream));
    assert_eq!(world.command(0, moved(gone, one)), Err(StreamFailure::UnknownStream));
    assert_eq!(world.command(0, moved(two, one)), Err(StreamFailure::NoDevice));
    assert_eq!(world.command(0, moved(one, one)), Err(StreamFailure::StreamHasDevice));
    assert_eq!(
        world.command(0, StreamCommand::Close { op, stream: gone }),
        Err(StreamFailure::UnknownStream)
    );
    let agreed = agreed(2, 1, Direction::SendRecv);
    let apply = StreamCommand::Apply { op, stream: gone, agreed };
    assert_eq!(world.command(0, apply), Err(StreamFailure::UnknownStream));
    let attach = |stream, device| StreamCommand::Attach { op, stream, device: DeviceId(device) };
    assert_eq!(world.command(0, attach(one, 1)), Err(StreamFailure::StreamHasDevice));
    assert_eq!(world.command(0, attach(two, 1)), Err(StreamFailure::DeviceBusy));
    assert_eq!(world.command(0, attach(two, 9)), Err(StreamFailure::UnknownDevice));
    world.device(0, 2, Source::Silence);
    world.device(0, 3, Source::Silence);
    assert_eq!(world.parties[0].streams.refused_devices(), 1);
    assert_eq!(world.command(0, attach(two, 3)), Err(StreamFailure::UnknownDevice));
    world.run(s(1));
    assert_eq!(world.hearing(1).tone, Some(440));
}
