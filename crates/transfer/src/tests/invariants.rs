//! What holds for every run, whatever happened in it.

use std::collections::{BTreeMap, BTreeSet};

use dialog_core::{DialogCommand, SubscriptionCommand};

use super::rig::Rig;
use crate::{TransferEventKind, TransferOutput};

/// Exactly one Ended for each transfer that began, and nothing after it.
pub(super) fn check_one_end_each(rig: &Rig) {
    let mut began = BTreeMap::new();
    for output in &rig.outputs {
        let TransferOutput::Event(event) = output else { continue };
        match event.kind {
            TransferEventKind::Initiated { .. } | TransferEventKind::Requested { .. } => {
                assert_eq!(began.insert(event.transfer, false), None, "{} began twice", event.transfer);
            }
            _ => assert_eq!(began.get(&event.transfer), Some(&false), "{event:?} of a transfer that is over"),
        }
        if let TransferEventKind::Ended(_) = event.kind {
            began.insert(event.transfer, true);
        }
    }
    assert!(began.values().all(|ended| *ended), "a transfer has no end: {began:?}");
    assert_eq!(began.len(), rig.ended.len());
}

/// At most one last report for each subscription, and none after it.
pub(super) fn check_one_last_report_each(rig: &Rig) {
    let mut last = BTreeSet::new();
    for output in &rig.outputs {
        if let TransferOutput::Dialog(DialogCommand::Subscription(
            id,
            SubscriptionCommand::Report { last: reason, .. },
        )) = output
        {
            assert!(!last.contains(id), "a report after the last one of {id}");
            if reason.is_some() {
                last.insert(*id);
            }
        }
    }
}
