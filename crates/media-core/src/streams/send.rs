//! Frames: pacing by absolute deadlines, sequence numbers, timestamps, the marker.

use std::time::Duration;

use bytes::Bytes;

use super::device::Device;
use super::session::{Gate, Session};
use super::values::{PacketKind, StreamOutput};
use crate::codec::Codec;
use crate::rtp::RtpHeader;
use crate::tick::Tick;

/// The most frames that are sent in one step: after a longer stall the rest is skipped, because a burst would only
/// be dropped by the peer's jitter buffer.
const MAX_CATCH_UP_FRAMES: u32 = 5;
/// The samples per millisecond of every codec.
const SAMPLES_PER_MS: usize = (Codec::CLOCK_RATE / 1_000) as usize;

impl Session {
    /// Sends every frame whose deadline has come.
    pub(super) fn send_frames(
        &mut self,
        now: Tick,
        device: Option<&mut Device>,
        out: &mut Vec<StreamOutput>,
    ) {
        let Some(agreed) = self.agreed.clone() else { return };
        let frame = Duration::from_millis(u64::from(agreed.ptime_ms));
        let mut device_player = device.map(|device| &mut device.player);
        let mut samples = Vec::new();
        let mut payload = Vec::new();
        while let Some(deadline) = self.next_frame.filter(|deadline| *deadline <= now) {
            let deadline = self.skip_stall(deadline, now, frame);
            samples.clear();
            payload.clear();
            let count = usize::from(agreed.ptime_ms) * SAMPLES_PER_MS;
            let player = match self.gate {
                Gate::Closed => None,
                Gate::Device => device_player.as_deref_mut(),
                Gate::Hold => self.hold.as_mut(),
            };
            let Some(player) = player else {
                self.next_frame = None;
                return;
            };
            player.pull(count, &mut samples);
            agreed.codec.encode(&samples, &mut payload);
            let header = RtpHeader {
                marker: self.marker,
                payload_type: agreed.payload_type,
                sequence: self.sequence,
                timestamp: self.timestamp(deadline),
                ssrc: self.ssrc,
            };
            out.push(StreamOutput::Send {
                stream: self.id,
                kind: PacketKind::Rtp,
                to: agreed.remote_rtp,
                packet: Bytes::from(header.packet(&payload)),
            });
            self.marker = false;
            self.sequence = self.sequence.wrapping_add(1);
            self.sent += 1;
            self.octets_sent += payload.len() as u64;
            self.last_sent = Some(now);
            self.last_frame_end = deadline + frame;
            self.next_frame = Some(self.last_frame_end);
        }
    }

    /// After a stall, moves on by whole frames; the timestamp jumps with the clock, the sequence does not.
    fn skip_stall(&mut self, deadline: Tick, now: Tick, frame: Duration) -> Tick {
        let late = now.since(deadline);
        if late < frame * MAX_CATCH_UP_FRAMES {
            return deadline;
        }
        self.marker = true;
        let frames = (late.as_micros() / frame.as_micros()) as u64;
        Tick(deadline.0 + frames * frame.as_micros() as u64)
    }

    /// The media clock at a moment: it runs on through holds (RFC 3550 §5.1, TM-006).
    pub(super) fn timestamp(&self, at: Tick) -> u32 {
        let elapsed = at.0.saturating_sub(self.opened.0);
        let samples = u128::from(elapsed) * SAMPLES_PER_MS as u128 / 1_000;
        self.timestamp_base.wrapping_add(samples as u32)
    }
}
