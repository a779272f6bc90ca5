//! Packets of any number, time and length through a jitter buffer that is pulled now and then: no panic, bounds kept,
//! every pull filled, every packet counted once.
//!
//! The input is a list of steps: one byte (bits 0-2: what; bit 3: marker; bit 4: another source; bit 5: another format),
//! two of the sequence number, four of the timestamp, one of milliseconds since the step before, one of the length.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use media_core::Tick;
use media_core::playout::{
    Content, Format, MAX_DELAY, MAX_PACKETS, MAX_PAYLOAD_BYTES, Playout, PlayoutSettings,
};
use media_core::rtp::RtpHeader;

/// More than what a full buffer, its statistics and a second of samples take.
const MOST_BYTES: usize = 600_000;

fuzz_target!(|bytes: &[u8]| {
    let Some((&first, mut rest)) = bytes.split_first() else { return };
    let settings = match first {
        0 => PlayoutSettings::default(),
        delay => PlayoutSettings::fixed(Duration::from_millis(u64::from(delay) * 5)),
    };
    let mut playout = Playout::new(settings, Format::NARROWBAND);
    let mut now = Tick(u64::from(first) << 40);
    let payload = [0x5A; MAX_PAYLOAD_BYTES + 8];
    let mut decoder = |payload_type: u8, payload: &[u8], samples: &mut Vec<i16>| match payload_type {
        13 => Content::ComfortNoise,
        99 => Content::Unknown,
        _ => {
            samples.extend(payload.iter().map(|&byte| i16::from(byte) << 7));
            Content::Audio
        }
    };
    while let Some((&[what, s0, s1, t0, t1, t2, t3, later, length], behind)) = rest.split_first_chunk::<9>() {
        rest = behind;
        now += Duration::from_millis(u64::from(later));
        let header = RtpHeader {
            marker: what & 8 != 0,
            payload_type: [0, 13, 99, 0][usize::from(what & 3)],
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from(what >> 4 & 1),
        };
        let format = match what >> 5 & 1 {
            0 => Format::NARROWBAND,
            _ => Format { clock_rate: 8_000, sample_rate: 16_000 },
        };
        match what & 7 {
            0..=3 => {
                // Every 255th length is about the bound.
                let length =
                    if length == 255 { MAX_PAYLOAD_BYTES + usize::from(s1 & 1) } else { usize::from(length) };
                playout.put(&header, &payload[..length], format, now);
            }
            4 => playout.skip(&header, now),
            5 if length == 0 => playout.reset(),
            _ => {
                let mut out = vec![i16::MIN; usize::from(length) * 4];
                let pulled = playout.pull(now, &mut out, &mut decoder);
                assert_eq!(pulled.received + pulled.concealed + pulled.silent, out.len());
            }
        }
        let buffer = playout.buffer();
        assert!(buffer.held() <= MAX_PACKETS && buffer.span() <= MAX_DELAY);
        assert!(playout.bytes() <= MOST_BYTES, "{} bytes", playout.bytes());
        let counters = buffer.counters();
        let ended = counters.played + counters.late + counters.duplicated + counters.discarded;
        assert!(ended <= counters.received && counters.received <= ended + MAX_PACKETS as u64 + 1);
    }
});
