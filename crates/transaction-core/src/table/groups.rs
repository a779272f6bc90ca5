//! Which transactions share something.

use std::hash::Hash;

use hashbrown::HashMap;
use sip_transport::ids::BuildIdHasher;

const NONE: u32 = u32::MAX;

/// Lists of table indices by what they share. To join and to leave costs the same however many there are, and a list without
/// members leaves nothing behind.
#[derive(Debug)]
pub(super) struct Groups<K> {
    first: HashMap<K, u32, BuildIdHasher>,
    /// By index.
    neighbours: Vec<Neighbours>,
}

#[derive(Debug, Clone, Copy)]
struct Neighbours {
    before: u32,
    after: u32,
}

impl<K> Default for Groups<K> {
    fn default() -> Self {
        Self { first: HashMap::default(), neighbours: Vec::new() }
    }
}

impl<K: Hash + Eq> Groups<K> {
    /// Takes an index that is in no list.
    pub(super) fn join(&mut self, key: K, index: u32) {
        let place = index as usize;
        if self.neighbours.len() <= place {
            self.neighbours.resize(place + 1, Neighbours { before: NONE, after: NONE });
        }
        let after = self.first.insert(key, index).unwrap_or(NONE);
        self.neighbours[place] = Neighbours { before: NONE, after };
        if after != NONE {
            self.neighbours[after as usize].before = index;
        }
    }

    /// Takes an index out of the list that it joined with that key.
    pub(super) fn leave(&mut self, key: K, index: u32) {
        let Neighbours { before, after } = self.neighbours[index as usize];
        if after != NONE {
            self.neighbours[after as usize].before = before;
        }
        if before != NONE {
            self.neighbours[before as usize].after = after;
        } else if after != NONE {
            self.first.insert(key, after);
        } else {
            self.first.remove(&key);
        }
    }

    /// The members of a list, the latest first.
    pub(super) fn members(&self, key: &K) -> impl Iterator<Item = u32> {
        let mut next = self.first.get(key).copied().unwrap_or(NONE);
        std::iter::from_fn(move || {
            let index = (next != NONE).then_some(next)?;
            next = self.neighbours[index as usize].after;
            Some(index)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(groups: &Groups<u64>, key: u64) -> Vec<u32> {
        groups.members(&key).collect()
    }

    #[test]
    fn who_leaves_is_missed_by_its_own_list_only() {
        for leaving in 0..3 {
            let mut groups = Groups::default();
            for index in 0..3 {
                groups.join(7, index);
                groups.join(8, index + 3);
            }
            groups.leave(7, leaving);
            let left: Vec<_> = (0..3).rev().filter(|index| *index != leaving).collect();
            assert_eq!((members(&groups, 7), members(&groups, 8)), (left, vec![5, 4, 3]));
        }
    }

    #[test]
    fn an_index_can_join_again_and_an_empty_list_is_nothing() {
        let mut groups = Groups::default();
        groups.join(1, 0);
        groups.leave(1, 0);
        assert_eq!((members(&groups, 1), groups.first.len()), (vec![], 0));
        groups.join(2, 0);
        assert_eq!((members(&groups, 1), members(&groups, 2)), (vec![], vec![0]));
    }
}
