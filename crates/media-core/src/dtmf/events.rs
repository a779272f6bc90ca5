//! The events that a side takes: the "events" parameter of telephone-event (RFC 4733 §2.4.1, §7.1.1).

use super::{DIGITS, Event};

/// Holds a set of the events that we know, 0 to 16; what is beyond them in a peer's list is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventSet(u32);

impl EventSet {
    /// The events 0 to 15: what is meant where nothing is said (RFC 4733 §2.4.1).
    pub const DTMF: Self = Self(0xFFFF);

    /// Reads a list of numbers and ranges, as in `0-15,66,70`; [`Self::DTMF`] where it cannot be read.
    pub fn parse(list: &str) -> Self {
        let mut set = 0;
        for part in list.split(',') {
            let part = part.trim_ascii();
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (Ok(first), Ok(last)) = (first.parse::<u8>(), last.parse::<u8>()) else { return Self::DTMF };
            for code in (first..=last).take_while(|code| usize::from(*code) < DIGITS.len()) {
                set |= 1 << code;
            }
        }
        Self(set)
    }

    /// Returns true for an event that is in the set.
    pub fn contains(self, event: Event) -> bool {
        self.0 & 1 << event.code() != 0
    }
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
