//! Where there is no bridge although one is wanted, or none is wanted.

use super::{
    rig::uri,
    two_calls::{BOB, CAROL, Party, TwoCalls},
};
use crate::{
    AttendedOptions, Completion, Fallback, Hold, ReferOptions, TransferCommand, TransferOutput,
    TransferPolicy,
};

fn bridging() -> TransferPolicy {
    TransferPolicy { fallback: Fallback::Bridge, ..TransferPolicy::default() }
}

/// What is done when Bob refuses with 405 to be sent to the target.
fn refused(policy: TransferPolicy, target: &str) -> String {
    let mut calls = TwoCalls::one(policy, &BOB);
    let transfer = calls.transfer;
    let begun = calls.rig.command(TransferCommand::Blind {
        transfer,
        leg: calls.d1,
        target: uri(target),
        hold: Hold::First,
        referred_by: None,
        options: ReferOptions::default(),
    });
    assert!(begun.starts_with("ok"), "{begun}");
    calls.done(calls.d1);
    calls.rig.refused(calls.rig.subscription(), 405, None)
}

#[test]
fn a_target_that_cannot_be_called_from_here_is_no_end_of_a_bridge() {
    let number = refused(bridging(), "tel:+15550100");
    assert!(number.contains("[recovering]; resume d1"), "{number}");
    let full = refused(TransferPolicy { legs: 1, ..bridging() }, "sip:carol@example.com");
    assert!(full.contains("[recovering]; resume d1"), "no room for one more call: {full}");
}

#[test]
fn a_target_that_turns_out_not_to_take_the_refer_is_bridged_only_where_that_is_wanted() {
    let mute = Party { takes_refer: false, ..CAROL };
    for (policy, wanted) in [(bridging(), true), (TransferPolicy::default(), false)] {
        let mut calls = TwoCalls::one(policy, &BOB);
        let protect = AttendedOptions { protect_target: true, ..AttendedOptions::default() };
        calls.consult(Hold::First, protect, Completion::OnAnswer);
        calls.done(calls.d1);
        calls.answer(&mute);
        calls.done(calls.d2);
        calls.done(calls.d1);
        let joined = calls.rig.outputs.iter().any(|output| matches!(output, TransferOutput::Bridge { .. }));
        assert_eq!(joined, wanted, "{:?}", calls.state());
    }
}

#[test]
fn a_call_that_is_over_is_not_held_again() {
    let mute = Party { takes_refer: false, ..BOB };
    let mut calls = TwoCalls::both(bridging(), &mute, &CAROL);
    let begun = calls.attended_held(Hold::Already, true, AttendedOptions::default());
    assert!(begun.contains("resume d1") && begun.contains("resume d2"), "{begun}");
    let over = calls.rig.bye(calls.d2);
    assert!(over.contains("hold d1"), "the application held it: {over}");
    assert!(!over.contains("hold d2"), "{over}");
}
