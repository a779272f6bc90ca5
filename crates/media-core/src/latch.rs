//! Whose packets count, and where ours go: the peer's address, learned only where that is allowed (SEC-40, SEC-41).
//!
//! Whoever can send a packet to an open port could otherwise have the audio of the call sent to itself ("RTP bleed").

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::rtp::RtpHeader;
use crate::tick::Tick;

/// The packets in sequence that an address must send before it is learned (SEC-40).
pub const PROBATION: u8 = 4;
/// The time within which they must come.
const PROBATION_TIME: Duration = Duration::from_secs(5);
/// The addresses that are on probation at a time: the peer's, and strangers who must not keep it from being learned.
const MAX_CANDIDATES: usize = 4;
/// How long the address before is still heard after a change, for a peer that switches late (TM-014).
const LATE_SWITCH: Duration = Duration::from_secs(3);

/// Tells whether an address may be learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LatchPolicy {
    /// Only the negotiated address counts.
    #[default]
    Negotiated,
    /// The peer is behind a NAT that its description does not know of: its address is learned from its packets.
    Learn,
    /// As [`Self::Learn`], with SRTP: only packets that were authenticated count, from wherever they come, and they alone
    /// move the address (SEC-41).
    LearnAuthenticated,
}

/// Tells what a packet is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the peer's.
    Accept,
    /// It is the peer's, and from now on our packets go where it came from.
    Learned,
    /// It is a stranger's, or not proven yet: drop and count it. It must not touch any statistics.
    Stranger,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    source: SocketAddr,
    ssrc: u32,
    next: u16,
    count: u8,
    since: Tick,
    last: Tick,
}

/// Watches the source addresses of one stream's packets.
#[derive(Debug, Clone)]
pub struct Latch {
    policy: LatchPolicy,
    negotiated: SocketAddr,
    signalling: Option<IpAddr>,
    /// What was learned; nothing moves it but authentication or a new description.
    locked: Option<SocketAddr>,
    previous: Option<(SocketAddr, Tick)>,
    /// At most [`MAX_CANDIDATES`]; most streams never have one.
    candidates: Vec<Candidate>,
}

impl Latch {
    /// Starts with the address of the peer's description.
    pub fn new(negotiated: SocketAddr, policy: LatchPolicy) -> Self {
        Self { policy, negotiated, signalling: None, locked: None, previous: None, candidates: Vec::new() }
    }

    /// Goes on by another policy: what was learned by the one before is forgotten, for it may ask for less proof (SEC-41).
    pub fn obey(&mut self, policy: LatchPolicy) {
        if policy != self.policy {
            self.policy = policy;
            self.locked = None;
            self.candidates.clear();
        }
    }

    /// Says where the peer's signalling comes from: then in clear only an address of that host, or of the negotiated one, is
    /// learned.
    pub fn signalled_from(&mut self, host: Option<IpAddr>) {
        self.signalling = host;
    }

    /// Returns where our packets go.
    pub fn remote(&self) -> SocketAddr {
        self.locked.unwrap_or(self.negotiated)
    }

    /// Returns false for a packet that cannot be the peer's, whatever is in it: it need not be read, nor decrypted.
    pub fn may_accept(&self, source: SocketAddr, now: Tick) -> bool {
        let previous = self.previous.is_some_and(|(address, until)| address == source && now < until);
        match self.policy {
            LatchPolicy::Negotiated => source == self.remote() || previous,
            LatchPolicy::Learn => {
                source == self.remote() || previous || self.locked.is_none() && self.may_be(source)
            }
            LatchPolicy::LearnAuthenticated => true,
        }
    }

    /// A description of the peer came into force. With the address that was negotiated before (a hold) nothing changes;
    /// with another one what was learned is forgotten, and the address until now is heard for another 3 s or until the first
    /// packet of the new one (TM-014, TM-024).
    pub fn renegotiated(&mut self, negotiated: SocketAddr, now: Tick) {
        if negotiated == self.negotiated {
            return;
        }
        self.previous = Some((self.remote(), now + LATE_SWITCH));
        self.negotiated = negotiated;
        self.locked = None;
        self.candidates.clear();
    }

    /// Judges a packet that could be parsed and came from `source`. `authenticated` is true when SRTP has verified it and
    /// it is no replay.
    pub fn packet(
        &mut self,
        source: SocketAddr,
        header: &RtpHeader,
        authenticated: bool,
        now: Tick,
    ) -> Verdict {
        match self.policy {
            LatchPolicy::Negotiated => self.expected(source, now),
            LatchPolicy::Learn => match self.expected(source, now) {
                Verdict::Stranger
                    if self.locked.is_none() && self.may_be(source) && self.proves(source, header, now) =>
                {
                    self.learn(source)
                }
                verdict => verdict,
            },
            LatchPolicy::LearnAuthenticated if !authenticated => Verdict::Stranger,
            LatchPolicy::LearnAuthenticated => match self.expected(source, now) {
                Verdict::Stranger if self.proves(source, header, now) => self.learn(source),
                _ => Verdict::Accept,
            },
        }
    }

    /// Judges by the addresses alone. The negotiated one locks itself: a peer that is where it said it is need not be
    /// searched for elsewhere.
    fn expected(&mut self, source: SocketAddr, now: Tick) -> Verdict {
        if source == self.remote() {
            self.previous = None;
            self.locked = Some(source);
            return Verdict::Accept;
        }
        match self.previous {
            Some((address, until)) if address == source && now < until => Verdict::Accept,
            Some(_) | None => Verdict::Stranger,
        }
    }

    /// A peer behind a NAT is seen at the host that its signalling comes from.
    fn may_be(&self, source: SocketAddr) -> bool {
        self.signalling.is_none_or(|host| host == source.ip()) || source.ip() == self.negotiated.ip()
    }

    fn learn(&mut self, source: SocketAddr) -> Verdict {
        self.locked = Some(source);
        self.previous = None;
        self.candidates.clear();
        Verdict::Learned
    }

    /// Takes a packet of an address on probation; true when it was the last one needed.
    fn proves(&mut self, source: SocketAddr, header: &RtpHeader, now: Tick) -> bool {
        let candidates = &mut self.candidates;
        let known = candidates.iter().position(|known| known.source == source);
        let known = known.map(|place| candidates.swap_remove(place));
        if candidates.len() == MAX_CANDIDATES {
            // Whoever was silent longest makes room.
            let oldest = (0..MAX_CANDIDATES).min_by_key(|&place| candidates[place].last).unwrap_or(0);
            candidates.swap_remove(oldest);
        }
        let follows = known.filter(|known| {
            known.ssrc == header.ssrc
                && known.next == header.sequence
                && now.since(known.since) <= PROBATION_TIME
        });
        let (count, since) = follows.map_or((1, now), |known| (known.count + 1, known.since));
        let next = header.sequence.wrapping_add(1);
        candidates.push(Candidate { source, ssrc: header.ssrc, next, count, since, last: now });
        count >= PROBATION
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: u16 = 1;
    const NAT: u16 = 2;

    fn address(host: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, host as u8], 4_000 + host))
    }

    fn header(sequence: u16) -> RtpHeader {
        RtpHeader { marker: false, payload_type: 0, sequence, timestamp: 0, ssrc: 7 }
    }

    fn at(milliseconds: u64) -> Tick {
        Tick(milliseconds * 1_000)
    }

    /// What becomes of packets with these numbers, 20 ms apart.
    fn send(latch: &mut Latch, host: u16, numbers: impl IntoIterator<Item = u16>) -> Vec<Verdict> {
        numbers
            .into_iter()
            .map(|number| latch.packet(address(host), &header(number), false, at(u64::from(number) * 20)))
            .collect()
    }

    #[test]
    fn without_learning_only_the_negotiated_address_counts() {
        // covers: SEC-40
        let mut latch = Latch::new(address(PEER), LatchPolicy::Negotiated);
        assert_eq!(send(&mut latch, NAT, 0..100), [Verdict::Stranger; 100]);
        assert_eq!(send(&mut latch, PEER, 0..3), [Verdict::Accept; 3]);
        assert_eq!(latch.remote(), address(PEER));
    }

    #[test]
    fn four_packets_in_sequence_are_learned_and_lock() {
        // covers: SEC-40
        let mut latch = Latch::new(address(PEER), LatchPolicy::Learn);
        let verdicts = send(&mut latch, NAT, [0xFFFE, 0xFFFF]);
        assert_eq!(verdicts, [Verdict::Stranger; 2]);
        let now = at(0xFFFF * 20);
        assert_eq!(latch.packet(address(NAT), &header(0), false, now), Verdict::Stranger);
        assert_eq!(latch.remote(), address(PEER));
        assert_eq!(latch.packet(address(NAT), &header(1), false, now), Verdict::Learned);
        assert_eq!(latch.remote(), address(NAT));
        // A stranger comes too late, and so does the address of the description.
        assert_eq!(send(&mut latch, 9, 0..100), [Verdict::Stranger; 100]);
        assert_eq!(send(&mut latch, PEER, 0..100), [Verdict::Stranger; 100]);
        assert_eq!(send(&mut latch, NAT, 2..4), [Verdict::Accept; 2]);
    }

    #[test]
    fn in_clear_no_host_is_learned_that_neither_signals_nor_was_negotiated() {
        // covers: SEC-40, SEC-44
        let mut latch = Latch::new(address(PEER), LatchPolicy::Learn);
        latch.signalled_from(Some(address(NAT).ip()));
        let header = |sequence| header(sequence);
        assert_eq!(send(&mut latch, 9, 0..100), [Verdict::Stranger; 100]);
        assert!(!latch.may_accept(address(9), at(0)) && latch.may_accept(address(NAT), at(0)));
        // Another port of the negotiated host may be that of its NAT, as well.
        let mut elsewhere = latch.clone();
        let port = SocketAddr::new(address(PEER).ip(), 9_999);
        let verdicts = [0, 1, 2, 3].map(|number| elsewhere.packet(port, &header(number), false, at(3_000)));
        assert_eq!(verdicts[3], Verdict::Learned);
        assert_eq!(send(&mut latch, NAT, 200..204)[3], Verdict::Learned);
    }

    #[test]
    fn packets_out_of_sequence_of_another_source_or_too_slow_prove_nothing() {
        let mut latch = Latch::new(address(PEER), LatchPolicy::Learn);
        assert_eq!(send(&mut latch, NAT, [1, 2, 3, 5, 6, 7, 7, 8, 9]), [Verdict::Stranger; 9]);
        for sequence in 20..40 {
            let other = RtpHeader { ssrc: u32::from(sequence), ..header(sequence) };
            assert_eq!(latch.packet(address(NAT), &other, false, at(900)), Verdict::Stranger);
        }
        for (sequence, time) in [(50, 1_000), (51, 2_000), (52, 3_000), (53, 6_001)] {
            assert_eq!(latch.packet(address(NAT), &header(sequence), false, at(time)), Verdict::Stranger);
        }
        for (sequence, time) in [(60, 7_000), (61, 8_000), (62, 9_000)] {
            assert_eq!(latch.packet(address(NAT), &header(sequence), false, at(time)), Verdict::Stranger);
        }
        assert_eq!(latch.packet(address(NAT), &header(63), false, at(12_000)), Verdict::Learned);
    }

    #[test]
    fn a_peer_at_its_negotiated_address_is_not_searched_for_elsewhere() {
        let mut latch = Latch::new(address(PEER), LatchPolicy::Learn);
        assert_eq!(send(&mut latch, PEER, [0]), [Verdict::Accept]);
        assert_eq!(send(&mut latch, NAT, 0..100), [Verdict::Stranger; 100]);
        assert_eq!(latch.remote(), address(PEER));
    }

    #[test]
    fn strangers_do_not_keep_the_peer_from_being_learned() {
        let mut latch = Latch::new(address(PEER), LatchPolicy::Learn);
        let mut verdicts = Vec::new();
        for sequence in 0..4 {
            verdicts.extend(send(&mut latch, NAT, [sequence]));
            // As many as fit beside it; each sends a number out of the air.
            for stranger in 0..MAX_CANDIDATES as u16 - 1 {
                assert_eq!(send(&mut latch, 10 + stranger, [sequence * 7]), [Verdict::Stranger]);
            }
        }
        assert_eq!(verdicts[3], Verdict::Learned);
    }

    #[test]
    fn a_hold_forgets_nothing_and_a_new_address_everything() {
        // covers: TM-024, TM-014
        let mut latch = Latch::new(address(PEER), LatchPolicy::Learn);
        send(&mut latch, NAT, 0..4);
        latch.renegotiated(address(PEER), at(1_000));
        assert_eq!(latch.remote(), address(NAT));
        latch.renegotiated(address(5), at(2_000));
        assert_eq!(latch.remote(), address(5));
        // The address before is heard for 3 s, or until the new one speaks.
        assert_eq!(latch.packet(address(NAT), &header(9), false, at(4_999)), Verdict::Accept);
        let mut late = latch.clone();
        assert_eq!(late.packet(address(NAT), &header(9), false, at(5_000)), Verdict::Stranger);
        assert_eq!(latch.packet(address(5), &header(0), false, at(4_999)), Verdict::Accept);
        assert_eq!(latch.packet(address(NAT), &header(10), false, at(4_999)), Verdict::Stranger);
    }

    #[test]
    fn with_srtp_only_authenticated_packets_move_the_address() {
        // covers: SEC-41, SEC-40
        let mut latch = Latch::new(address(PEER), LatchPolicy::LearnAuthenticated);
        assert_eq!(send(&mut latch, NAT, 0..100), [Verdict::Stranger; 100]);
        assert_eq!(send(&mut latch, PEER, 0..2), [Verdict::Stranger; 2]);
        let mut verdicts = Vec::new();
        for sequence in 100..106 {
            verdicts.push(latch.packet(address(NAT), &header(sequence), true, at(3_000)));
        }
        // They are the peer's from the first one on; ours follow after four.
        let (before, after) = ([Verdict::Accept; 3], [Verdict::Accept; 2]);
        assert_eq!(verdicts, [&before[..], &[Verdict::Learned], &after[..]].concat());
        // The peer has moved to another network: it may, because it proves who it is.
        for sequence in 106..110 {
            latch.packet(address(8), &header(sequence), true, at(3_100));
        }
        assert_eq!(latch.remote(), address(8));
    }
}
