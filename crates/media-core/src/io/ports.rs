//! The pool of port pairs: even for RTP, the next for RTCP; a freed pair rests before it is used again.

#![expect(clippy::disallowed_types, reason = "sockets and the real clock live in io")]
#![expect(clippy::disallowed_methods, reason = "the rest of a port is measured by the real clock")]

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::PumpError;

/// How long a freed pair is not used: late packets of the old stream must not reach a new one.
pub const PORT_REST: Duration = Duration::from_secs(5);
/// How often the system is asked for a pair when it chooses the ports: half of its choices have a free neighbour
/// even on a busy host.
const EPHEMERAL_TRIES: usize = 64;

/// Holds a bound pair of sockets that waits for its stream. Dropping it frees the pair.
pub struct PortPair {
    /// The RTP port; RTCP has the next one.
    pub rtp: u16,
    pub(super) sockets: Sockets,
    pub(super) lease: Lease,
}

impl fmt::Debug for PortPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortPair").field("rtp", &self.rtp).finish_non_exhaustive()
    }
}

pub(super) struct Sockets {
    pub(super) rtp: UdpSocket,
    pub(super) rtcp: UdpSocket,
}

/// Gives the pair back when it is dropped.
pub(super) struct Lease {
    pool: Arc<PortPool>,
    port: u16,
}

impl Lease {
    /// Where the RTP socket is bound.
    pub(super) fn rtp(&self) -> SocketAddr {
        SocketAddr::new(self.pool.address, self.port)
    }

    /// Where the RTCP socket is bound.
    pub(super) fn rtcp(&self) -> SocketAddr {
        SocketAddr::new(self.pool.address, self.port + 1)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        state.taken.remove(&self.port);
        state.resting.push_back((Instant::now(), self.port));
    }
}

pub(super) struct PortPool {
    address: IpAddr,
    ports: RangeInclusive<u16>,
    limit: usize,
    /// What the sockets' packets are marked with.
    dscp: u8,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Pairs tried so far in the range, so that every pair gets its turn.
    cursor: u32,
    taken: BTreeSet<u16>,
    resting: VecDeque<(Instant, u16)>,
}

impl State {
    fn is_free(&self, port: u16) -> bool {
        !self.taken.contains(&port) && self.resting.iter().all(|(_, resting)| *resting != port)
    }
}

impl PortPool {
    pub(super) fn new(
        address: IpAddr,
        ports: RangeInclusive<u16>,
        limit: usize,
        dscp: u8,
    ) -> Result<Arc<Self>, PumpError> {
        let pool = Self { address, ports, limit, dscp, state: Mutex::default() };
        if !pool.is_ephemeral() && pool.pairs() == 0 {
            return Err(PumpError::Config("the port range holds no pair of an even and the next odd port"));
        }
        Ok(Arc::new(pool))
    }

    pub(super) fn reserve(self: &Arc<Self>) -> Result<PortPair, PumpError> {
        let mut state = self.lock();
        let now = Instant::now();
        while state.resting.front().is_some_and(|(freed, _)| now.duration_since(*freed) >= PORT_REST) {
            state.resting.pop_front();
        }
        if state.taken.len() >= self.limit {
            return Err(PumpError::NoPorts);
        }
        let (port, sockets) =
            if self.is_ephemeral() { self.bind_any(&state) } else { self.bind_next(&mut state) }
                .ok_or(PumpError::NoPorts)?;
        state.taken.insert(port);
        drop(state);
        let lease = Lease { pool: Arc::clone(self), port };
        Ok(PortPair { rtp: port, sockets, lease })
    }

    fn is_ephemeral(&self) -> bool {
        self.ports == (0..=0)
    }

    fn first_even(&self) -> u32 {
        u32::from(*self.ports.start()).max(2).next_multiple_of(2)
    }

    fn pairs(&self) -> u32 {
        (u32::from(*self.ports.end()) + 1).saturating_sub(self.first_even()) / 2
    }

    fn bind_next(&self, state: &mut State) -> Option<(u16, Sockets)> {
        let pairs = self.pairs();
        for _ in 0..pairs {
            let port = (self.first_even() + state.cursor % pairs * 2) as u16;
            state.cursor = (state.cursor + 1) % pairs;
            if state.is_free(port)
                && let Some(sockets) = self.bind(port)
            {
                return Some((port, sockets));
            }
        }
        None
    }

    /// The system chooses one port; its neighbour is tried.
    fn bind_any(&self, state: &State) -> Option<(u16, Sockets)> {
        for _ in 0..EPHEMERAL_TRIES {
            let chosen = self.bind_one(0)?;
            let port = chosen.local_addr().ok()?.port();
            let even = port & !1;
            if even == 0 || !state.is_free(even) {
                continue;
            }
            let Some(other) = self.bind_one(port ^ 1) else { continue };
            let (rtp, rtcp) = if port == even { (chosen, other) } else { (other, chosen) };
            return Some((even, Sockets { rtp, rtcp }));
        }
        None
    }

    fn bind(&self, port: u16) -> Option<Sockets> {
        Some(Sockets { rtp: self.bind_one(port)?, rtcp: self.bind_one(port + 1)? })
    }

    /// Binds a non-blocking socket; a port that another process has is simply not available.
    fn bind_one(&self, port: u16) -> Option<UdpSocket> {
        let socket = UdpSocket::bind(SocketAddr::new(self.address, port)).ok()?;
        socket.set_nonblocking(true).ok()?;
        let class = u32::from(self.dscp) << 2;
        let marked = match self.address {
            IpAddr::V4(_) => SockRef::from(&socket).set_tos_v4(class),
            IpAddr::V6(_) => SockRef::from(&socket).set_tclass_v6(class),
        };
        // A system that does not let packets be marked still lets them be sent.
        drop(marked);
        Some(socket)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent after every statement, so a panic elsewhere has not broken it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(ports: RangeInclusive<u16>, limit: usize) -> Arc<PortPool> {
        PortPool::new(IpAddr::from([127, 0, 0, 1]), ports, limit, 46).expect("a valid range")
    }

    #[test]
    fn pairs_are_even_and_odd_and_adjacent() {
        let pool = pool(0..=0, 8);
        for _ in 0..8 {
            let pair = pool.reserve().expect("a free pair");
            assert_eq!(pair.rtp % 2, 0);
            assert_eq!(pair.sockets.rtp.local_addr().expect("bound").port(), pair.rtp);
            assert_eq!(pair.sockets.rtcp.local_addr().expect("bound").port(), pair.rtp + 1);
        }
    }

    #[test]
    fn packets_are_marked_with_their_class() {
        let pair = pool(0..=0, 1).reserve().expect("a free pair");
        for socket in [&pair.sockets.rtp, &pair.sockets.rtcp] {
            assert_eq!(SockRef::from(socket).tos_v4().expect("an IPv4 socket"), 46 << 2);
        }
    }

    #[test]
    fn the_pool_ends_at_its_limit() {
        let pool = pool(0..=0, 2);
        let pairs: Vec<_> = (0..2).map(|_| pool.reserve().expect("a free pair")).collect();
        assert!(matches!(pool.reserve(), Err(PumpError::NoPorts)));
        drop(pairs);
        assert!(pool.reserve().is_ok());
    }

    #[test]
    fn a_freed_pair_rests() {
        let free = pool(0..=0, 1).reserve().expect("a free pair").rtp;
        let pool = pool(free..=free + 1, 4);
        let pair = pool.reserve().expect("the only pair");
        assert_eq!(pair.rtp, free);
        assert!(matches!(pool.reserve(), Err(PumpError::NoPorts)));
        drop(pair);
        assert!(matches!(pool.reserve(), Err(PumpError::NoPorts)));
        let long_ago = Instant::now().checked_sub(PORT_REST).expect("the machine runs longer than that");
        pool.lock().resting[0].0 = long_ago;
        assert_eq!(pool.reserve().expect("rested").rtp, free);
    }

    #[test]
    fn a_range_without_a_pair_is_refused() {
        let address = IpAddr::from([127, 0, 0, 1]);
        for ports in [5..=5, 5..=6, 1..=2] {
            assert!(matches!(PortPool::new(address, ports, 1, 0), Err(PumpError::Config(_))));
        }
        let last = PortPool::new(address, 65_534..=65_535, 1, 0).expect("one pair");
        assert_eq!(last.pairs(), 1);
    }
}
