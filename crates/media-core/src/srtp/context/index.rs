//! The index of a packet, of which RTP carries 16 of 48 bits (RFC 3711 §3.3.1), and what was seen already (§3.3.2).

use super::SrtpError;

/// One more than the last index.
const END: u64 = 1 << 48;

/// Returns the index next to `highest` that ends in `sequence`. One before the first is too old, and none follows the
/// last under one master key.
fn estimate(highest: u64, sequence: u16) -> Result<u64, SrtpError> {
    let ahead = sequence.wrapping_sub(highest as u16);
    // Half the numbers count as ahead, with the one that is as far ahead as behind: losses are likelier than delays.
    let index = if ahead <= 1 << 15 {
        highest + u64::from(ahead)
    } else {
        highest.checked_sub(u64::from(ahead.wrapping_neg())).ok_or(SrtpError::Replayed)?
    };
    if index < END { Ok(index) } else { Err(SrtpError::KeyExpired) }
}

/// The packets behind the highest that may still come: 2.5 s of audio; RFC 3711 §3.3.2 wants 64 or more.
const WINDOW: u64 = 128;

/// Remembers which indices were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    highest: u64,
    /// Bit n stands for `highest - n`.
    window: u128,
}

impl Seen {
    /// Starts with one index.
    pub(super) fn new(index: u64) -> Self {
        Self { highest: index, window: 1 }
    }

    /// Returns true for an index that was not seen, and that would be known if it had been.
    pub(super) fn is_new(self, index: u64) -> bool {
        match self.highest.checked_sub(index) {
            None => true,
            Some(behind) => behind < WINDOW && self.window >> behind & 1 == 0,
        }
    }

    /// Returns the index of a packet with this sequence number, unless it was seen.
    pub(super) fn estimate(self, sequence: u16) -> Result<u64, SrtpError> {
        estimate(self.highest, sequence)
            .and_then(|index| if self.is_new(index) { Ok(index) } else { Err(SrtpError::Replayed) })
    }

    /// Adds what was seen elsewhere under the same key.
    pub(super) fn merge(&mut self, other: Self) {
        let (newer, older) = if self.highest >= other.highest { (*self, other) } else { (other, *self) };
        let behind = newer.highest - older.highest;
        let seen = if behind < WINDOW { older.window << behind } else { 0 };
        *self = Self { highest: newer.highest, window: newer.window | seen };
    }

    /// Adds an index that [`Seen::is_new`].
    pub(super) fn add(&mut self, index: u64) {
        if index > self.highest {
            let ahead = index - self.highest;
            self.window = if ahead < WINDOW { self.window << ahead } else { 0 };
            self.highest = index;
        }
        self.window |= 1 << (self.highest - index);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_nearest_index_is_taken() {
        // covers: TM-103
        for (highest, sequence, index) in [
            (0, 0, Ok(0)),
            (0, 0x8000, Ok(0x8000)),
            (0, 0x8001, Err(SrtpError::Replayed)),
            (5, 0xFFFF, Err(SrtpError::Replayed)),
            (0x7FFF, 0xFFFF, Ok(0xFFFF)),
            (0xFFFF, 0, Ok(0x1_0000)),
            (0x1_0000, 0xFFFF, Ok(0xFFFF)),
            (0x1_0002, 0xFFF0, Ok(0xFFF0)),
            (0x1_FFFF, 0x7FFF, Ok(0x2_7FFF)),
            (0x1_FFFF, 0x8000, Ok(0x1_8000)),
            (END - 1, 0xFFFF, Ok(END - 1)),
            (END - 1, 0xFFFE, Ok(END - 2)),
            (END - 1, 0, Err(SrtpError::KeyExpired)),
        ] {
            assert_eq!(estimate(highest, sequence), index, "{highest:x} {sequence:x}");
        }
    }

    #[test]
    fn the_window_has_edges() {
        let mut seen = Seen::new(1_000);
        assert!(!seen.is_new(1_000));
        assert!(seen.is_new(1_000 - WINDOW + 1));
        assert!(!seen.is_new(1_000 - WINDOW));
        seen.add(1_000 - WINDOW + 1);
        assert!(!seen.is_new(1_000 - WINDOW + 1));
        seen.add(1_000 + WINDOW - 1);
        assert!(!seen.is_new(1_000));
        assert!(seen.is_new(1_001));
        seen.add(1_000 + 2 * WINDOW - 1);
        assert!(!seen.is_new(1_000 + WINDOW - 1));
        assert!(seen.is_new(1_000 + WINDOW));
    }

    proptest! {
        #[test]
        fn what_is_sent_is_estimated(first in any::<u16>(), steps in prop::collection::vec(-100..20_000_i64, 0..200)) {
            let mut index = i64::from(first);
            let mut highest = index.cast_unsigned();
            for step in steps {
                index = (index + step).max(0);
                prop_assert_eq!(estimate(highest, index as u16), Ok(index.cast_unsigned()));
                highest = highest.max(index.cast_unsigned());
                index = highest.cast_signed();
            }
        }

        #[test]
        fn the_window_agrees_with_a_list(indices in prop::collection::vec(0..600_u64, 1..300)) {
            let mut seen = Seen::new(indices[0]);
            let mut list = vec![indices[0]];
            for index in indices {
                let highest = list.iter().copied().max().unwrap_or_default();
                let new = !list.contains(&index) && index + WINDOW > highest;
                prop_assert_eq!(seen.is_new(index), new);
                if new {
                    seen.add(index);
                    list.push(index);
                }
            }
        }
    }
}
