//! When each stream is due: a wheel of milliseconds for what comes soon, an ordered set for the rest.
//!
//! Frames come every 20 ms and reports every few seconds, so of a thousand streams nearly every change is one in the
//! wheel, and it costs the same however many streams there are.

use std::collections::BTreeSet;

use crate::tick::Tick;

/// The width of a slot: as much as a late turn of the pump takes in one go.
const SLOT_MICROS: u64 = 1_000;
/// The slots of the wheel: 256 ms, four of the longest packet times. A power of two, in whole words of bits.
const SLOTS: u64 = 256;
/// The words of the map of slots.
const WORDS: usize = SLOTS as usize / 64;

/// Where a stream's deadline is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Nowhere,
    /// In the list of a slot, at an index.
    Near {
        at: Tick,
        slot: usize,
        index: usize,
    },
    Far {
        at: Tick,
    },
}

/// Holds one deadline for each stream that has one; streams are named by their slab keys.
#[derive(Debug)]
pub(super) struct Deadlines {
    places: Vec<Place>,
    slots: Vec<Vec<usize>>,
    /// A bit for each slot that is not empty.
    occupied: [u64; WORDS],
    /// The millisecond of the last turn: slots stand for it and the 255 after it.
    start: u64,
    far: BTreeSet<(Tick, usize)>,
    first: Option<Tick>,
}

impl Deadlines {
    pub(super) fn new() -> Self {
        Self {
            places: Vec::new(),
            slots: vec![Vec::new(); SLOTS as usize],
            occupied: [0; WORDS],
            start: 0,
            far: BTreeSet::new(),
            first: None,
        }
    }

    /// Returns the earliest deadline.
    pub(super) fn first(&self) -> Option<Tick> {
        self.first
    }

    /// Gives a stream another deadline, or none.
    pub(super) fn set(&mut self, stream: usize, deadline: Option<Tick>) {
        let before = self.of(stream);
        if before == deadline {
            return;
        }
        self.remove(stream);
        if let Some(at) = deadline {
            self.insert(stream, at);
            if self.first.is_none_or(|first| at <= first) {
                self.first = deadline;
                return;
            }
        }
        if before == self.first {
            self.first = self.find_first();
        }
    }

    /// Takes out every stream that is due and appends it with its deadline, the earliest first.
    pub(super) fn take_due(&mut self, now: Tick, due: &mut Vec<(Tick, usize)>) {
        if self.first.is_none_or(|first| first > now) {
            return;
        }
        let (before, last) = (due.len(), now.0 / SLOT_MICROS);
        for number in self.start..=last.min(self.start + SLOTS - 1) {
            let slot = (number % SLOTS) as usize;
            due.extend(self.slots[slot].iter().filter_map(|&stream| match self.places[stream] {
                Place::Near { at, .. } if at <= now => Some((at, stream)),
                Place::Near { .. } | Place::Far { .. } | Place::Nowhere => None,
            }));
        }
        due.extend(self.far.iter().take_while(|(at, _)| *at <= now));
        for &(_, stream) in &due[before..] {
            self.remove(stream);
        }
        due[before..].sort_unstable();
        self.start = self.start.max(last);
        self.first = self.find_first();
    }

    /// Returns a stream's deadline.
    pub(super) fn of(&self, stream: usize) -> Option<Tick> {
        match self.places.get(stream) {
            Some(Place::Near { at, .. } | Place::Far { at }) => Some(*at),
            Some(Place::Nowhere) | None => None,
        }
    }

    fn insert(&mut self, stream: usize, at: Tick) {
        if self.places.len() <= stream {
            self.places.resize(stream + 1, Place::Nowhere);
        }
        // What is late already stands in the first slot that is looked at.
        let number = (at.0 / SLOT_MICROS).max(self.start);
        self.places[stream] = if number - self.start < SLOTS {
            let slot = (number % SLOTS) as usize;
            self.slots[slot].push(stream);
            self.occupied[slot / 64] |= 1 << (slot % 64);
            Place::Near { at, slot, index: self.slots[slot].len() - 1 }
        } else {
            self.far.insert((at, stream));
            Place::Far { at }
        };
    }

    fn remove(&mut self, stream: usize) {
        let Some(place) = self.places.get_mut(stream) else { return };
        match std::mem::replace(place, Place::Nowhere) {
            Place::Nowhere => {}
            Place::Far { at } => {
                self.far.remove(&(at, stream));
            }
            Place::Near { slot, index, .. } => {
                let list = &mut self.slots[slot];
                list.swap_remove(index);
                // The last of the list has taken its place.
                if let Some(&moved) = list.get(index)
                    && let Place::Near { index: moved, .. } = &mut self.places[moved]
                {
                    *moved = index;
                }
                if list.is_empty() {
                    self.occupied[slot / 64] &= !(1 << (slot % 64));
                }
            }
        }
    }

    fn find_first(&self) -> Option<Tick> {
        let near = self.first_slot().into_iter().flat_map(|slot| &self.slots[slot]);
        let near = near.filter_map(|&stream| self.of(stream)).min();
        let far = self.far.first().map(|(at, _)| *at);
        [near, far].into_iter().flatten().min()
    }

    /// The first slot in the order of time that is not empty.
    fn first_slot(&self) -> Option<usize> {
        let start = (self.start % SLOTS) as usize;
        let (word, bit) = (start / 64, start % 64);
        let mut words = (0..=WORDS).map(|offset| {
            let index = (word + offset) % WORDS;
            let mask = match offset {
                0 => u64::MAX << bit,
                WORDS => !(u64::MAX << bit),
                _ => u64::MAX,
            };
            (index, self.occupied[index] & mask)
        });
        words.find(|(_, bits)| *bits != 0).map(|(index, bits)| index * 64 + bits.trailing_zeros() as usize)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn due(deadlines: &mut Deadlines, now: u64) -> Vec<(Tick, usize)> {
        let mut due = Vec::new();
        deadlines.take_due(Tick(now), &mut due);
        due
    }

    #[test]
    fn deadlines_come_in_their_order_wherever_they_are_kept() {
        let mut deadlines = Deadlines::new();
        for (stream, at) in [(0, 7_000_000), (1, 20_300), (2, 20_100), (3, 250_000), (4, 300_000)] {
            deadlines.set(stream, Some(Tick(at)));
        }
        assert_eq!(deadlines.first(), Some(Tick(20_100)));
        assert_eq!(due(&mut deadlines, 20_099), []);
        assert_eq!(due(&mut deadlines, 20_200), [(Tick(20_100), 2)]);
        deadlines.set(3, None);
        assert_eq!(
            due(&mut deadlines, 8_000_000),
            [(Tick(20_300), 1), (Tick(300_000), 4), (Tick(7_000_000), 0)]
        );
        assert_eq!(deadlines.first(), None);
    }

    #[test]
    fn what_is_late_already_is_due_at_once() {
        let mut deadlines = Deadlines::new();
        deadlines.set(1, Some(Tick(900_000)));
        assert_eq!(due(&mut deadlines, 1_000_000).len(), 1);
        deadlines.set(1, Some(Tick(5)));
        assert_eq!(deadlines.first(), Some(Tick(5)));
        assert_eq!(due(&mut deadlines, 1_000_000), [(Tick(5), 1)]);
    }

    proptest! {
        #[test]
        fn the_wheel_agrees_with_an_ordered_set(
            steps in prop::collection::vec((0..12usize, prop::option::of(0..600_000u64), 0..300_000u64), 1..200),
        ) {
            let mut deadlines = Deadlines::new();
            let mut model = std::collections::BTreeMap::new();
            let mut now = Tick(0);
            for (stream, deadline, pass) in steps {
                let deadline = deadline.map(|after| now + Duration::from_micros(after));
                deadlines.set(stream, deadline);
                model.remove(&stream);
                if let Some(at) = deadline {
                    model.insert(stream, at);
                }
                prop_assert_eq!(deadlines.first(), model.values().min().copied());
                now += Duration::from_micros(pass);
                let mut expected: Vec<_> =
                    model.iter().filter(|(_, at)| **at <= now).map(|(stream, at)| (*at, *stream)).collect();
                expected.sort_unstable();
                model.retain(|_, at| *at > now);
                prop_assert_eq!(due(&mut deadlines, now.0), expected);
                prop_assert_eq!(deadlines.first(), model.values().min().copied());
            }
        }
    }
}
