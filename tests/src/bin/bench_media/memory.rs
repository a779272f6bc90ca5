//! What a media session holds: a stream with its device, as the allocator sees it.

use std::time::Duration;

use media_core::playout::{Content, Format, Playout, PlayoutSettings};
use media_core::rtp::RtpHeader;
use media_core::{Direction, Tick};
use patchcord_tests::media::{Calls, Protection, speech};
use stats_alloc::Region;

use crate::{ALLOCATIONS, BenchError};

/// Sessions of one side: enough for what is shared by all to count for little.
const CALLS: u64 = 1_000;
/// Frames before it is looked at: what grows has grown by then.
const FRAMES: u64 = 250;

pub(crate) fn print() -> Result<(), BenchError> {
    let frames = frames_of_a_playout();
    println!(
        "| media session | B opened | B after 5 s of audio each way | of these, frames that wait or were heard | B besides |"
    );
    println!("| --- | --- | --- | --- | --- |");
    for (name, protection) in Protection::NAMES {
        let region = Region::new(ALLOCATIONS);
        let held = || {
            let change = region.change();
            change.bytes_allocated as f64 - change.bytes_deallocated as f64
        };
        let mut calls = Calls::new(CALLS, protection, true, Direction::SendRecv, &speech())
            .ok_or_else(|| BenchError::SetUp(format!("{CALLS} calls")))?;
        let opened = held();
        for _ in 0..FRAMES {
            if calls.turn().surprises > 0 {
                return Err(BenchError::Case(format!("{CALLS} calls, {name}")));
            }
        }
        let sessions = (2 * calls.count()) as f64;
        let (opened, warm) = (opened / sessions, held() / sessions);
        println!("| {name} | {opened:.0} | {warm:.0} | {frames} | {:.0} |", warm - frames as f64);
    }
    println!();
    Ok(())
}

/// What a playout allocates for packets that wait, and for samples that are decoded or may be needed again.
fn frames_of_a_playout() -> usize {
    let mut playout = Playout::new(PlayoutSettings::default(), Format::NARROWBAND);
    let mut decoder = |_: u8, payload: &[u8], samples: &mut Vec<i16>| {
        samples.resize(samples.len() + payload.len(), 0);
        Content::Audio
    };
    let mut frame = [0; 160];
    for number in 0..FRAMES {
        let now = Tick::default() + Duration::from_millis(20) * number as u32;
        let header = RtpHeader {
            marker: false,
            payload_type: 0,
            sequence: number as u16,
            timestamp: number as u32 * 160,
            ssrc: 1,
        };
        playout.put(&header, &[0xFF; 160], Format::NARROWBAND, now);
        playout.pull(now, &mut frame, &mut decoder);
    }
    playout.bytes() - size_of::<Playout>()
}
