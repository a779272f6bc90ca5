//! What the network does to connections: when what is written arrives, in what pieces, and when a connection breaks.

use std::time::Duration;

use super::Network;
use crate::seed::Span;

/// How long the loss of one segment delays what comes behind it; doubled with each further loss (RFC 6298 has 1 s at
/// least, hosts have this).
const RETRANSMISSION: Duration = Duration::from_millis(200);

/// Most losses of one segment in a row.
const MOST_LOSSES: u32 = 4;

/// How long it takes until an end notices that its connection is broken.
const NOTICED: Span = Span::millis(1, 3_000);

/// Between the pieces in which one segment arrives.
const BETWEEN_PIECES: Span = Span::millis(0, 3);

/// All connections between two parties break.
#[derive(Debug, Clone, Copy)]
pub struct Break {
    /// The parties, by their numbers.
    pub between: (usize, usize),
    /// When, from the start of the world.
    pub at: Duration,
}

/// A party forgets everything and starts anew.
#[derive(Debug, Clone, Copy)]
pub struct Restart {
    /// The party, by its number.
    pub party: usize,
    /// When, from the start of the world.
    pub at: Duration,
}

/// Cuts one message on a connection in two.
#[derive(Debug, Clone)]
pub struct Split {
    /// The sender, by its number.
    pub from: usize,
    /// The kind of message as in [`Rule::what`](super::Rule::what).
    pub what: String,
    /// How many of this kind come before the one that is meant.
    pub after: u32,
    /// How many bytes the first part has.
    pub at: usize,
    /// Whether the connection breaks behind the first part; else the other one comes later.
    pub breaks: bool,
}

/// What becomes of a message that is written to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives.
    Whole,
    /// It arrives in two parts, the first of so many bytes.
    InTwo(usize),
    /// The connection breaks once so many bytes have arrived.
    Breaks(usize),
}

/// In what pieces one direction of a connection brings what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// All that is there at once, several messages in one piece too.
    AtOnce,
    /// At most so many bytes at a time.
    UpTo(usize),
}

impl Network {
    /// How long a segment takes. None is lost for good.
    pub fn stream_delay(&mut self) -> Duration {
        let mut delay = self.stream_seed.within(self.faults.delay);
        for losses in 0..MOST_LOSSES {
            if !self.stream_seed.happens(self.faults.loss) {
                break;
            }
            delay += RETRANSMISSION * (1 << losses);
        }
        delay
    }

    /// Whether what is written now arrives together with what was written before it and is still on its way.
    pub fn joins(&mut self) -> bool {
        self.stream_seed.happens(50)
    }

    /// The habit of one direction of a new connection.
    pub fn habit(&mut self) -> Habit {
        let drawn = self.stream_seed.draw();
        if self.faults.split.is_some() {
            return Habit::AtOnce;
        }
        match drawn % 8 {
            0 => Habit::UpTo(1),
            1..4 => Habit::UpTo(2 + (drawn >> 8) as usize % 600),
            _ => Habit::AtOnce,
        }
    }

    /// How many of the bytes that are there arrive in one piece, and after what time the next.
    pub fn piece(&mut self, habit: Habit, there: usize) -> (usize, Duration) {
        match habit {
            Habit::AtOnce => (there, Duration::ZERO),
            // A pause behind each single byte would make a message take a second.
            Habit::UpTo(1) => (1, Duration::ZERO),
            Habit::UpTo(most) => {
                let size = 1 + self.stream_seed.draw() as usize % most;
                (size.min(there), self.stream_seed.within(BETWEEN_PIECES))
            }
        }
    }

    /// What becomes of a message of `length` bytes.
    pub fn fate(&mut self, from: usize, what: &str, length: usize) -> Fate {
        let breaks = self.stream_seed.happens(self.faults.cuts);
        let at = self.stream_seed.draw() as usize % (length + 1);
        if self.is_ruled_out(from, what) {
            return Fate::Breaks(0);
        }
        if let Some(split) = &self.faults.split
            && (split.from, split.what.as_str()) == (from, what)
        {
            self.like_split += 1;
            if self.like_split == split.after + 1 {
                let at = split.at.min(length);
                return match split.breaks {
                    true => Fate::Breaks(at),
                    false if at == 0 || at == length => Fate::Whole,
                    false => Fate::InTwo(at),
                };
            }
        }
        if breaks { Fate::Breaks(at) } else { Fate::Whole }
    }

    /// How long it takes until an end notices that its connection is broken.
    pub fn until_noticed(&mut self) -> Duration {
        self.stream_seed.within(NOTICED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Faults, Rule};

    #[test]
    fn a_message_that_is_to_be_lost_breaks_its_connection() {
        let rule = Rule { from: 1, what: "NOTIFY".into(), after: 1, count: 1 };
        let mut network = Network::new(Faults { rules: vec![rule], ..Faults::default() }, 1);
        let fates = [1, 2, 1, 1].map(|from| network.fate(from, "NOTIFY", 300));
        assert_eq!(fates, [Fate::Whole, Fate::Whole, Fate::Breaks(0), Fate::Whole]);
    }

    #[test]
    fn the_one_message_that_is_meant_is_cut_in_two() {
        let split = Split { from: 0, what: "BYE".into(), after: 1, at: 17, breaks: false };
        let mut network = Network::new(Faults { split: Some(split), ..Faults::default() }, 1);
        let fates = [0, 1, 0, 0].map(|from| network.fate(from, "BYE", 300));
        assert_eq!(fates, [Fate::Whole, Fate::Whole, Fate::InTwo(17), Fate::Whole]);
    }

    #[test]
    fn cuts_are_about_as_many_as_were_asked_for_and_anywhere_in_a_message() {
        let mut network = Network::new(Faults { cuts: 20, ..Faults::default() }, 1);
        let fates: Vec<_> = (0..10_000).map(|_| network.fate(0, "", 99)).collect();
        let breaks = |fate: &&Fate| matches!(fate, Fate::Breaks(_));
        assert!((1_800..2_200).contains(&fates.iter().filter(breaks).count()));
        assert!(fates.contains(&Fate::Breaks(0)) && fates.contains(&Fate::Breaks(99)));
    }

    #[test]
    fn pieces_have_any_size_and_none_is_larger_than_what_is_there() {
        let mut network = Network::new(Faults::default(), 1);
        let habits: Vec<_> = (0..200).map(|_| network.habit()).collect();
        assert!(habits.contains(&Habit::AtOnce) && habits.contains(&Habit::UpTo(1)));
        let sizes: Vec<_> = (0..2_000).map(|_| network.piece(Habit::UpTo(40), 30).0).collect();
        assert_eq!((sizes.iter().min(), sizes.iter().max()), (Some(&1), Some(&30)));
        assert_eq!(network.piece(Habit::AtOnce, 3_000).0, 3_000);
    }
}
