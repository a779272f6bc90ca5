//! What became of each number: told to the burst meter in their order, once late packets have had their chance
//! (RFC 3611 §4.7.1).

use super::{BurstMeter, Bursts};

/// The newest numbers, whose fate is still open: 1.3 s of packets of 10 ms, and no playout waits longer than one second.
const OPEN: u32 = u128::BITS;

/// Follows the numbers of one source after the other.
#[derive(Debug, Clone)]
pub struct Fates {
    meter: BurstMeter,
    newest: Option<u16>,
    /// How many numbers are open, the newest first: bit n of what follows stands for `newest - n`.
    open: u32,
    came: u128,
    discarded: u128,
}

impl Fates {
    /// Starts with the threshold of a [`BurstMeter`].
    pub fn new(gmin: u8) -> Self {
        Self { meter: BurstMeter::new(gmin), newest: None, open: 0, came: 0, discarded: 0 }
    }

    /// A packet came. Returns false when one of its number had come before, or its fate is settled.
    pub fn came(&mut self, sequence: u16) -> bool {
        if let Some(place) = self.place(sequence) {
            let before = self.came;
            self.came |= 1 << place;
            return self.came != before;
        }
        let ahead = self.newest.map_or(1, |newest| sequence.wrapping_sub(newest));
        if ahead.cast_signed() <= 0 {
            return false;
        }
        for _ in 0..ahead {
            if self.open == OPEN {
                self.settle(OPEN - 1);
            } else {
                self.open += 1;
            }
            self.came <<= 1;
            self.discarded <<= 1;
        }
        self.came |= 1;
        self.newest = Some(sequence);
        true
    }

    /// A packet that came could not be played.
    pub fn discarded(&mut self, sequence: u16) {
        if let Some(place) = self.place(sequence) {
            self.discarded |= 1 << place;
        }
    }

    /// Another source, or another beginning of the same, follows.
    pub fn end(&mut self) {
        for place in (0..self.open).rev() {
            self.settle(place);
        }
        (self.newest, self.open, self.came, self.discarded) = (None, 0, 0, 0);
    }

    /// Returns the figures up to here; numbers that are open count as they stand.
    pub fn bursts(&self) -> Bursts {
        let mut all = self.clone();
        all.end();
        all.meter.bursts()
    }

    /// Where an open number stands.
    fn place(&self, sequence: u16) -> Option<u32> {
        let behind = u32::from(self.newest?.wrapping_sub(sequence));
        (behind < self.open).then_some(behind)
    }

    fn settle(&mut self, place: u32) {
        let stands = |bits: u128| bits >> place & 1 == 1;
        match (stands(self.came), stands(self.discarded)) {
            (true, false) => self.meter.received(),
            (true, true) => self.meter.discarded(),
            (false, _) => self.meter.lost(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::GMIN;

    /// The packets expected, and of them those lost and discarded.
    fn counts(fates: &Fates) -> (u64, u64, u64) {
        let bursts = fates.bursts();
        let of = |share: f64| (share * bursts.expected as f64).round() as u64;
        (bursts.expected, of(bursts.loss_rate), of(bursts.discard_rate))
    }

    #[test]
    fn a_packet_that_was_overtaken_is_not_lost() {
        let mut fates = Fates::new(GMIN);
        for sequence in [65_533, 65_535, 0, 2, 65_534, 1] {
            assert!(fates.came(sequence));
        }
        assert_eq!(counts(&fates), (6, 0, 0));
        assert!(!fates.came(1), "it came before");
        fates.discarded(65_534);
        assert_eq!(counts(&fates), (6, 0, 1), "late is discarded, and not lost as well");
    }

    #[test]
    fn what_stays_away_is_lost_when_its_time_is_over() {
        for (behind, lost) in [(127, 0), (128, 1)] {
            let mut fates = Fates::new(GMIN);
            fates.came(100);
            for sequence in 102..=101 + behind {
                fates.came(sequence);
            }
            assert_eq!(fates.came(101), lost == 0, "{behind}");
            assert_eq!(counts(&fates), (u64::from(behind) + 2, lost, 0));
        }
    }

    #[test]
    fn another_source_begins_anew_and_the_sums_go_on() {
        let mut fates = Fates::new(GMIN);
        for sequence in [10, 12] {
            fates.came(sequence);
        }
        fates.end();
        for sequence in [5_000, 5_001] {
            assert!(fates.came(sequence));
        }
        assert_eq!(counts(&fates), (5, 1, 0));
    }
}
