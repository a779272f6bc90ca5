//! Telephone events from a sender to a receiver over a bad network (RFC 4733).

use std::time::Duration;

use media_core::Tick;
use media_core::dtmf::{Digit, DigitReceiver, DigitSender, Event, EventPacket, MIN_DURATION};
use proptest::collection::vec;
use proptest::prelude::*;

/// The packets of each digit, sent in frames of 20 ms.
fn send(clock_rate: u32, start: u32, digits: &[(Event, Duration)]) -> Vec<Vec<EventPacket>> {
    let frame = clock_rate / 50;
    let mut sender = DigitSender::new(clock_rate);
    for &(event, duration) in digits {
        sender.push(event, duration).expect("room");
    }
    let (mut timestamp, mut events) = (start, Vec::new());
    let mut out = Vec::new();
    while sender.is_active() {
        out.clear();
        sender.frame(timestamp, frame, &mut out);
        timestamp = timestamp.wrapping_add(frame);
        for packet in &out {
            if packet.marker {
                events.push(Vec::new());
            }
            events.last_mut().expect("the first packet has the marker").push(*packet);
        }
    }
    events
}

fn receive(clock_rate: u32, packets: impl IntoIterator<Item = EventPacket>) -> Vec<Digit> {
    let mut receiver = DigitReceiver::new(clock_rate);
    let mut digits = Vec::new();
    for packet in packets {
        receiver.receive(packet.timestamp, &packet.payload, Tick(0), &mut digits);
    }
    receiver.expire(Tick(u64::MAX), &mut digits);
    digits
}

fn number(longest_ms: u64) -> impl Strategy<Value = Vec<(Event, Duration)>> {
    let digit = (0..17u8).prop_map(|code| Event::from_code(code).expect("a code below 17"));
    vec((digit, (MIN_DURATION.as_millis() as u64..longest_ms).prop_map(Duration::from_millis)), 1..12)
}

fn clock() -> impl Strategy<Value = u32> {
    prop_oneof![Just(8_000), Just(16_000), Just(48_000)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Without loss each digit arrives once, with its duration in whole frames.
    #[test]
    fn what_is_sent_is_received(clock_rate in clock(), start in any::<u32>(), digits in number(9_000)) {
        // covers: TM-045, TM-043
        let received = receive(clock_rate, send(clock_rate, start, &digits).concat());
        let sent: Vec<_> = digits
            .iter()
            .map(|(event, duration)| Digit {
                digit: event.to_char(),
                duration_ms: (duration.as_millis() as u32).div_ceil(20) * 20,
            })
            .collect();
        prop_assert_eq!(received, sent);
    }

    /// Whichever packets of a digit are lost, doubled and reordered among themselves, as long as one of them arrives and
    /// the digit is no longer than its segment: it is received, once, in its place.
    #[test]
    fn one_packet_of_a_digit_is_enough(
        clock_rate in clock(),
        start in any::<u32>(),
        digits in number(1_000),
        picks in vec(vec(any::<prop::sample::Index>(), 1..8), 12),
        late in vec(any::<bool>(), 12),
    ) {
        // covers: TM-045
        let events = send(clock_rate, start, &digits);
        prop_assert_eq!(events.len(), digits.len());
        let mut packets = Vec::new();
        for (index, event) in events.iter().enumerate() {
            packets.extend(picks[index].iter().map(|pick| *pick.get(event)));
            // A packet of the digit before comes behind those of this one.
            if late[index] && index > 0 {
                packets.push(events[index - 1][0]);
            }
        }
        let received: Vec<_> = receive(clock_rate, packets).iter().map(|digit| digit.digit).collect();
        let sent: Vec<_> = digits.iter().map(|(event, _)| event.to_char()).collect();
        prop_assert!(received == sent);
    }

    /// Packets of any content and time: no panic, and never more digits than events.
    #[test]
    fn arbitrary_packets_are_survived(
        clock_rate in any::<u32>(),
        packets in vec((any::<u32>(), vec(any::<u8>(), 0..80), 0..1_000_000u64), 0..50),
    ) {
        let mut receiver = DigitReceiver::new(clock_rate);
        let mut digits = Vec::new();
        let mut now = Tick(0);
        let mut events = 0;
        for (timestamp, payload, later) in packets {
            now += Duration::from_micros(later);
            receiver.expire(now, &mut digits);
            receiver.receive(timestamp, &payload, now, &mut digits);
            events += payload.len() / 4;
        }
        receiver.expire(Tick(u64::MAX), &mut digits);
        prop_assert_eq!(receiver.deadline(), None);
        prop_assert!(digits.len() <= events);
    }
}
