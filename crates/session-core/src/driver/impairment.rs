//! A network that loses datagrams, in this process.

use std::sync::{
    Arc,
    atomic::{AtomicU16, AtomicU64, Ordering},
};

/// All of them.
const ALL: u16 = 1_000;

/// Loses datagrams on purpose: SIP over UDP, RTP and RTCP, those that are sent and those that arrive. For laboratories: to see
/// what an application makes of a bad network, or of a cable that is pulled.
///
/// Clones lose by the same share, which can be changed while calls are up. What is lost is chosen at random, from a seed.
#[derive(Debug, Clone)]
pub struct Impairment(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    per_mille: AtomicU16,
    state: AtomicU64,
    lost: AtomicU64,
}

impl Impairment {
    /// Loses so many of a thousand datagrams; more than a thousand is all of them.
    pub fn losing(per_mille: u16, seed: u64) -> Self {
        Self(Arc::new(Inner {
            per_mille: AtomicU16::new(per_mille.min(ALL)),
            // Neighbouring seeds are to be far from each other, and the generator stands still at zero.
            state: AtomicU64::new(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            lost: AtomicU64::new(0),
        }))
    }

    /// Loses so many of a thousand from now on.
    pub fn lose(&self, per_mille: u16) {
        self.0.per_mille.store(per_mille.min(ALL), Ordering::Relaxed);
    }

    /// How many were lost.
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    /// Whether the next datagram is lost.
    pub(crate) fn takes(&self) -> bool {
        let per_mille = self.0.per_mille.load(Ordering::Relaxed);
        let lost = per_mille > 0 && u64::from(per_mille) > self.next() % u64::from(ALL);
        if lost {
            self.0.lost.fetch_add(1, Ordering::Relaxed);
        }
        lost
    }

    /// Xorshift64*: what is lost has to look like chance, and to be no secret.
    fn next(&self) -> u64 {
        let stir = |mut x: u64| {
            x ^= x >> 12;
            x ^= x << 25;
            x ^ (x >> 27)
        };
        // Two threads that meet here draw the same number, which is as good as another one.
        let state = stir(self.0.state.load(Ordering::Relaxed));
        self.0.state.store(state, Ordering::Relaxed);
        state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_of_a_thousand_are_lost() {
        for (per_mille, least, most) in
            [(0, 0, 0), (50, 400, 600), (500, 4_800, 5_200), (2_000, 10_000, 10_000)]
        {
            let impairment = Impairment::losing(per_mille, 7);
            let lost = (0..10_000).filter(|_| impairment.takes()).count();
            assert!((least..=most).contains(&lost), "{per_mille}: {lost}");
            assert_eq!(impairment.lost(), lost as u64);
        }
    }

    #[test]
    fn a_cable_can_be_pulled_and_plugged_in_again() {
        let impairment = Impairment::losing(0, 0);
        assert!(!impairment.takes());
        impairment.lose(1_000);
        assert!(impairment.takes() && impairment.clone().takes());
        impairment.lose(0);
        assert!(!impairment.takes());
    }
}
