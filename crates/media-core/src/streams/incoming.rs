//! What a datagram is, by its first bytes (RFC 7983 §7, RFC 5761 §4).

/// Names what may arrive on a media port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Incoming {
    Rtp,
    Rtcp,
    /// A connectivity check of ICE, or a binding request of another use (RFC 8489).
    Stun,
    /// A handshake, or data under its keys (RFC 9147).
    Dtls,
    /// A TURN channel, ZRTP, or nothing that is known.
    Other,
}

impl Incoming {
    pub(super) fn of(datagram: &[u8]) -> Self {
        match datagram {
            [0..=3, ..] => Self::Stun,
            [20..=63, ..] => Self::Dtls,
            // The packet types of RTCP, where the marker and the payload type of RTP would be.
            [128..=191, 192..=223, ..] => Self::Rtcp,
            [128..=191, ..] => Self::Rtp,
            _ => Self::Other,
        }
    }
}

/// Counts what is neither RTP nor RTCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Foreign {
    pub(super) stun: u64,
    pub(super) dtls: u64,
    pub(super) other: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_tells_protocols_apart_and_the_second_rtcp_from_rtp() {
        for first in 0..=255 {
            let expected = match first {
                0..=3 => Incoming::Stun,
                20..=63 => Incoming::Dtls,
                128..=191 => Incoming::Rtp,
                _ => Incoming::Other,
            };
            assert_eq!(Incoming::of(&[first, 0, 0, 0]), expected, "{first}");
        }
        for second in 0..=255 {
            let rtcp = (192..=223).contains(&second);
            let expected = if rtcp { Incoming::Rtcp } else { Incoming::Rtp };
            assert_eq!(Incoming::of(&[0x80, second]), expected, "{second}");
        }
        assert_eq!(Incoming::of(&[]), Incoming::Other);
        assert_eq!(Incoming::of(&[0x80]), Incoming::Rtp);
    }
}
