//! What is seen of a transfer from outside while it is under way.

use dialog_core::NotifiedState::*;
use sip_message::StatusCode;

use super::rig::{Rig, code};
use crate::{Hold, TransferPolicy};

fn last_code(rig: &Rig) -> Option<StatusCode> {
    rig.transfers.transfers().next().expect("invariant: a transfer is under way").last_code
}

#[test]
fn the_newest_status_that_was_heard_is_shown() {
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    assert!(rig.transfers.is_empty());
    rig.blind(leg, Hold::No);
    assert!(!rig.transfers.is_empty());
    assert_eq!(last_code(&rig), None);
    let sub = rig.subscription();
    rig.accepted(sub, 202);
    assert_eq!(last_code(&rig), Some(code(202)));
    rig.notified(sub, Active, Some(180));
    assert_eq!(last_code(&rig), Some(code(180)));
    rig.notified(sub, Active, None);
    assert_eq!(last_code(&rig), Some(code(180)), "a NOTIFY without a status says nothing new");
    rig.notified(sub, Terminated, Some(200));
    assert_eq!(last_code(&rig), Some(code(200)));
}
