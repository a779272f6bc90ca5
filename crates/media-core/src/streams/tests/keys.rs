//! Keys that our side presses.

use super::*;

/// The telephone events a party sent since then: header and payload.
fn events(world: &World, party: usize, since: Tick) -> Vec<(RtpHeader, [u8; 4])> {
    let flights = world.sent(party, 1, PacketKind::Rtp, since);
    flights
        .into_iter()
        .filter(|flight| flight.rtp().payload_type == 101)
        .map(|flight| (flight.rtp(), flight.packet[12..].try_into().expect("one event")))
        .collect()
}

pub(super) fn digits(world: &World, party: usize) -> String {
    let digit = |event: &StreamEvent| match event {
        StreamEvent::Digit { digit, .. } => Some(digit.to_char()),
        _ => None,
    };
    world.events(party).into_iter().filter_map(digit).collect()
}

#[test]
fn a_key_is_sent_in_the_sequence_of_the_audio() {
    // covers: TM-040, TM-041, TM-042
    let mut world = World::call();
    world.run(s(1));
    let since = world.now + ms(1);
    let pressed = StreamCommand::Press {
        op: Op(0),
        stream: StreamId(1),
        events: vec![Event::from_char('5').expect("a digit")],
        duration: ms(160),
    };
    world.command(0, pressed).expect("room");
    world.run(s(1));
    let sent = events(&world, 0, since);
    let durations: Vec<u16> =
        sent.iter().map(|(_, payload)| u16::from_be_bytes([payload[2], payload[3]])).collect();
    assert_eq!(durations, [160, 320, 480, 640, 800, 960, 1_120, 1_280, 1_280, 1_280]);
    let ends: Vec<bool> = sent.iter().map(|(_, payload)| payload[1] & 0x80 != 0).collect();
    assert_eq!(ends, [false, false, false, false, false, false, false, true, true, true]);
    let markers: Vec<bool> = sent.iter().map(|(header, _)| header.marker).collect();
    assert!(markers[0] && markers[1..].iter().all(|marker| !marker));
    assert!(sent.iter().all(|(header, _)| header.timestamp == sent[0].0.timestamp));
    // One source and one sequence; the audio's clock goes on under it.
    let frames = world.rtp(0, 1, Tick::default());
    assert!(frames.iter().all(|frame| frame.ssrc == frames[0].ssrc));
    for pair in frames.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
    }
    let first = frames.iter().position(|frame| frame.payload_type == 101).expect("sent");
    assert_eq!(frames[first].timestamp, frames[first - 1].timestamp.wrapping_add(160));
    let next = frames[first..].iter().find(|frame| frame.payload_type == 0).expect("audio goes on");
    assert_eq!(next.timestamp, sent[0].0.timestamp.wrapping_add(1_280));
    assert_eq!(digits(&world, 1), "5");
    // The key is no loss of the audio to the other side.
    assert_eq!((world.snapshot(1, 1).lost, world.snapshot(1, 1).malformed), (0, 0));
    assert_eq!(world.hearing(1).tone, Some(440));
}

#[test]
fn a_number_is_pressed_in_order_and_heard_once() {
    // covers: TM-045
    let mut world = World::call();
    world.run(s(1));
    world.press(0, 1, "0123456789*#ABCD!").expect("room");
    world.run(s(6));
    assert_eq!(digits(&world, 1), "0123456789*#ABCD!");
}

#[test]
fn a_long_key_goes_over_segments() {
    // covers: TM-043
    let mut world = World::call();
    world.run(s(1));
    let since = world.now + ms(1);
    let pressed = StreamCommand::Press {
        op: Op(0),
        stream: StreamId(1),
        events: vec![Event::from_char('9').expect("a digit")],
        duration: s(10),
    };
    world.command(0, pressed).expect("room");
    world.run(s(12));
    let sent = events(&world, 0, since);
    let mut stamps: Vec<u32> = sent.iter().map(|(header, _)| header.timestamp).collect();
    stamps.dedup();
    stamps.sort_unstable();
    stamps.dedup();
    assert_eq!(stamps.len(), 2);
    assert_eq!(stamps[1].wrapping_sub(stamps[0]), 0xFFFF);
    let told: Vec<_> = world
        .events(1)
        .into_iter()
        .filter_map(|event| match event {
            StreamEvent::Digit { digit, duration_ms, .. } => Some((digit.to_char(), *duration_ms)),
            _ => None,
        })
        .collect();
    assert_eq!(told, [('9', 10_000)]);
}

#[test]
fn a_hold_ends_a_key_and_drops_the_others() {
    // covers: TM-044
    let mut world = World::call();
    world.run(s(1));
    world.press(0, 1, "123").expect("room");
    world.run(ms(50));
    let held = world.now;
    world.apply(0, 1, Agreed { held: true, ..agreed(2, 1, Direction::SendOnly) });
    let ends = events(&world, 0, held);
    assert_eq!(ends.len(), 3);
    assert!(ends.iter().all(|(_, payload)| payload[0] == 1 && payload[1] & 0x80 != 0));
    assert_eq!(world.press(0, 1, "4"), Err(StreamFailure::NotSending));
    world.run(s(2));
    assert_eq!(events(&world, 0, held + ms(1)), []);
    world.apply(0, 1, agreed(2, 1, Direction::SendRecv));
    world.run(s(2));
    assert_eq!(events(&world, 0, held + ms(1)), []);
    assert_eq!(digits(&world, 1), "1");
}

#[test]
fn keys_stay_on_their_leg() {
    // covers: TM-047
    let mut world = World::call();
    world.device(0, 2, Source::Silence);
    world.open(0, 2, Some(2));
    world.run(s(1));
    world.press(1, 1, "1").expect("room");
    world.run(s(1));
    assert_eq!(digits(&world, 0), "1");
    assert!(
        world.events(0).iter().all(|event| !matches!(event, StreamEvent::Digit { stream: StreamId(2), .. }))
    );
    assert_eq!(world.snapshot(0, 2).sent, 0);
}

#[test]
fn the_clock_of_the_events_is_that_of_the_payload_type() {
    // covers: TM-046
    let mut world = World::call();
    for party in 0..2u8 {
        let base = agreed(2 - party, 1, Direction::SendRecv);
        let mut agreed = with_codec(base, Codec::L16(SampleRate::Hz16000), 98, 20);
        agreed.receive.push((102, MediaFormat::TelephoneEvent { clock_rate: 16_000 }));
        (agreed.dtmf_payload_type, agreed.dtmf_clock_rate) = (Some(102), 16_000);
        world.apply(usize::from(party), 1, agreed);
    }
    world.run(s(1));
    world.press(0, 1, "7").expect("room");
    world.run(s(1));
    let told = world.events(1).into_iter().find_map(|event| match event {
        StreamEvent::Digit { digit, duration_ms, .. } => Some((digit.to_char(), *duration_ms)),
        _ => None,
    });
    assert_eq!(told, Some(('7', 100)));
    let frames = world.rtp(0, 1, Tick::default());
    let first = frames.iter().position(|frame| frame.payload_type == 102).expect("sent");
    assert_eq!(frames[first].timestamp, frames[first - 1].timestamp.wrapping_add(320));
}

#[test]
fn keys_that_find_no_room_are_refused_whole() {
    let mut world = World::call();
    let many = "1".repeat(crate::dtmf::MAX_QUEUED);
    world.press(0, 1, &many).expect("room");
    let full = Err(StreamFailure::Digits(DigitError::QueueFull));
    assert_eq!(world.press(0, 1, "2"), full);
    world.run(ms(40));
    // One of them is on its way.
    assert_eq!(world.press(0, 1, "23"), full);
    world.press(0, 1, "2").expect("room for one");
    let wrong = StreamCommand::Press {
        op: Op(0),
        stream: StreamId(1),
        events: vec![Event::from_char('5').expect("a digit")],
        duration: ms(39),
    };
    world.run(s(20));
    assert_eq!(world.command(0, wrong), Err(StreamFailure::Digits(DigitError::Duration)));
    assert_eq!(digits(&world, 1), format!("{many}2"));
}

#[test]
fn no_text_shows_a_key() {
    // covers: SEC-45
    let events = vec![Event::from_char('7').expect("a digit")];
    let command = StreamCommand::Press { op: Op(0), stream: StreamId(1), events, duration: ms(100) };
    assert!(!format!("{command:?}").contains('7'));
    let event = StreamEvent::Digit {
        stream: StreamId(1),
        digit: Event::from_char('7').expect("a digit"),
        duration_ms: 100,
    };
    assert!(!format!("{event:?}").contains('7'));
}

#[test]
fn a_key_that_the_peer_does_not_take_is_refused_with_those_beside_it() {
    let mut world = World::call();
    world.run(ms(200));
    let failure = Err(StreamFailure::Digits(DigitError::NotTaken));
    let taken = |list| Agreed { dtmf_events: EventSet::parse(list), ..agreed(2, 1, Direction::SendRecv) };
    world.apply(0, 1, taken("0-15"));
    assert_eq!(world.press(0, 1, "12!"), failure, "no flash where the list ends with 15");
    world.apply(0, 1, taken("0-16"));
    assert_eq!(world.press(0, 1, "!"), Ok(()));
    world.apply(0, 1, taken("0-11"));
    assert_eq!(world.press(0, 1, "A"), failure);
    assert_eq!(world.press(0, 1, "#"), Ok(()));
    world.run(s(1));
    assert_eq!(digits(&world, 1), "!#");
}

#[test]
fn a_key_that_is_down_ends_when_a_re_invite_takes_events_away_or_changes_their_clock() {
    // covers: TM-044
    let taken_away = Agreed { dtmf_payload_type: None, ..agreed(2, 1, Direction::SendRecv) };
    let another_clock =
        Agreed { dtmf_payload_type: Some(102), dtmf_clock_rate: 16_000, ..agreed(2, 1, Direction::SendRecv) };
    for next in [taken_away, another_clock] {
        let mut world = World::call();
        world.run(s(1));
        world.press(0, 1, "12").expect("room");
        world.run(ms(50));
        let changed = world.now;
        world.apply(0, 1, next);
        let ends = events(&world, 0, changed);
        assert_eq!(ends.len(), 3);
        assert!(ends.iter().all(|(_, payload)| payload[0] == 1 && payload[1] & 0x80 != 0));
        world.run(s(1));
        assert_eq!(digits(&world, 1), "1");
        assert_eq!(events(&world, 0, changed + ms(1)), []);
    }
}

#[test]
fn a_stream_that_is_prepared_ends_the_key_that_is_down_and_notes_where_it_stands() {
    // covers: TM-044
    let mut world = World::call();
    world.run(s(1));
    world.press(0, 1, "123").expect("room");
    world.run(ms(50));
    assert_eq!(world.snapshot(0, 1).marks, None);
    let prepared = world.now;
    let prepare = |stream| StreamCommand::Prepare { op: Op(0), stream: StreamId(stream) };
    world.command(0, prepare(1)).expect("the stream is open");
    assert_eq!(events(&world, 0, prepared).len(), 3);
    world.run(s(1));
    assert_eq!(digits(&world, 1), "1");
    assert_eq!(world.command(0, prepare(9)), Err(StreamFailure::UnknownStream));
    // The stream sends on from where it stood, and takes other keys.
    let marks = world.snapshot(0, 1).marks.expect("it was prepared");
    let next = world.rtp(0, 1, prepared + ms(1))[0];
    assert_eq!((marks.at, marks.ssrc, marks.sequence), (prepared, next.ssrc, next.sequence));
    assert!(next.timestamp.wrapping_sub(marks.timestamp) <= 160);
    world.press(0, 1, "4").expect("room");
    world.run(s(1));
    assert_eq!(digits(&world, 1), "14");
    assert_eq!(world.hearing(1).tone, Some(440));
}
