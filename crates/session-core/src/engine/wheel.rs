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
        // Never in the slot that is being fired: a timer that arms itself for no time would fire for ever.
        let due = micros.div_ceil(SLOT_MICROS).max(now.as_micros() / SLOT_MICROS + 1).max(self.done);
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

    /// When [`Wheel::pop`] is to be called next, at the latest.
    pub(super) fn next(&self) -> Option<Tick> {
        self.next_time().map(|time| Tick::from_micros(time * SLOT_MICROS))
    }

    /// Takes the timer that is due first, if one is due at `now`. One at a time: what the firing of one arms or disarms
    /// counts for those behind it.
    pub(super) fn pop(&mut self, now: Tick) -> Option<K> {
        let until = now.as_micros() / SLOT_MICROS;
        loop {
            let Some(time) = self.next_time().filter(|time| *time <= until) else {
                self.done = self.done.max(until + 1);
                return None;
            };
            self.done = time;
            let first =
                self.chain(slot_of(time)).filter(|entry| entry.due == time).min_by_key(|entry| entry.order);
            match first.map(|entry| entry.key) {
                Some(key) => {
                    self.disarm(&key);
                    return Some(key);
                }
                // The end of a revolution: what is more than one away is looked at again.
                None => self.done = time + 1,
            }
        }
    }

    fn next_time(&self) -> Option<u64> {
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
                    return Some(time);
                }
                bits &= bits - 1;
            }
        }
        // Everything is more than a revolution away.
        Some(self.done + SLOTS as u64)
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

    fn expired<K: Copy + Eq + Hash>(wheel: &mut Wheel<K>, now: Tick) -> Vec<K> {
        std::iter::from_fn(|| wheel.pop(now)).collect()
    }

    #[test]
    fn a_timer_that_is_armed_anew_by_one_before_it_waits_its_new_time() {
        let mut wheel = Wheel::new();
        wheel.arm(at(0), "first", Duration::from_millis(100));
        wheel.arm(at(0), "second", Duration::from_millis(100));
        assert_eq!(wheel.pop(at(100)), Some("first"));
        wheel.arm(at(100), "second", Duration::from_millis(50));
        assert_eq!(wheel.pop(at(100)), None);
        assert_eq!(wheel.pop(at(150)), Some("second"));
    }

    #[test]
    fn a_timer_fires_at_its_time_and_once() {
        let mut wheel = Wheel::new();
        wheel.arm(at(0), "b", Duration::from_millis(500));
        wheel.arm(at(0), "a", Duration::from_millis(100));
        assert_eq!(wheel.next(), Some(at(100)));
        assert!(expired(&mut wheel, at(99)).is_empty());
        assert_eq!(expired(&mut wheel, at(100)), ["a"]);
        assert_eq!(wheel.next(), Some(at(500)));
        assert_eq!(expired(&mut wheel, at(1_000_000)), ["b"]);
        assert_eq!((wheel.next(), wheel.len()), (None, 0));
    }

    #[test]
    fn a_timer_longer_than_a_revolution_is_not_early() {
        let mut wheel = Wheel::new();
        wheel.arm(at(0), 1, Duration::from_mins(3));
        let mut fired = None;
        while let Some(next) = wheel.next() {
            if !expired(&mut wheel, next).is_empty() {
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
                        model.insert(key, ((now + millis).div_ceil(10) * 10).max(now / 10 * 10 + 10));
                    }
                    1 => {
                        wheel.disarm(&key);
                        model.remove(&key);
                    }
                    _ => {
                        now += millis;
                        let mut fired = expired(&mut wheel, at(now));
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
