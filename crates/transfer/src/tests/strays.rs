//! Events that have a meaning for another call or another state, and none where they come.

use dialog_core::{ReferSubscription, SubscriptionEnd, SubscriptionEvent};

use super::{
    manual::{do_step, manual},
    rig::Rig,
    two_calls::{BOB, TwoCalls},
};
use crate::{AttendedOptions, AttendedPolicy, Completion, Hold, ManualStep, ReferOptions, TransferPolicy};

#[test]
fn what_the_first_call_says_of_its_progress_is_not_said_of_the_consultation() {
    let mut calls = TwoCalls::one(TransferPolicy::default(), &BOB);
    calls.consult(Hold::First, AttendedOptions::default(), Completion::OnCommand);
    calls.done(calls.d1);
    assert_eq!(calls.rig.provisional(calls.d1, 180), "");
    assert_eq!(calls.state(), "Consulting");
    let mut calls = TwoCalls::ringing(AttendedPolicy::default());
    assert_eq!(calls.rig.up(calls.d1, "203.0.113.9", false), "");
    assert_eq!(calls.state(), "ConsultEarly");
}

#[test]
fn after_a_manual_transfer_was_given_up_nothing_waits_for_the_application() {
    let mut rig = Rig::new(manual());
    let leg = rig.call();
    let (transfer, _) = rig.blind(leg, Hold::Done);
    let sub = rig.subscription();
    rig.cancel(transfer);
    assert_eq!(rig.accepted(sub, 202), "", "no step waits for it");
    let over = rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Unsubscribed));
    assert_eq!(over, "[subscription Unsubscribed]");
    rig.reoffered(leg, Ok(()));
    assert_eq!(rig.outcome(), "Cancelled Local - Cancelled kept=true");
    rig.assert_nothing_left();
}

#[test]
fn the_application_goes_on_with_a_refer_that_is_accepted_without_a_subscription() {
    let mut rig = Rig::new(manual());
    let leg = rig.call();
    let options = ReferOptions { subscription: ReferSubscription::None, ..ReferOptions::default() };
    let (transfer, _) = rig.blind_with(leg, Hold::No, options);
    let sub = rig.subscription();
    rig.accepted(sub, 202);
    let decided = do_step(&mut rig, transfer, ManualStep::ProcessResponse);
    assert!(decided.starts_with("ok; <GoOn>; [accepted 202]"), "{decided}");
}
