//! Properties of the playout over arbitrary networks and hostile packets.

use std::time::Duration;

use media_core::Tick;
use media_core::playout::{
    Content, Format, JitterBuffer, MAX_DELAY, MAX_PACKETS, MAX_PAYLOAD_BYTES, Play, Playout, PlayoutSettings,
};
use media_core::rtp::RtpHeader;
use proptest::collection::vec;
use proptest::prelude::*;

const START: Tick = Tick(5_000_000);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn header(number: u16) -> RtpHeader {
    // Both the sequence and the timestamp wrap in the middle.
    RtpHeader {
        marker: false,
        payload_type: 0,
        sequence: 65_500u16.wrapping_add(number),
        timestamp: (u32::MAX - 16_000).wrapping_add(u32::from(number) * 160),
        ssrc: 9,
    }
}

/// Sends a packet of 20 ms at each 20 ms that arrives so many milliseconds late, `None` never, and pulls each 20 ms;
/// returns the numbers of the packets in the order in which they were played.
fn played(buffer: &mut JitterBuffer, lateness: &[Option<u64>], copies: bool) -> Vec<u16> {
    let mut arrivals: Vec<(u64, u16)> = Vec::new();
    for (number, late) in lateness.iter().enumerate() {
        if let Some(late) = late {
            arrivals.push((number as u64 * 20 + late, number as u16));
            if copies {
                arrivals.push((number as u64 * 20 + late + late % 30, number as u16));
            }
        }
    }
    arrivals.sort_unstable();
    let mut arrivals = arrivals.into_iter().peekable();
    let mut heard = Vec::new();
    for frame in 0..lateness.len() as u64 + 120 {
        let now = frame * 20;
        while let Some((at, number)) = arrivals.next_if(|(at, _)| *at <= now) {
            buffer.put(&header(number), &number.to_be_bytes(), Format::NARROWBAND, START + ms(at));
        }
        match buffer.pull(START + ms(now)) {
            Play::Packet(packet) => {
                heard.push(u16::from_be_bytes([packet.payload[0], packet.payload[1]]));
                buffer.advance(160);
            }
            _ => buffer.advance(160),
        }
    }
    heard
}

/// One step of a hostile peer and a careless reader.
#[derive(Debug, Clone)]
enum Step {
    Put { header: RtpHeader, bytes: usize, format: Format },
    Skip { header: RtpHeader },
    Pull { samples: usize },
    Reset,
}

fn format() -> impl Strategy<Value = Format> {
    let rate = prop_oneof![9 => Just(8_000), 1 => any::<u32>(), 1 => Just(0)];
    (rate.clone(), rate)
        .prop_map(|(clock_rate, sample_rate)| Format { clock_rate, sample_rate: sample_rate.min(48_000) })
}

fn hostile_header() -> impl Strategy<Value = RtpHeader> {
    let near = |most: u32| prop_oneof![4 => 0..most, 1 => any::<u32>()];
    (any::<bool>(), prop_oneof![Just(0u8), Just(13), Just(99)], near(200), near(20_000), 0..8u32).prop_map(
        |(marker, payload_type, sequence, timestamp, ssrc)| RtpHeader {
            marker,
            payload_type,
            sequence: sequence as u16,
            timestamp,
            ssrc: ssrc / 7,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = prop_oneof![8 => 0..400usize, 1 => MAX_PAYLOAD_BYTES - 1..MAX_PAYLOAD_BYTES + 2];
    prop_oneof![
        8 => (hostile_header(), bytes, format()).prop_map(|(header, bytes, format)| Step::Put { header, bytes, format }),
        2 => hostile_header().prop_map(|header| Step::Skip { header }),
        6 => (0..1_000usize).prop_map(|samples| Step::Pull { samples }),
        1 => Just(Step::Reset),
    ]
}

fn settings() -> impl Strategy<Value = PlayoutSettings> {
    prop_oneof![
        Just(PlayoutSettings::default()),
        (0..2_000u64).prop_map(|delay| PlayoutSettings::fixed(ms(delay))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Whatever is lost, copied and late (below the second that begins anew): what is played is in order, and everything
    /// is counted once.
    #[test]
    fn nothing_is_played_out_of_order_or_twice(
        lateness in vec(prop_oneof![6 => (0..60u64).prop_map(Some), 1 => (0..400u64).prop_map(Some), 1 => Just(None)], 1..300),
        copies in any::<bool>(),
        settings in settings(),
    ) {
        let mut buffer = JitterBuffer::new(settings);
        let heard = played(&mut buffer, &lateness, copies);
        prop_assert!(heard.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", heard);
        let counters = buffer.counters();
        prop_assert_eq!(counters.played, heard.len() as u64);
        let ended = counters.played + counters.late + counters.duplicated + counters.discarded;
        prop_assert_eq!(ended, counters.received);
    }

    /// A fixed delay above the jitter and one pull plays every packet in any order of arrival.
    #[test]
    fn a_fixed_delay_above_the_jitter_plays_everything(
        jitter in 0..300u64,
        rolls in vec(0..=1_000u64, 1..400),
    ) {
        let mut lateness: Vec<_> = rolls.iter().map(|roll| Some(roll * jitter / 1_000)).collect();
        // The first one is the fastest, or the start would be off by what it is late.
        lateness[0] = Some(0);
        let mut buffer = JitterBuffer::new(PlayoutSettings::fixed(ms(jitter + 20)));
        let heard = played(&mut buffer, &lateness, false);
        prop_assert_eq!(heard.len(), lateness.len(), "{:?}", buffer.counters());
        prop_assert_eq!(buffer.counters().lost + buffer.counters().late, 0);
    }

    /// An adaptive delay plays every packet of a network that keeps the order, from the first one on.
    #[test]
    fn an_adaptive_delay_plays_everything_that_comes_in_order(
        rolls in vec(0..=300u64, 1..400),
        copies in any::<bool>(),
    ) {
        let mut last = 0;
        let mut lateness: Vec<_> = rolls.iter().enumerate().map(|(number, roll)| {
            last = (number as u64 * 20 + roll).max(last);
            Some(last - number as u64 * 20)
        }).collect();
        lateness[0] = Some(0);
        let mut buffer = JitterBuffer::new(PlayoutSettings::default());
        let heard = played(&mut buffer, &lateness, copies);
        prop_assert_eq!(heard.len(), lateness.len(), "{:?}", buffer.counters());
        prop_assert_eq!(buffer.counters().lost + buffer.counters().late, 0);
    }

    /// Any packets and any pulls: no panic, bounds kept, every pull filled to the last sample.
    #[test]
    fn hostile_packets_neither_panic_nor_grow(
        steps in vec((step(), prop_oneof![8 => 0..40_000u64, 1 => 0..5_000_000u64]), 1..300),
        settings in settings(),
    ) {
        let mut playout = Playout::new(settings, Format::NARROWBAND);
        let mut decoder = |payload_type: u8, payload: &[u8], samples: &mut Vec<i16>| match payload_type {
            13 => Content::ComfortNoise,
            99 => Content::Unknown,
            _ => {
                samples.extend(payload.iter().map(|&byte| i16::from(byte) << 7));
                Content::Audio
            }
        };
        let mut now = START;
        for (step, later) in steps {
            now += Duration::from_micros(later);
            match step {
                Step::Put { header, bytes, format } => {
                    playout.put(&header, &vec![0xA5; bytes], format, now);
                }
                Step::Skip { header } => playout.skip(&header, now),
                Step::Pull { samples } => {
                    let mut out = vec![0; samples];
                    let pulled = playout.pull(now, &mut out, &mut decoder);
                    prop_assert_eq!(pulled.received + pulled.concealed + pulled.silent, samples);
                }
                Step::Reset => playout.reset(),
            }
            let buffer = playout.buffer();
            prop_assert!(buffer.held() <= MAX_PACKETS && buffer.span() <= MAX_DELAY);
            prop_assert!(playout.bytes() < 600_000, "{} bytes", playout.bytes());
            let counters = buffer.counters();
            let ended = counters.played + counters.late + counters.duplicated + counters.discarded;
            prop_assert!(ended <= counters.received);
            prop_assert!(counters.received <= ended + MAX_PACKETS as u64 + 1);
        }
    }
}
