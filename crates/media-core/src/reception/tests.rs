use super::*;

fn header(sequence: u16, timestamp: u32) -> RtpHeader {
    RtpHeader { marker: false, payload_type: 0, sequence, timestamp, ssrc: 7 }
}

fn at(milliseconds: u64) -> Tick {
    Tick(milliseconds * 1_000)
}

#[test]
fn jitter_is_that_of_rfc_3550() {
    // covers: TM-080
    let mut reception = Reception::new(7, 65_534);
    let mut jitters = Vec::new();
    for (index, arrival) in [0, 20, 45, 60, 85].into_iter().enumerate() {
        let sequence = 65_534u16.wrapping_add(index as u16);
        let timestamp = (u32::MAX - 200).wrapping_add(160 * index as u32);
        reception.receive(&header(sequence, timestamp), at(arrival), true);
        jitters.push(reception.jitter());
    }
    assert_eq!(jitters, [0.0, 0.0, 2.5, 4.843_75, 7.041_015_625]);
    assert!((reception.jitter_ms() - 0.880).abs() < 0.001);
    assert_eq!(reception.jitter() as u32, 7);
}

#[test]
fn loss_is_that_of_rfc_3550() {
    // covers: TM-081
    let mut reception = Reception::new(7, 65_400);
    for index in 0..250u16 {
        // Ten are lost, none of them the first or the last.
        if index % 25 != 12 {
            let sequence = 65_400u16.wrapping_add(index);
            reception.receive(&header(sequence, 0), at(0), false);
        }
    }
    assert_eq!((reception.expected(), reception.received(), reception.lost()), (250, 240, 10));
    let interval = reception.take_interval();
    assert_eq!((interval.expected, interval.received, interval.lost, interval.fraction), (250, 240, 10, 10));
    assert!((interval.percent() - 4.0).abs() < 1e-9);
    // An interval in which nothing came, and one with duplicates only.
    let empty = reception.take_interval();
    assert_eq!((empty.expected, empty.fraction), (0, 0));
    let newest = 65_400u16.wrapping_add(249);
    reception.receive(&header(newest, 0), at(0), false);
    let twice = reception.take_interval();
    assert_eq!((twice.lost, twice.fraction, twice.percent()), (-1, 0, 0.0));
}

#[test]
fn sequence_numbers_wrap_with_their_cycles() {
    // covers: TM-062
    let mut reception = Reception::new(7, 0);
    for index in 0..200_000u32 {
        // Ten years after the start of the clock, with a timestamp that wraps.
        let timestamp = (u32::MAX - 1_000_000).wrapping_add(index * 160);
        let arrival = at(315_360_000_000 + u64::from(index) * 20);
        reception.receive(&header(index as u16, timestamp), arrival, true);
    }
    assert_eq!(reception.extended_max(), 199_999);
    assert_eq!((reception.expected(), reception.lost()), (200_000, 0));
    assert!(reception.jitter() < f64::EPSILON);
}

#[test]
fn reordered_duplicate_and_jumped_packets_are_told_apart() {
    let mut reception = Reception::new(7, 1_000);
    let mut receive = |sequence| reception.receive(&header(sequence, 0), at(0), false);
    assert_eq!(receive(1_000), Arrival::Newest);
    assert_eq!(receive(1_000), Arrival::Duplicate);
    assert_eq!(receive(1_003), Arrival::Newest);
    assert_eq!(receive(1_002), Arrival::Older);
    // The limits of a dropout and of reordering.
    assert_eq!(receive(1_003 + 2_999), Arrival::Newest);
    assert_eq!(receive(4_002 - 99), Arrival::Older);
    assert_eq!(receive(4_002 - 100), Arrival::Jump);
    assert_eq!(receive(4_002 + 3_000), Arrival::Jump);
    // One jump may be an accident; the next number in a row is a restart.
    assert_eq!(receive(30_000), Arrival::Jump);
    assert_eq!(receive(4_003), Arrival::Newest);
    assert_eq!(receive(30_000), Arrival::Jump);
    assert_eq!(receive(30_001), Arrival::Restarted);
    assert_eq!((reception.expected(), reception.received()), (1, 1));
}

#[test]
fn a_pause_or_a_marker_is_no_jitter() {
    let mut reception = Reception::new(7, 0);
    reception.receive(&header(0, 0), at(0), true);
    // A minute of pause during which the peer's clock stood still.
    reception.receive(&header(1, 160), at(60_000), true);
    let marked = RtpHeader { marker: true, ..header(2, 320) };
    reception.receive(&marked, at(60_500), true);
    assert!(reception.jitter() < f64::EPSILON);
    reception.receive(&header(3, 480), at(60_525), true);
    assert!((reception.jitter() - 2.5).abs() < f64::EPSILON);
    assert!((reception.max_jitter_ms() - reception.jitter_ms()).abs() < f64::EPSILON);
}

#[test]
fn the_jitter_is_told_in_the_time_of_any_clock() {
    for clock_rate in [8_000, 16_000, 48_000] {
        let mut reception = Reception::with_clock(7, 0, clock_rate);
        for (index, arrival) in [0, 20, 45, 60, 85].into_iter().enumerate() {
            let timestamp = clock_rate / 50 * index as u32;
            reception.receive(&header(index as u16, timestamp), at(arrival), true);
        }
        assert!((reception.jitter_ms() - 0.880).abs() < 0.001, "{clock_rate}");
    }
}

#[test]
fn another_clock_of_the_same_source_keeps_the_jitter_in_time() {
    let mut reception = Reception::new(7, 0);
    for (number, arrival) in [0u64, 25, 40, 65].into_iter().enumerate() {
        reception.receive(&header(number as u16, 160 * number as u32), at(arrival), true);
    }
    let (jitter, largest) = (reception.jitter_ms(), reception.max_jitter_ms());
    assert!(jitter > 0.5);
    reception.set_clock(16_000);
    assert!((reception.jitter_ms() - jitter).abs() < 1e-9);
    assert!((reception.max_jitter_ms() - largest).abs() < 1e-9);
    // Its packets are measured by the new clock, from its first one on.
    for number in 4..200u64 {
        let timestamp = 480 + 320 * (number as u32 - 3);
        reception.receive(&header(number as u16, timestamp), at(number * 20), true);
    }
    assert!(reception.jitter_ms() < 0.001, "{}", reception.jitter_ms());
    assert_eq!(reception.lost(), 0);
}
