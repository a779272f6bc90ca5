//! A warm playout allocates nothing, however packets come.

use std::alloc::System;
use std::time::Duration;

use media_core::Tick;
use media_core::playout::{Content, Format, Playout, PlayoutSettings, Put};
use media_core::rtp::RtpHeader;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

/// Counts allocations; hands everything on to the system's allocator.
#[global_allocator]
static ALLOCATIONS: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The harness may allocate in a thread of its own while a count is taken; the least of some counts is the code's.
const COUNTS: u64 = 8;

/// Ten seconds of packets of which a twentieth is lost and the others are up to 60 ms late, with a change of the source.
fn ten_seconds(playout: &mut Playout, round: u64) {
    let mut decoder = |_: u8, payload: &[u8], samples: &mut Vec<i16>| {
        samples.extend(payload.iter().map(|&byte| i16::from(byte.cast_signed()) << 6));
        Content::Audio
    };
    let mut payload = [0; 160];
    let mut frame = [0; 160];
    for number in round * 500..(round + 1) * 500 {
        for (place, byte) in payload.iter_mut().enumerate() {
            *byte = (number as usize * 31 + place * 7) as u8;
        }
        let header = RtpHeader {
            marker: false,
            payload_type: 0,
            sequence: number as u16,
            timestamp: number as u32 * 160,
            ssrc: (number / 250) as u32,
        };
        let late = Duration::from_millis(if number % 7 == 3 { 60 } else { number % 5 });
        let at = Tick(number * 20_000);
        if number % 20 != 11 {
            let put = playout.put(&header, &payload, Format::NARROWBAND, at + late);
            assert!(!matches!(put, Put::TooLong | Put::Duplicate));
        }
        playout.pull(at + Duration::from_millis(5), &mut frame, &mut decoder);
    }
}

#[test]
fn a_warm_playout_allocates_nothing() {
    let mut playout = Playout::new(PlayoutSettings::default(), Format::NARROWBAND);
    for round in 0..4 {
        ten_seconds(&mut playout, round);
    }
    let report = playout.report();
    assert!(
        report.packets.lost > 50 && report.packets.resets >= 7 && report.shortened + report.lengthened > 0,
        "{report:?}"
    );
    let counts = (0..COUNTS).map(|count| {
        let region = Region::new(ALLOCATIONS);
        ten_seconds(&mut playout, 4 + count);
        let change = region.change();
        change.allocations + change.reallocations
    });
    assert_eq!(counts.min(), Some(0));
    println!("{} bytes", playout.bytes());
}
