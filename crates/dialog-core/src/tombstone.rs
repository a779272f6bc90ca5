//! Remembers ended dialogs for a while (catalogue T-TOMB).

use std::collections::BTreeMap;

use crate::boundary::leg::{DialogIdentity, LegId};

/// Most ended dialogs remembered at a time; at 64*T1 each that is over 600 calls ended per second. The oldest
/// is forgotten first: it only costs the difference between 603 and 481 (RFC 3891 §3).
pub(crate) const TOMBSTONES: usize = 20_000;

/// The ended dialogs.
#[derive(Debug, Default)]
pub(crate) struct Tombstones {
    dialogs: BTreeMap<LegId, Tombstone>,
    /// Whose turn it is to be forgotten: a call that began first need not have ended first.
    order: BTreeMap<u64, LegId>,
    last: u64,
    forgotten: u64,
}

#[derive(Debug)]
struct Tombstone {
    place: u64,
    identity: DialogIdentity,
}

impl Tombstones {
    /// Remembers a dialog; gives back the one that had to be forgotten for it.
    pub(crate) fn bury(&mut self, leg: LegId, identity: DialogIdentity) -> Option<LegId> {
        let oldest =
            if self.dialogs.len() >= TOMBSTONES { self.order.values().next().copied() } else { None };
        if let Some(oldest) = oldest {
            self.forget(oldest);
            self.forgotten += 1;
        }
        self.last += 1;
        self.order.insert(self.last, leg);
        self.dialogs.insert(leg, Tombstone { place: self.last, identity });
        oldest
    }

    /// Forgets a dialog.
    pub(crate) fn forget(&mut self, leg: LegId) {
        if let Some(tombstone) = self.dialogs.remove(&leg) {
            self.order.remove(&tombstone.place);
        }
    }

    /// The dialog that had this id, if it is remembered.
    pub(crate) fn get(&self, leg: LegId) -> Option<&DialogIdentity> {
        self.dialogs.get(&leg).map(|tombstone| &tombstone.identity)
    }

    /// Whether this very dialog is remembered.
    pub(crate) fn knows(&self, leg: LegId, identity: &DialogIdentity) -> bool {
        self.get(leg) == Some(identity)
    }

    /// How many had to be forgotten for others.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// How many are remembered.
    pub(crate) fn len(&self) -> usize {
        self.dialogs.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(tag: &str) -> DialogIdentity {
        DialogIdentity { call_id: "c".into(), local_tag: tag.into(), remote_tag: "r".into() }
    }

    #[test]
    fn the_one_that_ended_first_is_forgotten_for_one_beyond_the_limit() {
        let mut tombstones = Tombstones::default();
        let whole = TOMBSTONES as u64;
        // The last call was the first to end.
        for number in (0..whole).rev() {
            assert_eq!(tombstones.bury(LegId::from(number), identity("t")), None);
        }
        let beyond = LegId::from(whole);
        assert_eq!(tombstones.bury(beyond, identity("t")), Some(LegId::from(whole - 1)));
        assert_eq!((tombstones.len(), tombstones.forgotten()), (TOMBSTONES, 1));
        assert!(tombstones.knows(beyond, &identity("t")));
        assert!(!tombstones.knows(beyond, &identity("other")));
        assert!(!tombstones.knows(LegId::from(whole - 1), &identity("t")));
        tombstones.forget(LegId::from(whole - 2));
        assert_eq!(tombstones.bury(LegId::from(whole + 1), identity("t")), None);
        assert_eq!(tombstones.bury(LegId::from(whole + 2), identity("t")), Some(LegId::from(whole - 3)));
    }
}
