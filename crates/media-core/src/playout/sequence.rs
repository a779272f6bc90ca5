//! Sequence numbers with their cycles, and which of them were seen (RFC 3550 A.1).

/// A jump forward below this is loss, above it a restarted source (RFC 3550 A.1).
const MAX_DROPOUT: u16 = 3_000;
/// A jump backward below this is reordering (RFC 3550 A.1).
const MAX_MISORDER: u16 = 100;

/// Tells what a sequence number means; numbers are extended by their cycles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Behind everything seen.
    Newer(u64),
    /// Before the newest, not seen yet.
    Older(u64),
    /// Seen already.
    Duplicate,
    /// Too far away to be of the same run of numbers.
    Jump,
}

/// Follows one source's sequence numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sequence {
    newest: u64,
    /// Bit n: `newest - n` was seen. Reordering reaches less far back than these bits.
    seen: u128,
}

impl Sequence {
    /// Starts with the first number; it is extended by one cycle, so that older ones have a place.
    pub(super) fn new(first: u16) -> Self {
        Self { newest: (1 << 16) + u64::from(first), seen: 1 }
    }

    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    pub(super) fn place(&self, number: u16) -> Place {
        let newest = self.newest as u16;
        let (ahead, behind) = (number.wrapping_sub(newest), newest.wrapping_sub(number));
        if ahead != 0 && ahead < MAX_DROPOUT {
            Place::Newer(self.newest + u64::from(ahead))
        } else if behind >= MAX_MISORDER {
            Place::Jump
        } else if self.seen >> behind & 1 == 1 {
            Place::Duplicate
        } else {
            Place::Older(self.newest - u64::from(behind))
        }
    }

    /// Remembers a number that [`Self::place`] gave.
    pub(super) fn note(&mut self, extended: u64) {
        if let Some(ahead) = extended.checked_sub(self.newest).filter(|&ahead| ahead > 0) {
            self.seen =
                u32::try_from(ahead).ok().and_then(|ahead| self.seen.checked_shl(ahead)).unwrap_or(0) | 1;
            self.newest = extended;
        } else {
            self.seen |= 1 << (self.newest - extended).min(127);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_on_over_the_wrap() {
        // covers: TM-062
        let mut sequence = Sequence::new(65_534);
        for step in 1..=200_000u64 {
            let number = (65_534 + step) as u16;
            let Place::Newer(extended) = sequence.place(number) else { panic!("{step} is not newer") };
            assert_eq!(extended, (1 << 16) + 65_534 + step);
            sequence.note(extended);
            assert_eq!(sequence.place(number), Place::Duplicate);
        }
    }

    #[test]
    fn the_limits_are_those_of_rfc_3550() {
        let sequence = Sequence::new(0);
        assert_eq!(sequence.place(2_999), Place::Newer(65_536 + 2_999));
        assert_eq!(sequence.place(3_000), Place::Jump);
        assert_eq!(sequence.place(65_437), Place::Older(65_437));
        assert_eq!(sequence.place(65_436), Place::Jump);
    }

    #[test]
    fn an_old_number_is_a_duplicate_the_second_time() {
        let mut sequence = Sequence::new(500);
        sequence.note(65_536 + 599);
        for behind in [1, 98, 99] {
            let number = 599 - behind;
            let expected =
                if behind == 99 { Place::Duplicate } else { Place::Older(65_536 + u64::from(number)) };
            assert_eq!(sequence.place(number), expected);
            sequence.note(65_536 + u64::from(number));
            assert_eq!(sequence.place(number), Place::Duplicate);
        }
    }
}
