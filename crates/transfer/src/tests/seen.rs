//! What is seen of a transfer from outside while it is under way.

use dialog_core::NotifiedState::*;
use sip_message::StatusCode;

use super::{
    rig::{Rig, code},
    transferee::allow,
    two_calls::{BOB, CAROL, TwoCalls},
};
use crate::{AttendedOptions, Completion, Hold, TransferPolicy, TransferTimerName};

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

#[test]
fn the_target_is_asked_from_its_call_to_the_refer_and_in_no_other_transfer() {
    let mut calls = TwoCalls::one(TransferPolicy::default(), &BOB);
    let asking = |calls: &TwoCalls| calls.rig.transfers.is_asking(calls.transfer);
    assert!(!asking(&calls), "there is no transfer yet");
    calls.consult(Hold::First, AttendedOptions::default(), Completion::OnCommand);
    assert!(!asking(&calls), "Bob is being held");
    calls.done(calls.d1);
    assert!(asking(&calls));
    calls.answer(&CAROL);
    assert!(asking(&calls));
    calls.complete();
    assert!(!asking(&calls));

    let mut rig = Rig::new(allow());
    let leg = rig.call();
    rig.asked(Rig::refer(leg, "sip:carol@example.com"));
    assert!(!rig.transfers.is_asking(rig.transfer()), "others ask us");
}

#[test]
fn what_means_nothing_is_counted() {
    let mut rig = Rig::new(TransferPolicy::default());
    let unknown = rig.mint();
    assert_eq!(rig.stale(unknown, TransferTimerName::Guard), "");
    assert_eq!(rig.transfers.ignored(), 1, "a timer of no transfer");
    let leg = rig.call();
    let (transfer, _) = rig.blind(leg, Hold::No);
    assert_eq!(rig.stale(transfer, TransferTimerName::Resume), "");
    assert_eq!(rig.transfers.ignored(), 2, "a timer that was not armed");
}
