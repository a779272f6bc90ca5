//! Nonces of ours: made from the time and a key, kept nowhere; only how often each was used is remembered for a while
//! (RFC 7616 §3.3, §5.4, §5.5).

use std::{collections::BTreeMap, time::Duration};

use sip_transport::{Guard, Random, Tick};
use subtle::ConstantTimeEq;

/// A nonce, in the order in which nonces were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Nonce {
    /// When it was made.
    issued: Tick,
    serial: u64,
}

/// Hexadecimal digits of a nonce: time, serial number, and a check of 128 bits.
const DIGITS: usize = 16 + 16 + 32;

impl Nonce {
    pub(crate) fn new(now: Tick, random: &mut dyn Random) -> Self {
        Self { issued: now, serial: random.next_u64() }
    }

    /// The nonce as it is written for a realm.
    pub(crate) fn text(self, guard: &Guard, realm: &str) -> String {
        let (issued, serial) = (self.issued.as_micros(), self.serial);
        format!("{issued:016x}{serial:016x}{:032x}", self.check(guard, realm))
    }

    /// Reads a nonce of ours; `None` for any other text.
    pub(crate) fn read(text: &str, guard: &Guard, realm: &str) -> Option<Self> {
        let lower = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if text.len() != DIGITS || !lower {
            return None;
        }
        let nonce = Self {
            issued: Tick::from_micros(u64::from_str_radix(&text[..16], 16).ok()?),
            serial: u64::from_str_radix(&text[16..32], 16).ok()?,
        };
        let check = u128::from_str_radix(&text[32..], 16).ok()?;
        let ours = nonce.check(guard, realm);
        bool::from(check.to_be_bytes().ct_eq(&ours.to_be_bytes())).then_some(nonce)
    }

    pub(crate) fn is_expired(self, now: Tick, lifetime: Duration) -> bool {
        now.since(self.issued) > lifetime
    }

    fn check(self, guard: &Guard, realm: &str) -> u128 {
        let (issued, serial) = (self.issued.as_micros().to_be_bytes(), self.serial.to_be_bytes());
        guard.digest(&[b"digest nonce", &issued, &serial, realm.as_bytes()])
    }
}

/// Which counts of which nonces were used.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    windows: BTreeMap<Nonce, Window>,
    /// The newest nonce whose counts were forgotten for want of room; none up to it is taken any more.
    forgotten: Option<Nonce>,
    /// How many were.
    evicted: u64,
}

/// The counts of one nonce: the highest, and which of the 63 below it were used. Requests overtake each other on their way,
/// but not by more.
#[derive(Debug)]
struct Window {
    highest: u32,
    /// Bit n stands for `highest - n`.
    used: u64,
}

impl Uses {
    /// Takes a count of a nonce; `false` if it was used before, or may have been.
    pub(crate) fn take(
        &mut self,
        nonce: Nonce,
        nc: u32,
        now: Tick,
        lifetime: Duration,
        limit: usize,
    ) -> bool {
        if let Some(window) = self.windows.get_mut(&nonce) {
            return window.take(nc);
        }
        if nc == 0 || self.forgotten.is_some_and(|last| nonce <= last) {
            return false;
        }
        while let Some(oldest) = self.windows.first_entry() {
            let expired = oldest.key().is_expired(now, lifetime);
            if !expired && self.windows.len() < limit {
                break;
            }
            let Some((gone, _)) = self.windows.pop_first() else { break };
            if !expired {
                self.evicted += 1;
                self.forgotten = Some(self.forgotten.map_or(gone, |last| last.max(gone)));
            }
        }
        // The newest are kept: one that is older than all that had to go is not taken.
        if limit == 0 || self.forgotten.is_some_and(|last| nonce <= last) {
            return false;
        }
        self.windows.insert(nonce, Window { highest: nc, used: 1 });
        true
    }

    /// How many nonces had to be forgotten for want of room.
    pub(crate) fn evicted(&self) -> u64 {
        self.evicted
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.windows.len()
    }
}

impl Window {
    fn take(&mut self, nc: u32) -> bool {
        if nc > self.highest {
            let ahead = nc - self.highest;
            self.used = self.used.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = nc;
            return true;
        }
        let bit = 1_u64.checked_shl(self.highest - nc).unwrap_or(0);
        let fresh = nc > 0 && bit != 0 && self.used & bit == 0;
        self.used |= bit;
        fresh
    }
}
