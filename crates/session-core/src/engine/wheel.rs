//! The engine's timers: a hashed wheel with 10 ms slots.
//!
//! Arming and disarming cost the same however many timers there are; a disarmed timer leaves nothing behind. A timer
//! never fires early, and at most one slot late. What is due together fires in the order of its deadlines, then of its
//! arming, so that a run can be repeated.

use std::{hash::Hash, time::Duration};

use hashbrown::HashMap;
use sip_transport::Tick;
use siphasher::sip::SipHasher13;

/// Width of a slot. SIP's shortest timer is 500 ms; 10 ms late is 2 % of it.
const SLOT_MICROS: u64 = 10_000;
/// Slots of one revolution: 40.96 s, so that the 32 s timers of a transaction never go round twice.
const SLOTS: usize = 4096;
const WORDS: usize = SLOTS / 64;
const NONE: u32 = u32::MAX;

type BuildSip = std::hash::BuildHasherDefault<SipHasher13>;

#[derive(Debug)]
struct Entry<K> {
    key: K,
    /// The slot-time in which it fires, in slots since the start.
    due: u64,
    order: u64,
    before: u32,
    after: u32,
}

/// Timers by key.
#[derive(Debug)]
pub(super) struct Wheel<K> {
    slots: Vec<u32>,
    occupied: [u64; WORDS],
    entries: slab::Slab<Entry<K>>,
    keys: HashMap<K, u32, BuildSip>,
    /// Everything before this slot-time has fired.
    done: u64,
    armed: u64,
}

impl<K: Copy + Eq + Hash> Wheel<K> {
    pub(super) fn new() -> Self {
        Self {
            slots: vec![NONE; SLOTS],
            occupied: [0; WORDS],
            entries: slab::Slab::new(),
            keys: HashMap::default(),
            done: 0,
            armed: 0,
        }
    }

    /// Arms a timer, or moves it if it is armed.
    pub(super) fn arm(&mut self, now: Tick, key: K, after: Duration) {
        self.disarm(&key);
        let micros = now.as_micros().saturating_add(u64::try_from(after.as_micros()).unwrap_or(u64::MAX));
        let due = micros.div_ceil(SLOT_MICROS).max(self.done);
        self.armed += 1;
        let slot = slot_of(due);
        let head = self.slots[slot];
        let index =
            self.entries.insert(Entry { key, due, order: self.armed, before: NONE, after: head }) as u32;
        if head != NONE {
            self.entries[head as usize].before = index;
        }
        self.slots[slot] = index;
        self.occupied[slot / 64] |= 1 << (slot % 64);
        self.keys.insert(key, index);
    }

    /// Disarms a timer; nothing if it is not armed.
    pub(super) fn disarm(&mut self, key: &K) {
        if let Some(index) = self.keys.remove(key) {
            self.unlink(index);
        }
    }

    /// When [`Wheel::expired`] is to be called next, at the latest.
    pub(super) fn next(&self) -> Option<Tick> {
        if self.entries.is_empty() {
            return None;
        }
        let first = slot_of(self.done);
        for step in 0..=WORDS {
            let word = (first / 64 + step) % WORDS;
            let mut bits = self.occupied[word];
            if step == 0 {
                bits &= u64::MAX << (first % 64);
            } else if step == WORDS {
                bits &= !(u64::MAX << (first % 64));
            }
            while bits != 0 {
                let slot = word * 64 + bits.trailing_zeros() as usize;
                let time = self.done + ((slot + SLOTS - first) % SLOTS) as u64;
                if self.chain(slot).any(|entry| entry.due == time) {
                    return Some(Tick::from_micros(time * SLOT_MICROS));
                }
                bits &= bits - 1;
            }
        }
        // Everything is more than a revolution away.
        Some(Tick::from_micros((self.done + SLOTS as u64) * SLOT_MICROS))
    }

    /// Takes what is due at `now`, in order.
    pub(super) fn expired(&mut self, now: Tick) -> Vec<K> {
        let until = now.as_micros() / SLOT_MICROS;
        if until < self.done || self.entries.is_empty() {
            self.done = self.done.max(until + 1);
            return Vec::new();
        }
        let mut due = Vec::new();
        let span = (until - self.done + 1).min(SLOTS as u64);
        for offset in 0..span {
            let slot = slot_of(self.done + offset);
            if self.occupied[slot / 64] & (1 << (slot % 64)) == 0 {
                continue;
            }
            let mut index = self.slots[slot];
            while index != NONE {
                let entry = &self.entries[index as usize];
                let after = entry.after;
                if entry.due <= until {
                    due.push((entry.due, entry.order, entry.key));
                }
                index = after;
            }
        }
        due.sort_unstable_by_key(|&(due, order, _)| (due, order));
        for (_, _, key) in &due {
            self.disarm(key);
        }
        self.done = until + 1;
        due.into_iter().map(|(_, _, key)| key).collect()
    }

    /// How many timers are armed.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn chain(&self, slot: usize) -> impl Iterator<Item = &Entry<K>> {
        let mut index = self.slots[slot];
        std::iter::from_fn(move || {
            let entry = self.entries.get(index as usize)?;
            index = entry.after;
            Some(entry)
        })
    }

    fn unlink(&mut self, index: u32) {
        let entry = self.entries.remove(index as usize);
        let slot = slot_of(entry.due);
        if entry.before == NONE {
            self.slots[slot] = entry.after;
        } else {
            self.entries[entry.before as usize].after = entry.after;
        }
        if entry.after != NONE {
            self.entries[entry.after as usize].before = entry.before;
        }
        if self.slots[slot] == NONE {
            self.occupied[slot / 64] &= !(1 << (slot % 64));
        }
    }
}

fn slot_of(time: u64) -> usize {
    (time % SLOTS as u64) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const fn at(millis: u64) -> Tick {
        Tick::from_micros(millis * 1000)
    }

    #[test]
    fn a_timer_fires_at_its_time_and_once() {
        let mut wheel = Wheel::new();
        wheel.arm(at(0), "b", Duration::from_millis(500));
        wheel.arm(at(0), "a", Duration::from_millis(100));
        assert_eq!(wheel.next(), Some(at(100)));
        assert!(wheel.expired(at(99)).is_empty());
        assert_eq!(wheel.expired(at(100)), ["a"]);
        assert_eq!(wheel.next(), Some(at(500)));
        assert_eq!(wheel.expired(at(1_000_000)), ["b"]);
        assert_eq!((wheel.next(), wheel.len()), (None, 0));
    }

    #[test]
    fn a_timer_longer_than_a_revolution_is_not_early() {
        let mut wheel = Wheel::new();
        wheel.arm(at(0), 1, Duration::from_mins(3));
        let mut fired = None;
        while let Some(next) = wheel.next() {
            if !wheel.expired(next).is_empty() {
                fired = Some(next);
            }
        }
        assert_eq!(fired, Some(at(180_000)));
    }

    proptest! {
        #[test]
        fn the_wheel_does_what_a_sorted_map_does(ops in proptest::collection::vec((0u8..3, 0u16..40, 0u64..120_000), 1..200)) {
            let mut wheel = Wheel::new();
            let mut model: BTreeMap<u16, u64> = BTreeMap::new();
            let mut now = 0u64;
            for (op, key, millis) in ops {
                match op {
                    0 => {
                        wheel.arm(at(now), key, Duration::from_millis(millis));
                        model.insert(key, (now + millis).div_ceil(10) * 10);
                    }
                    1 => {
                        wheel.disarm(&key);
                        model.remove(&key);
                    }
                    _ => {
                        now += millis;
                        let mut fired = wheel.expired(at(now));
                        fired.sort_unstable();
                        let floor = now / 10 * 10;
                        let want: Vec<u16> = model.iter().filter(|(_, due)| **due <= floor).map(|(key, _)| *key).collect();
                        for key in &want {
                            model.remove(key);
                        }
                        prop_assert_eq!(fired, want);
                    }
                }
                prop_assert_eq!(wheel.len(), model.len());
                let earliest = model.values().min().copied();
                if let (Some(next), Some(earliest)) = (wheel.next(), earliest) {
                    prop_assert!(next <= at(earliest.max(now / 10 * 10 + 10)));
                }
            }
        }
    }
}
