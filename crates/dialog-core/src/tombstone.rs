//! Remembers ended dialogs for a while (catalogue T-TOMB).

use std::collections::BTreeMap;

use crate::boundary::leg::{DialogIdentity, LegId};

/// Most ended dialogs remembered at a time; at 64*T1 each that is over 600 calls ended per second. The oldest
/// is forgotten first: it only costs the difference between 603 and 481 (RFC 3891 §3).
pub(crate) const TOMBSTONES: usize = 20_000;

/// The ended dialogs.
#[derive(Debug, Default)]
pub(crate) struct Tombstones(BTreeMap<LegId, DialogIdentity>);

impl Tombstones {
    /// Remembers a dialog; gives back the one that had to be forgotten for it.
    pub(crate) fn bury(&mut self, leg: LegId, identity: DialogIdentity) -> Option<LegId> {
        let forgotten = if self.0.len() >= TOMBSTONES { self.0.pop_first() } else { None };
        self.0.insert(leg, identity);
        forgotten.map(|(leg, _)| leg)
    }

    /// Forgets a dialog.
    pub(crate) fn forget(&mut self, leg: LegId) {
        self.0.remove(&leg);
    }

    /// The dialog that had this id, if it is remembered.
    pub(crate) fn get(&self, leg: LegId) -> Option<&DialogIdentity> {
        self.0.get(&leg)
    }

    /// Whether this very dialog is remembered.
    pub(crate) fn knows(&self, leg: LegId, identity: &DialogIdentity) -> bool {
        self.0.get(&leg) == Some(identity)
    }

    /// How many are remembered.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(tag: &str) -> DialogIdentity {
        DialogIdentity { call_id: "c".into(), local_tag: tag.into(), remote_tag: "r".into() }
    }

    #[test]
    fn the_oldest_is_forgotten_for_one_beyond_the_limit() {
        let mut tombstones = Tombstones::default();
        for number in 0..TOMBSTONES as u64 {
            assert_eq!(tombstones.bury(LegId::from(number), identity("t")), None);
        }
        let beyond = LegId::from(TOMBSTONES as u64);
        assert_eq!(tombstones.bury(beyond, identity("t")), Some(LegId::from(0)));
        assert_eq!(tombstones.len(), TOMBSTONES);
        assert!(tombstones.knows(beyond, &identity("t")));
        assert!(!tombstones.knows(beyond, &identity("other")));
        assert!(!tombstones.knows(LegId::from(0), &identity("t")));
    }
}
