//! The events that a side takes: the "events" parameter of telephone-event (RFC 4733 §2.4.1, §7.1.1).

use super::{DIGITS, Event};
use crate::sdp::{parse_number, split_at_byte};

/// Holds a set of the events that we know, 0 to 16; what is beyond them in a peer's list is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventSet(u32);

impl EventSet {
    /// The events 0 to 15: what is meant where nothing is said (RFC 4733 §2.4.1).
    pub const DTMF: Self = Self(0xFFFF);

    /// Reads a list of numbers and ranges, as in `0-15,66,70`; [`Self::DTMF`] where it cannot be read.
    pub fn parse(list: &str) -> Self {
        let (mut set, mut rest) = (0, Some(list));
        while let Some(list) = rest {
            let (part, behind) =
                split_at_byte(list, b',').map_or((list, None), |(part, behind)| (part, Some(behind)));
            let Some(range) = range(part.trim_ascii()) else { return Self::DTMF };
            set |= range;
            rest = behind;
        }
        Self(set)
    }

    /// Returns true for an event that is in the set.
    pub fn contains(self, event: Event) -> bool {
        self.0 & 1 << event.code() != 0
    }
}

/// The events of a number or a range, of those that we know.
fn range(part: &str) -> Option<u32> {
    let (first, last) = split_at_byte(part, b'-').unwrap_or((part, part));
    let (first, last): (u8, u8) = (parse_number(first)?, parse_number(last)?);
    let below = |end: u32| (1 << end.min(DIGITS.len() as u32)) - 1;
    Some(below(u32::from(last) + 1) & !below(u32::from(first)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(list: &str) -> String {
        let set = EventSet::parse(list);
        (0..=16)
            .filter_map(Event::from_code)
            .filter(|event| set.contains(*event))
            .map(Event::to_char)
            .collect()
    }

    #[test]
    fn ranges_and_numbers_are_read_and_the_rest_is_left_out() {
        assert_eq!(members("0-15"), "0123456789*#ABCD");
        assert_eq!(members("0-16"), "0123456789*#ABCD!");
        assert_eq!(members("0-9, 11,66,70,16-255"), "0123456789#!");
        assert_eq!(members("3"), "3");
        assert_eq!(members("32-49"), "");
        assert_eq!(members("9-3"), "");
    }

    #[test]
    fn what_cannot_be_read_means_the_keys_of_a_telephone() {
        for list in ["", "0-256", "events=0-11", "0-15;", "-", "1-2-3", "0-11,"] {
            assert_eq!(EventSet::parse(list), EventSet::DTMF, "{list}");
        }
    }
}
