//! Timers by key, in wheels of 10 ms slots.
//!
//! The reducers ask for time by [`TimerOp`](crate::TimerOp); a [`Wheel`] keeps what they ask for and says when to call
//! them. Arming, disarming and firing cost the same however many timers there are; a disarmed timer leaves nothing
//! behind. A timer never fires early, and at most one slot late. What is due in one slot fires in the order of its arming,
//! so that a run can be repeated.
//!
//! There are nine wheels of 64 slots, each turning 64 times slower than the one before. A timer is put into the wheel
//! whose one turn is long enough for it, and moves to a faster one when its slot there has come: at most eight times, and
//! twice for the timers of a transaction, if they are not disarmed before. An armed timer takes 16 bytes and its key,
//! and 5 bytes in the table of keys, both at most doubled by growth.
//!
//! ```
//! use std::time::Duration;
//! use sip_transport::{Tick, wheel::Wheel};
//!
//! let mut timers = Wheel::new();
//! timers.arm(Tick::default(), "E", Duration::from_millis(500));
//! timers.arm(Tick::default(), "F", Duration::from_secs(32));
//! let half = Tick::from_micros(500_000);
//! assert_eq!(timers.next(), Some(half));
//! assert_eq!((timers.pop(half), timers.pop(half)), (Some("E"), None));
//! timers.disarm(&"F");
//! assert!(timers.is_empty());
//! ```

use std::{
    hash::{BuildHasher, Hash},
    time::Duration,
};

use hashbrown::{HashTable, hash_table::Entry as Place};
use slab::Slab;

use crate::{ids::BuildIdHasher, step::Tick};

/// Width of a slot. SIP's shortest timer is 500 ms; 10 ms late is 2 % of it.
const SLOT_MICROS: u64 = 10_000;
/// A wheel has 64 slots, as many as a word has bits.
const SLOTS: usize = 64;
const BITS: u32 = SLOTS.trailing_zeros();
/// Nine wheels count to 2^54; 2^64 microseconds are 2^51 slots.
const WHEELS: usize = 9;
const NONE: u32 = u32::MAX;

#[derive(Debug)]
struct Entry<K> {
    key: K,
    /// The slot-time in which it fires, in slots since the start.
    due: u64,
    before: u32,
    after: u32,
}

/// The timers of one slot, in the order of their arming.
#[derive(Debug, Clone, Copy)]
struct Slot {
    first: u32,
    last: u32,
}

/// Timers by key.
#[derive(Debug)]
pub struct Wheel<K> {
    slots: Vec<Slot>,
    /// Of each wheel: a bit for each slot that is not empty.
    occupied: [u64; WHEELS],
    entries: Slab<Entry<K>>,
    /// Entries by their key.
    keys: HashTable<u32>,
    /// Everything before this slot-time has fired. It tells in which wheel an entry is: in the one of the highest digit, to
    /// the base 64, in which its time differs from this one.
    done: u64,
}

impl<K: Copy + Eq + Hash> Wheel<K> {
    /// Makes a wheel without timers, at the start of time.
    pub fn new() -> Self {
        Self {
            slots: vec![Slot { first: NONE, last: NONE }; WHEELS * SLOTS],
            occupied: [0; WHEELS],
            entries: Slab::new(),
            keys: HashTable::new(),
            done: 0,
        }
    }

    /// Arms a timer, or moves it if it is armed.
    ///
    /// `now` is never before that of an earlier call.
    pub fn arm(&mut self, now: Tick, key: K, after: Duration) {
        let micros = now.as_micros().saturating_add(u64::try_from(after.as_micros()).unwrap_or(u64::MAX));
        // Never in the slot that is being fired: a timer that arms itself for no time would fire for ever.
        let due = micros.div_ceil(SLOT_MICROS).max(now.as_micros() / SLOT_MICROS + 1).max(self.done);
        let entries = &self.entries;
        let same = |index: &u32| entries[*index as usize].key == key;
        let index = match self.keys.entry(hash(&key), same, |index| hash(&entries[*index as usize].key)) {
            Place::Occupied(found) => {
                let index = *found.get();
                self.unlink(index);
                self.entries[index as usize].due = due;
                index
            }
            Place::Vacant(place) => {
                let index = self.entries.insert(Entry { key, due, before: NONE, after: NONE }) as u32;
                place.insert(index);
                index
            }
        };
        self.append(index, due);
    }

    /// Disarms a timer; nothing if it is not armed.
    pub fn disarm(&mut self, key: &K) {
        self.take(hash(key), key);
    }

    fn take(&mut self, hash: u64, key: &K) {
        let same = |index: &u32| self.entries[*index as usize].key == *key;
        if let Ok(found) = self.keys.find_entry(hash, same) {
            let (index, _) = found.remove();
            self.unlink(index);
            self.entries.remove(index as usize);
        }
    }

    /// When [`Wheel::pop`] is to be called next, at the latest. There may be nothing to fire then but timers to be moved to
    /// a faster wheel.
    pub fn next(&self) -> Option<Tick> {
        self.first().map(|(_, time)| Tick::from_micros(time.saturating_mul(SLOT_MICROS)))
    }

    /// Takes the timer that is due first, if one is due at `now`. One at a time: what the firing of one arms or disarms
    /// counts for those behind it.
    ///
    /// `now` is never before that of an earlier call.
    pub fn pop(&mut self, now: Tick) -> Option<K> {
        let until = now.as_micros() / SLOT_MICROS;
        while let Some((wheel, time)) = self.first().filter(|(_, time)| *time <= until) {
            let Slot { first, .. } = self.slots[position(wheel, time)];
            if wheel == 0 {
                self.done = time;
                let key = self.entries[first as usize].key;
                self.disarm(&key);
                return Some(key);
            }
            self.turn(wheel, time);
        }
        self.done = self.done.max(until);
        None
    }

    /// How many timers are armed.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no timer is armed.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The first slot that is not empty: its wheel, and the time at which it begins. A faster wheel's slots all come before
    /// those of a slower one.
    fn first(&self) -> Option<(usize, u64)> {
        let wheel = self.occupied.iter().position(|occupied| *occupied != 0)?;
        let shift = BITS * wheel as u32;
        let turn = self.done >> shift >> BITS << BITS;
        Some((wheel, (turn | u64::from(self.occupied[wheel].trailing_zeros())) << shift))
    }

    /// Time has come to a slot of a slower wheel: its timers go to faster ones, in their order.
    fn turn(&mut self, wheel: usize, time: u64) {
        let position = position(wheel, time);
        let mut next = self.slots[position].first;
        self.slots[position] = Slot { first: NONE, last: NONE };
        self.occupied[wheel] &= !(1 << (position % SLOTS));
        self.done = time;
        while next != NONE {
            let entry = &mut self.entries[next as usize];
            let (index, due) = (next, entry.due);
            next = entry.after;
            self.append(index, due);
        }
    }

    /// Puts an entry behind those of its slot.
    fn append(&mut self, index: u32, due: u64) {
        let wheel = self.wheel(due);
        let position = position(wheel, due);
        let last = self.slots[position].last;
        let entry = &mut self.entries[index as usize];
        (entry.before, entry.after) = (last, NONE);
        self.slots[position].last = index;
        if last == NONE {
            self.slots[position].first = index;
            self.occupied[wheel] |= 1 << (position % SLOTS);
        } else {
            self.entries[last as usize].after = index;
        }
    }

    /// Takes an entry out of its slot.
    fn unlink(&mut self, index: u32) {
        let Entry { due, before, after, .. } = self.entries[index as usize];
        let wheel = self.wheel(due);
        let position = position(wheel, due);
        if before == NONE {
            self.slots[position].first = after;
        } else {
            self.entries[before as usize].after = after;
        }
        if after == NONE {
            self.slots[position].last = before;
        } else {
            self.entries[after as usize].before = before;
        }
        if self.slots[position].first == NONE {
            self.occupied[wheel] &= !(1 << (position % SLOTS));
        }
    }

    fn wheel(&self, due: u64) -> usize {
        ((due ^ self.done).checked_ilog2().unwrap_or(0) / BITS) as usize
    }
}

impl<K: Copy + Eq + Hash> Default for Wheel<K> {
    fn default() -> Self {
        Self::new()
    }
}

fn position(wheel: usize, time: u64) -> usize {
    wheel * SLOTS + ((time >> (BITS * wheel as u32)) as usize % SLOTS)
}

fn hash<K: Hash>(key: &K) -> u64 {
    BuildIdHasher::default().hash_one(key)
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
    fn a_timer_of_a_slow_wheel_fires_at_its_time_after_a_few_moves() {
        for millis in [640, 40_960, 180_000, 2_621_440, 86_400_000, 3_650 * 86_400_000] {
            let mut wheel = Wheel::new();
            wheel.arm(at(0), 1, Duration::from_millis(millis));
            let (mut fired, mut calls) = (None, 0);
            while let Some(next) = wheel.next() {
                calls += 1;
                if !expired(&mut wheel, next).is_empty() {
                    fired = Some(next);
                }
            }
            assert_eq!(fired, Some(at(millis)));
            assert!(calls <= WHEELS, "{millis} ms took {calls} calls");
        }
    }

    #[test]
    fn what_is_due_together_fires_in_the_order_of_its_arming() {
        let mut wheel = Wheel::new();
        wheel.arm(at(0), 1, Duration::from_secs(45));
        wheel.arm(at(0), 2, Duration::from_secs(45));
        wheel.arm(at(0), 0, Duration::from_secs(44));
        assert_eq!(wheel.pop(at(44_999)), Some(0));
        assert_eq!(wheel.pop(at(44_999)), None);
        wheel.arm(at(44_999), 3, Duration::from_millis(1));
        wheel.arm(at(44_999), 1, Duration::from_millis(1));
        assert_eq!(expired(&mut wheel, at(45_000)), [2, 3, 1]);
    }

    #[test]
    fn the_longest_time_overflows_nothing() {
        let mut wheel = Wheel::new();
        let end = Tick::from_micros(u64::MAX);
        wheel.arm(at(1), 1, Duration::MAX);
        assert_eq!(wheel.pop(at(5)), None);
        assert!(wheel.next().is_some());
        wheel.arm(end, 2, Duration::MAX);
        assert_eq!(wheel.len(), 2);
        wheel.disarm(&1);
        wheel.disarm(&2);
        assert_eq!((wheel.pop(end), wheel.next(), wheel.len()), (None, None, 0));
    }

    #[test]
    fn a_hundred_thousand_timers_in_one_slot_fire_in_their_order() {
        let mut wheel = Wheel::new();
        for key in 0..100_000_u32 {
            wheel.arm(at(0), key, Duration::from_secs(32));
        }
        // Quadratic work would take minutes here.
        assert!(expired(&mut wheel, at(32_000)).into_iter().eq(0..100_000));
    }

    proptest! {
        #[test]
        fn the_wheel_does_what_a_sorted_map_does(ops in proptest::collection::vec((0u8..3, 0u16..40, 0u64..6_000_000), 1..200)) {
            let mut wheel = Wheel::new();
            let mut model: BTreeMap<u16, (u64, usize)> = BTreeMap::new();
            let mut now = 0u64;
            for (serial, (op, key, millis)) in ops.into_iter().enumerate() {
                match op {
                    0 => {
                        wheel.arm(at(now), key, Duration::from_millis(millis));
                        let due = ((now + millis).div_ceil(10) * 10).max(now / 10 * 10 + 10);
                        model.insert(key, (due, serial));
                    }
                    1 => {
                        wheel.disarm(&key);
                        model.remove(&key);
                    }
                    _ => {
                        now += millis;
                        let fired = expired(&mut wheel, at(now));
                        let floor = now / 10 * 10;
                        let mut want: Vec<_> = model.iter().filter(|(_, (due, _))| *due <= floor).collect();
                        want.sort_unstable_by_key(|(_, order)| **order);
                        let want: Vec<u16> = want.into_iter().map(|(key, _)| *key).collect();
                        for key in &want {
                            model.remove(key);
                        }
                        prop_assert_eq!(fired, want);
                    }
                }
                prop_assert_eq!(wheel.len(), model.len());
                let earliest = model.values().min().map(|(due, _)| *due);
                if let (Some(next), Some(earliest)) = (wheel.next(), earliest) {
                    prop_assert!(next <= at(earliest.max(now / 10 * 10 + 10)));
                }
            }
        }
    }
}
