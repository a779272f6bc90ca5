//! Which source a stream listens to: another SSRC does not take the place of one that is heard (SEC-43).

use std::time::Duration;

use crate::tick::Tick;

/// A source that was not heard for this long can be replaced by any other.
const QUIET: Duration = Duration::from_secs(1);
/// The packets in sequence, with none of the source until now between them, after which another source takes over.
pub const TAKE_OVER: u8 = 50;
/// How long after a signalled change the first packet of another source takes over at once: a peer that switches late
/// does so within seconds (TM-014).
const SIGNALLED: Duration = Duration::from_secs(4);

/// Tells what a packet's SSRC means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SsrcVerdict {
    /// It is that of the source that is listened to.
    Current,
    /// It is that of a new source, which is listened to from this packet on: flush what was buffered (TM-060).
    Changed,
    /// It is that of another source: drop and count the packet.
    Stranger,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    ssrc: u32,
    next: u16,
    count: u8,
}

/// Watches the SSRC of one stream's packets.
#[derive(Debug, Clone, Default)]
pub struct SsrcGuard {
    current: Option<(u32, Tick)>,
    candidate: Option<Candidate>,
    /// Until when a change is expected.
    open_until: Option<Tick>,
}

impl SsrcGuard {
    /// Returns the source that is listened to.
    pub fn current(&self) -> Option<u32> {
        self.current.map(|(ssrc, _)| ssrc)
    }

    /// A new description came into force, or the source has said BYE: the next other source takes over at once.
    pub fn signalled(&mut self, now: Tick) {
        self.open_until = Some(now + SIGNALLED);
    }

    /// Judges a packet whose address was accepted.
    pub fn packet(&mut self, ssrc: u32, sequence: u16, now: Tick) -> SsrcVerdict {
        let Some((current, last)) = self.current else { return self.change(ssrc, now) };
        if ssrc == current {
            self.current = Some((current, now));
            self.candidate = None;
            return SsrcVerdict::Current;
        }
        let expected = self.open_until.is_some_and(|until| now < until);
        if expected || now.since(last) >= QUIET {
            return self.change(ssrc, now);
        }
        let follows = self.candidate.filter(|known| known.ssrc == ssrc && known.next == sequence);
        let count = follows.map_or(1, |known| known.count + 1);
        if count >= TAKE_OVER {
            return self.change(ssrc, now);
        }
        self.candidate = Some(Candidate { ssrc, next: sequence.wrapping_add(1), count });
        SsrcVerdict::Stranger
    }

    fn change(&mut self, ssrc: u32, now: Tick) -> SsrcVerdict {
        *self = Self { current: Some((ssrc, now)), candidate: None, open_until: None };
        SsrcVerdict::Changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Tick {
        Tick(milliseconds * 1_000)
    }

    fn guard() -> SsrcGuard {
        let mut guard = SsrcGuard::default();
        assert_eq!(guard.packet(1, 0, at(0)), SsrcVerdict::Changed);
        assert_eq!(guard.packet(1, 1, at(20)), SsrcVerdict::Current);
        guard
    }

    #[test]
    fn a_live_source_is_not_displaced() {
        // covers: SEC-43
        let mut guard = guard();
        for packet in 0..1_000u16 {
            let now = at(20 + u64::from(packet) * 20);
            assert_eq!(guard.packet(2, packet, now), SsrcVerdict::Stranger);
            assert_eq!(guard.packet(1, packet, now), SsrcVerdict::Current);
        }
        assert_eq!(guard.current(), Some(1));
    }

    #[test]
    fn a_flood_within_the_pause_of_a_live_source_ends_at_fifty() {
        // covers: SEC-43
        let mut guard = guard();
        for packet in 0..u16::from(TAKE_OVER) - 1 {
            assert_eq!(guard.packet(2, packet, at(30)), SsrcVerdict::Stranger);
        }
        let mut broken = guard.clone();
        assert_eq!(guard.packet(2, 49, at(30)), SsrcVerdict::Changed);
        assert_eq!(broken.packet(2, 60, at(30)), SsrcVerdict::Stranger, "not in sequence");
    }

    #[test]
    fn after_a_second_of_silence_the_next_source_takes_over() {
        let mut guard = guard();
        assert_eq!(guard.packet(2, 0, at(1_019)), SsrcVerdict::Stranger);
        assert_eq!(guard.packet(2, 1, at(1_020)), SsrcVerdict::Changed);
        assert_eq!(guard.packet(1, 2, at(1_021)), SsrcVerdict::Stranger, "it does not flip back");
    }

    #[test]
    fn a_signalled_change_takes_over_at_once_and_only_once() {
        let mut guard = guard();
        guard.signalled(at(100));
        assert_eq!(guard.packet(1, 2, at(120)), SsrcVerdict::Current, "what is under way");
        assert_eq!(guard.packet(2, 0, at(140)), SsrcVerdict::Changed);
        assert_eq!(guard.packet(3, 0, at(160)), SsrcVerdict::Stranger);
        guard.signalled(at(200));
        guard.packet(2, 1, at(4_199));
        assert_eq!(guard.packet(3, 1, at(4_200)), SsrcVerdict::Stranger, "four seconds later it is too late");
    }
}
