//! The direction of a media stream and the rule that answers one direction with another.

use std::fmt;

/// Tells which way media flows, seen from the side whose description says it (RFC 8866 §6.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Direction {
    /// Both ways; what an absent attribute means.
    #[default]
    SendRecv,
    /// Only away from the describing side.
    SendOnly,
    /// Only towards the describing side.
    RecvOnly,
    /// Neither way; RTCP goes on (RFC 3264 §8.4).
    Inactive,
}

impl Direction {
    /// Every direction, in the order of RFC 8866 §6.7.
    pub const ALL: [Self; 4] = [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive];

    /// Returns the direction that sends iff `sends` and receives iff `receives`.
    pub fn of(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// Returns true when the describing side sends.
    pub fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Returns true when the describing side receives.
    pub fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// Returns the same flow seen from the other side.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self::of(self.receives(), self.sends())
    }

    /// Returns what both allow.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::of(self.sends() && other.sends(), self.receives() && other.receives())
    }

    /// Returns the answer to `offer` of a side that wishes `desire`: as much of the wish as the offer allows
    /// (RFC 3264 §6.1, TR-214).
    pub fn answer(offer: Self, desire: Self) -> Self {
        offer.reversed().and(desire)
    }

    /// Returns the attribute name, such as `sendrecv`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// Returns the direction an attribute name stands for; names are case-sensitive (RFC 8866 §6.7).
    pub fn from_attribute(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|direction| direction.as_str() == name)
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Direction::{self, Inactive, RecvOnly, SendOnly, SendRecv};

    #[test]
    fn the_answer_matrix_is_that_of_rfc_3264() {
        // covers: TR-214
        let rows = [
            (SendRecv, [SendRecv, SendOnly, RecvOnly, Inactive]),
            (SendOnly, [RecvOnly, Inactive, RecvOnly, Inactive]),
            (RecvOnly, [SendOnly, SendOnly, Inactive, Inactive]),
            (Inactive, [Inactive, Inactive, Inactive, Inactive]),
        ];
        for (offer, answers) in rows {
            for (desire, answer) in Direction::ALL.into_iter().zip(answers) {
                assert_eq!(Direction::answer(offer, desire), answer, "offer {offer}, desire {desire}");
            }
        }
    }

    #[test]
    fn names_and_flags_go_back_and_forth() {
        for direction in Direction::ALL {
            assert_eq!(Direction::from_attribute(direction.as_str()), Some(direction));
            assert_eq!(Direction::of(direction.sends(), direction.receives()), direction);
            assert_eq!(direction.reversed().reversed(), direction);
        }
        assert_eq!(Direction::from_attribute("SendRecv"), None);
    }
}
