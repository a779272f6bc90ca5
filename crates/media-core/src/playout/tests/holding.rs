//! The buffer alone: order, bounds and counters.

use super::*;

fn buffer(delay: u64) -> JitterBuffer {
    JitterBuffer::new(PlayoutSettings::fixed(ms(delay)))
}

fn put(buffer: &mut JitterBuffer, number: u16, at: u64) -> Put {
    let timestamp = (i32::from(number.cast_signed()) * 160).cast_unsigned();
    buffer.put(&header(number, timestamp), &number.to_be_bytes(), Format::NARROWBAND, START + ms(at))
}

/// Pulls what is heard at a moment and takes it to last 20 ms: the number of a packet, or what else.
fn pull(buffer: &mut JitterBuffer, at: u64) -> Result<u16, &'static str> {
    let heard = match buffer.pull(START + ms(at)) {
        Play::Packet(packet) => Ok(u16::from_be_bytes([packet.payload[0], packet.payload[1]])),
        Play::Lost { units } => {
            assert!(units >= 160);
            Err("lost")
        }
        Play::Wait { .. } => Err("wait"),
        Play::Underrun => Err("underrun"),
        Play::Empty => Err("empty"),
    };
    buffer.advance(160);
    heard
}

#[test]
fn reordered_packets_are_played_in_order_and_copies_once() {
    let mut buffer = buffer(60);
    let arrivals = [(10, 0), (12, 45), (11, 50), (12, 55), (14, 80), (13, 85)];
    let puts: Vec<Put> = arrivals.iter().map(|&(number, at)| put(&mut buffer, number, at)).collect();
    let mut expected = vec![Put::Queued; 6];
    expected[3] = Put::Duplicate;
    assert_eq!(puts, expected);
    let heard: Vec<_> = (3..9).map(|frame| pull(&mut buffer, frame * 20)).collect();
    assert_eq!(heard, [Ok(10), Ok(11), Ok(12), Ok(13), Ok(14), Err("underrun")]);
    assert_eq!(put(&mut buffer, 12, 200), Put::Duplicate);
    let counters = *buffer.counters();
    let expected = BufferCounters { received: 7, played: 5, duplicated: 2, ..BufferCounters::default() };
    assert_eq!(counters, expected);
}

#[test]
fn a_packet_before_the_first_has_its_place_as_long_as_nothing_was_heard() {
    let mut buffer = buffer(40);
    put(&mut buffer, 0, 20);
    assert_eq!(put(&mut buffer, 65_535, 25), Put::Queued);
    assert_eq!(pull(&mut buffer, 40), Ok(65_535));
    assert_eq!(put(&mut buffer, 65_534, 41), Put::Late);
    assert_eq!(pull(&mut buffer, 60), Ok(0));
    assert_eq!((buffer.counters().late, buffer.counters().lost), (1, 0));
}

#[test]
fn a_missing_packet_is_lost_until_it_comes_late() {
    let mut buffer = buffer(40);
    for (number, at) in [(0, 0), (1, 20), (3, 60), (4, 80)] {
        put(&mut buffer, number, at);
    }
    let heard: Vec<_> = (2..7).map(|frame| pull(&mut buffer, frame * 20)).collect();
    assert_eq!(heard, [Ok(0), Ok(1), Err("lost"), Ok(3), Ok(4)]);
    assert_eq!((buffer.counters().lost, buffer.counters().late), (1, 0));
    assert_eq!(put(&mut buffer, 2, 130), Put::Late);
    assert_eq!((buffer.counters().lost, buffer.counters().late), (0, 1));
    assert_eq!(put(&mut buffer, 2, 131), Put::Duplicate);
}

#[test]
fn a_packet_that_comes_while_its_place_is_concealed_is_late() {
    let mut buffer = buffer(40);
    for (number, at) in [(0, 0), (2, 40)] {
        put(&mut buffer, number, at);
    }
    assert_eq!(pull(&mut buffer, 40), Ok(0));
    assert!(matches!(buffer.pull(START + ms(60)), Play::Lost { units: 160 }));
    buffer.advance(80);
    assert_eq!(put(&mut buffer, 1, 69), Put::Late);
    assert!(matches!(buffer.pull(START + ms(70)), Play::Lost { units: 80 }));
    buffer.advance(80);
    assert_eq!(pull(&mut buffer, 80), Ok(2));
    let counters = buffer.counters();
    assert_eq!((counters.lost, counters.late, counters.played), (0, 1, 2));
}

#[test]
fn loss_that_shows_only_after_an_underrun_keeps_the_delay() {
    let mut buffer = JitterBuffer::new(PlayoutSettings::default());
    for (number, at) in [(0, 0), (1, 20), (2, 40)] {
        put(&mut buffer, number, at);
    }
    let mut heard: Vec<_> = (2..5).map(|frame| pull(&mut buffer, frame * 20)).collect();
    let before = buffer.delay();
    // The third is lost; the fourth comes late, when two frames were concealed.
    heard.push(pull(&mut buffer, 100));
    heard.push(pull(&mut buffer, 120));
    put(&mut buffer, 5, 130);
    heard.push(pull(&mut buffer, 140));
    assert_eq!(heard, [Ok(0), Ok(1), Ok(2), Err("underrun"), Err("underrun"), Ok(5)]);
    assert_eq!((buffer.counters().lost, buffer.delay()), (2, before));
}

#[test]
fn a_sequence_number_that_was_no_audio_is_neither_lost_nor_concealed() {
    let mut buffer = buffer(40);
    put(&mut buffer, 0, 0);
    // The event's packets keep its first timestamp; audio goes on behind its end.
    for (number, at) in [(1, 20), (2, 40), (3, 60)] {
        buffer.skip(&header(number, 160), START + ms(at));
    }
    put(&mut buffer, 4, 80);
    let heard: Vec<_> = (2..7).map(|frame| pull(&mut buffer, frame * 20)).collect();
    assert_eq!(heard, [Ok(0), Err("wait"), Err("wait"), Err("wait"), Ok(4)]);
    let counters = buffer.counters();
    assert_eq!((counters.lost, counters.skipped, counters.received), (0, 3, 2));
    // At the end of what there is, too.
    buffer.skip(&header(5, 800), START + ms(100));
    assert_eq!(pull(&mut buffer, 140), Err("empty"));
    // Of another source, or twice, it says nothing.
    buffer.skip(&RtpHeader { ssrc: 8, ..header(6, 0) }, START + ms(100));
    buffer.skip(&header(5, 800), START + ms(100));
    assert_eq!(buffer.counters().skipped, 4);
}

#[test]
fn packets_beyond_the_bound_push_out_the_oldest() {
    // covers: SEC-46
    let mut buffer = buffer(40);
    let mut put = |number: u16| {
        let at = START + ms(u64::from(number) * 5);
        let put = buffer.put(&header(number, u32::from(number) * 40), &[0; 40], Format::NARROWBAND, at);
        (put, buffer.held(), buffer.counters().discarded)
    };
    for number in 0..100 {
        assert_eq!(put(number), (Put::Queued, usize::from(number) + 1, 0));
    }
    assert_eq!(put(100), (Put::Overflow, MAX_PACKETS, 1));
}

#[test]
fn no_more_than_a_second_is_held() {
    // covers: SEC-46
    let mut buffer = buffer(40);
    for number in 0..=50 {
        assert_eq!(put(&mut buffer, number, u64::from(number) * 20), Put::Queued);
    }
    assert_eq!((buffer.span(), buffer.held()), (MAX_DELAY, 51));
    assert_eq!(put(&mut buffer, 51, 1_020), Put::Overflow);
    assert_eq!((buffer.span(), buffer.held()), (MAX_DELAY, 51));
    let long = PlayoutSettings::fixed(ms(5_000));
    assert_eq!(JitterBuffer::new(long).target(), MAX_DELAY);
}

#[test]
fn a_payload_beyond_the_bound_is_dropped() {
    // covers: SEC-46
    let mut buffer = buffer(40);
    let put = |buffer: &mut JitterBuffer, number, bytes| {
        buffer.put(&header(number, 0), &vec![0; bytes], Format::NARROWBAND, START)
    };
    assert_eq!(put(&mut buffer, 0, MAX_PAYLOAD_BYTES), Put::Queued);
    assert_eq!(put(&mut buffer, 1, MAX_PAYLOAD_BYTES + 1), Put::TooLong);
    assert_eq!((buffer.counters().discarded, buffer.held()), (1, 1));
}

#[test]
fn payload_buffers_are_used_again() {
    let mut scene = Scene::new(PlayoutSettings::default());
    let mut dice = Dice(1);
    scene.talk(0, 3_000, voice, |_| dice.roll(60));
    scene.run_until(START + ms(30_000));
    let warm = scene.playout.bytes();
    assert!(warm < 8_000, "{warm} bytes");
    scene.talk(1_500, 1_500, voice, |_| dice.roll(60));
    scene.run_until(START + ms(60_000));
    assert_eq!(scene.playout.bytes(), warm);
}
