//! From packets that come when they like to samples at an even pace: the jitter buffer, its adaptation, and what is
//! heard where a packet is missing.
//!
//! - [`JitterBuffer`] holds encoded packets in the order of their sequence numbers and says at each pull what is to be
//!   heard next: a packet, the place of a lost one, or a pause. It measures the jitter and knows the delay it wants.
//! - [`Concealment`] continues audio over a gap in the manner of ITU-T G.711 Appendix I and joins what follows.
//! - [`Playout`] owns both and a short queue of decoded samples. Each pull gives exactly as many samples as are asked
//!   for, whatever the packets carry; it changes the delay by repeating or leaving out one pitch period.
//!
//! The buffer alone serves who brings a decoder with a concealment of its own; the concealment alone serves who has
//! gaps in PCM. All three are plain values: time comes in as [`crate::Tick`], and nothing is allocated once as many
//! packets were held at a time as ever will be.
//!
//! ```
//! use media_core::Tick;
//! use media_core::playout::{Content, Format, Playout, PlayoutSettings};
//! use media_core::rtp::RtpHeader;
//!
//! let mut playout = Playout::new(PlayoutSettings::default(), Format::NARROWBAND);
//! let mut pcmu = |_payload_type: u8, payload: &[u8], samples: &mut Vec<i16>| {
//!     samples.extend(payload.iter().map(|&byte| media_core::g711::linear_from_ulaw(byte)));
//!     Content::Audio
//! };
//! let mut frame = [0; 160];
//! for number in 0..50u16 {
//!     let now = Tick(u64::from(number) * 20_000);
//!     let header =
//!         RtpHeader { marker: false, payload_type: 0, sequence: number, timestamp: u32::from(number) * 160, ssrc: 1 };
//!     // The eleventh packet is lost.
//!     if number != 10 {
//!         playout.put(&header, &[0x9F; 160], Format::NARROWBAND, now);
//!     }
//!     playout.pull(now, &mut frame, &mut pcmu);
//! }
//! let report = playout.report();
//! assert_eq!((report.packets.lost, report.concealed.as_millis(), report.delay.as_millis()), (1, 20, 40));
//! ```

mod buffer;
mod conceal;
mod decode;
mod entry;
mod likeness;
mod player;
mod queue;
mod report;
mod sequence;
mod settings;
mod stretch;
mod transit;
mod values;

pub use buffer::JitterBuffer;
pub use conceal::Concealment;
pub use decode::{Content, Decode};
pub use entry::{MAX_PACKETS, MAX_PAYLOAD_BYTES};
pub use player::{Playout, Pulled};
pub use report::{BufferCounters, PlayoutReport};
pub use settings::{Format, MAX_DELAY, PlayoutSettings};
pub use values::{Packet, Play, Put, ResetCause};

#[cfg(test)]
mod tests;
