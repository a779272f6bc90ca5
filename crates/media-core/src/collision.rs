//! Our own SSRC in somebody else's packets: chance or a loop (RFC 3550 §8.2, TM-008).

use std::net::SocketAddr;
use std::time::Duration;

use crate::tick::Tick;

/// The addresses that are remembered. Beyond it everything counts as a loop, so that forged packets from many addresses
/// cannot make us say BYE again and again.
pub const MAX_CONFLICTS: usize = 4;
/// An address is forgotten when it was quiet for this many report intervals (RFC 3550 §8.2).
const FORGET_INTERVALS: u32 = 10;

/// Tells what our SSRC in a packet that came in means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collision {
    /// Somebody chose the same: say BYE for it, choose another one, count packets and bytes sent from zero, and go on with
    /// sequence numbers and timestamps.
    Chosen,
    /// Our own packets come back: drop and count.
    Looped,
}

/// Remembers where packets with our SSRC came from, one value for RTP and one for RTCP.
#[derive(Debug, Clone, Default)]
pub struct Conflicts {
    /// At most [`MAX_CONFLICTS`], each with the moment of its last packet.
    addresses: Vec<(SocketAddr, Tick)>,
}

impl Conflicts {
    /// Judges a packet with our SSRC from `source`; `interval` is that of our reports.
    pub fn own(&mut self, source: SocketAddr, now: Tick, interval: Duration) -> Collision {
        self.addresses.retain(|(_, last)| now.since(*last) <= interval * FORGET_INTERVALS);
        if let Some((_, last)) = self.addresses.iter_mut().find(|(address, _)| *address == source) {
            *last = now;
            return Collision::Looped;
        }
        if self.addresses.len() == MAX_CONFLICTS {
            return Collision::Looped;
        }
        self.addresses.push((source, now));
        Collision::Chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(5);

    fn address(host: usize) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, host as u8], 4_000))
    }

    #[test]
    fn the_first_packet_is_a_collision_and_the_next_ones_a_loop() {
        // covers: TM-008
        let mut conflicts = Conflicts::default();
        assert_eq!(conflicts.own(address(1), Tick(0), INTERVAL), Collision::Chosen);
        let mut now = Tick(0);
        for _ in 0..100 {
            now += INTERVAL * FORGET_INTERVALS;
            assert_eq!(conflicts.own(address(1), now, INTERVAL), Collision::Looped, "it never ends");
        }
        now += INTERVAL * FORGET_INTERVALS + Duration::from_micros(1);
        assert_eq!(conflicts.own(address(1), now, INTERVAL), Collision::Chosen, "long ago it was chance");
    }

    #[test]
    fn packets_from_many_addresses_are_answered_a_few_times() {
        // covers: TM-008
        let mut conflicts = Conflicts::default();
        for host in 0..MAX_CONFLICTS {
            assert_eq!(conflicts.own(address(host), Tick(0), INTERVAL), Collision::Chosen);
        }
        for host in MAX_CONFLICTS..200 {
            assert_eq!(conflicts.own(address(host), Tick(1), INTERVAL), Collision::Looped);
        }
    }
}
