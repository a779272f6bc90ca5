//! The playout: packets of PCMU put, 20 ms at a time pulled.

use std::time::Duration;

use media_core::playout::{Content, Format, Playout, PlayoutSettings, Pulled};
use media_core::rtp::RtpHeader;
use media_core::{Tick, g711};

use super::Case;

/// The samples, and timestamp units, of one frame.
const FRAME: usize = 160;
/// Pulls before a case begins: the delay is what it will be by then.
const WARM_UP: u64 = 300;

/// One packet put and one frame pulled; every packet whose number is a multiple of `missing` does not come.
pub(super) fn case(missing: u64) -> Case {
    let mut playout = Playout::new(PlayoutSettings::default(), Format::NARROWBAND);
    let mut decoder = |_: u8, payload: &[u8], samples: &mut Vec<i16>| {
        samples.extend(payload.iter().map(|&byte| g711::linear_from_ulaw(byte)));
        Content::Audio
    };
    let mut number = 0u64;
    let mut payload = [0; FRAME];
    let mut frame = [0; FRAME];
    let mut turn = move || {
        // A wave of 250 Hz that never stops, so that every gap has a pitch to go on with.
        for (place, byte) in payload.iter_mut().enumerate() {
            let sample = number as usize * FRAME + place;
            *byte = if (sample / 16).is_multiple_of(2) { 0x20 } else { 0xA0 };
        }
        let header = RtpHeader {
            marker: false,
            payload_type: 0,
            sequence: number as u16,
            timestamp: (number * FRAME as u64) as u32,
            ssrc: 1,
        };
        let now = Tick(number * 20_000);
        if number % missing != missing - 1 {
            // Up to 4 ms late, as in a network that is not ours alone.
            let late = Duration::from_millis(number % 5);
            playout.put(&header, &payload, Format::NARROWBAND, now + late);
        }
        number += 1;
        playout.pull(now + Duration::from_millis(5), &mut frame, &mut decoder)
    };
    for _ in 0..WARM_UP {
        turn();
    }
    Box::new(move || {
        let Pulled { received, concealed, silent, .. } = turn();
        received + concealed + silent == FRAME
    })
}
