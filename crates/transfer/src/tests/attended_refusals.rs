//! Commands about two calls that cannot be followed, and what they leave untouched.

use dialog_core::{EndReason, LegEvent};

use super::rig::wrong;
use super::two_calls::{BOB, CAROL, Party, TwoCalls, policy};
use crate::{
    AttendedOptions, AttendedPolicy, Completion, Hold, SemiAttendedPolicy, TransferCommand, TransferPolicy,
};

const USUAL: AttendedOptions =
    AttendedOptions { refer_to: None, protect_target: false, force: false, fallback: None };
const PROTECT: AttendedOptions = AttendedOptions { protect_target: true, ..USUAL };
const FORCE: AttendedOptions = AttendedOptions { force: true, ..USUAL };

fn both(bob: &Party, carol: &Party) -> TwoCalls {
    TwoCalls::both(TransferPolicy::default(), bob, carol)
}

#[test]
fn a_target_that_only_rings_is_not_referred_to() {
    // covers: TR-120
    for status in [100, 180, 183] {
        let mut calls = TwoCalls::one(TransferPolicy::default(), &BOB);
        calls.rig.provisional(calls.d2, status);
        assert_eq!(calls.attended(Hold::First, USUAL), "no: NotEstablished");
        calls.rig.assert_nothing_left();
        // The same once it has answered.
        calls.answer(&CAROL);
        assert!(calls.attended(Hold::First, USUAL).starts_with("ok; "));
    }
}

#[test]
fn nothing_is_sent_that_the_peers_do_not_support_unless_it_is_forced() {
    // covers: TR-173
    let without = |party: &Party| Party { replaces: false, ..party.clone() };
    assert_eq!(both(&BOB, &without(&CAROL)).attended(Hold::First, USUAL), "no: NoReplaces");
    assert!(both(&BOB, &without(&CAROL)).attended(Hold::First, FORCE).starts_with("ok; "));
    // The one that would get the INVITE with Replaces counts.
    assert!(both(&without(&BOB), &CAROL).attended(Hold::First, USUAL).starts_with("ok; "));
    assert_eq!(both(&without(&BOB), &CAROL).attended(Hold::First, PROTECT), "no: NoReplaces");
    assert!(both(&BOB, &without(&CAROL)).attended(Hold::First, PROTECT).starts_with("ok; "));

    let deaf = |party: &Party| Party { takes_refer: false, ..party.clone() };
    assert_eq!(both(&deaf(&BOB), &CAROL).attended(Hold::First, USUAL), "no: PeerCannot");
    assert!(both(&BOB, &deaf(&CAROL)).attended(Hold::First, USUAL).starts_with("ok; "));
    assert_eq!(both(&BOB, &deaf(&CAROL)).attended(Hold::First, PROTECT), "no: PeerCannot");
    assert!(both(&deaf(&BOB), &CAROL).attended(Hold::First, PROTECT).starts_with("ok; "));
}

#[test]
fn two_calls_that_are_not_up_and_free_are_not_joined() {
    // covers: TR-066
    let mut calls = both(&BOB, &CAROL);
    let d2 = calls.d2;
    calls.d2 = calls.d1;
    assert_eq!(calls.attended(Hold::First, USUAL), "no: SameCall");
    calls.d2 = 9999.into();
    assert_eq!(calls.attended(Hold::First, USUAL), "no: UnknownLeg");
    calls.d2 = d2;
    assert_eq!(calls.rig.leg(d2, LegEvent::Closing), "");
    assert_eq!(calls.attended(Hold::First, USUAL), "no: NotEstablished");
    calls.rig.bye(d2);
    assert_eq!(calls.attended(Hold::First, USUAL), "no: UnknownLeg");
    assert!(calls.rig.blind(calls.d1, Hold::No).1.starts_with("ok"));

    // Both calls are taken while a transfer between them is under way, in either role.
    let mut calls = both(&BOB, &CAROL);
    assert!(calls.attended(Hold::First, USUAL).starts_with("ok"));
    let first = calls.transfer;
    let busy = wrong("HoldPrimary", "Idle");
    assert_eq!(calls.attended(Hold::First, USUAL), busy);
    assert_eq!(calls.rig.blind(calls.d1, Hold::No).1, busy);
    assert_eq!(calls.rig.blind(calls.d2, Hold::No).1, busy);
    std::mem::swap(&mut calls.d1, &mut calls.d2);
    assert_eq!(calls.attended(Hold::First, USUAL), busy);
    assert_eq!(calls.consult(Hold::First, USUAL, Completion::OnCommand), busy);
    let third = calls.rig.call();
    calls.d1 = third;
    assert_eq!(calls.attended(Hold::First, USUAL), busy);
    // And a REFER that comes in meets ours.
    let refer = super::rig::Rig::refer(calls.d2, "sip:dave@example.com");
    assert!(calls.rig.asked(refer).1.starts_with("refuse "));
    assert_eq!(calls.rig.transfers.len(), 1);
    // An id is used once.
    let again = TransferCommand::Blind {
        transfer: first,
        leg: third,
        target: super::rig::uri("sip:carol@example.com"),
        hold: Hold::No,
        referred_by: None,
        options: crate::ReferOptions::default(),
    };
    assert_eq!(calls.rig.command(again), wrong("HoldPrimary", "an id that is not in use"));
}

#[test]
fn a_consultation_that_cannot_be_is_refused_before_anything_is_held() {
    let consult = |calls: &mut TwoCalls, target: &str, options| {
        let command = TransferCommand::Consult {
            refer: crate::ReferOptions::default(),
            transfer: calls.transfer,
            leg: calls.d1,
            consultation: calls.d2,
            target: super::rig::uri(target),
            hold: Hold::First,
            referred_by: None,
            options,
            completion: Completion::OnCommand,
        };
        calls.rig.command(command)
    };
    let one = |bob: &Party| TwoCalls::one(TransferPolicy::default(), bob);
    for (target, error) in [
        ("tel:+4930123", "no: Scheme"),
        ("mailto:carol@example.com", "no: Scheme"),
        ("sip:carol@example.com?Subject=x", "no: TargetForm"),
        ("sip:carol@example.com;method=BYE", "no: TargetForm"),
    ] {
        assert_eq!(consult(&mut one(&BOB), target, USUAL), error, "{target}");
    }
    let deaf = Party { takes_refer: false, ..BOB };
    assert_eq!(consult(&mut one(&deaf), "sip:c@h", USUAL), "no: PeerCannot");
    // Who gets the REFER is not known yet.
    assert!(consult(&mut one(&deaf), "sip:c@h", PROTECT).starts_with("ok"));
    let mut calls = both(&BOB, &CAROL);
    assert_eq!(consult(&mut calls, "sip:c@h", USUAL), wrong("InCall", "an id that is not in use"));
    calls.d2 = calls.d1;
    assert_eq!(consult(&mut calls, "sip:c@h", USUAL), wrong("InCall", "an id that is not in use"));
    calls.rig.assert_nothing_left();
}

#[test]
fn a_command_in_a_state_that_does_not_know_it_changes_nothing() {
    let refuse = AttendedPolicy { semi_attended: SemiAttendedPolicy::Refuse, ..AttendedPolicy::default() };
    let mut holding = TwoCalls::one(policy(refuse), &BOB);
    holding.consult(Hold::First, USUAL, Completion::OnCommand);
    let ringing = TwoCalls::ringing(refuse);
    let mut swapping = TwoCalls::talking(refuse);
    swapping.swap();
    let mut hold_consult = TwoCalls::talking(refuse);
    hold_consult.complete();
    let referred = TwoCalls::referred(refuse, USUAL);
    let (accepted, _) = TwoCalls::accepted(refuse);
    let (mut parting, _) = TwoCalls::accepted(refuse);
    parting.rig.bye(parting.d1);
    let (mut completing, _) = TwoCalls::accepted(refuse);
    completing.reported(200);
    let (mut recovering, _) = TwoCalls::accepted(refuse);
    recovering.reported(486);
    let mut backing_off = TwoCalls::referred(refuse, USUAL);
    backing_off.rig.refused(backing_off.rig.subscription(), 491, None);
    for (mut calls, state, cancels) in [
        (holding, "HoldPrimary", true),
        (ringing, "ConsultEarly", true),
        (swapping, "ConsultTalk", true),
        (hold_consult, "HoldConsult", true),
        (referred, "ReferPending", true),
        (backing_off, "BackingOff", true),
        (accepted, "Accepted", true),
        (parting, "Parting", false),
        (completing, "Completing", false),
        (recovering, "Recovering", true),
    ] {
        assert_eq!(calls.state(), state);
        let before = (calls.rig.timers.clone(), calls.rig.outputs.len());
        let stage = if state == "ConsultTalk" { "Swapping" } else { state };
        assert_eq!(calls.complete(), wrong(stage, "ConsultTalk"));
        assert_eq!(calls.swap(), wrong(stage, "ConsultTalk"));
        let lets_go = matches!(state, "ReferPending" | "BackingOff" | "Accepted");
        if !lets_go {
            assert_eq!(calls.detach(), wrong(stage, "ReferPending, Accepted or Progress"));
        }
        if !cancels {
            assert_eq!(calls.cancel(), wrong(stage, "a call that can be taken back"));
        }
        assert_eq!(calls.state(), state);
        let said = calls.rig.outputs.len() - before.1;
        assert_eq!(
            (calls.rig.timers.clone(), said),
            (before.0, 2 + usize::from(!lets_go) + usize::from(!cancels)),
            "{state}"
        );
        if cancels {
            assert!(calls.cancel().starts_with("ok"), "{state}");
        }
    }
    let mut calls = both(&BOB, &CAROL);
    assert_eq!(calls.complete(), "no: UnknownTransfer");
    assert_eq!(calls.swap(), "no: UnknownTransfer");
    // Those are commands of the one who transfers.
    let refer = super::rig::Rig::refer(calls.d1, "sip:dave@example.com");
    calls.rig.transfers.policy_for(calls.d1, crate::ReferPolicy::Allow);
    calls.rig.asked(refer);
    calls.transfer = calls.rig.transfer();
    let stage = calls.state();
    assert_eq!(calls.complete(), wrong(stage, "a transfer of ours"));
    assert_eq!(calls.swap(), wrong(stage, "a transfer of ours"));
}

#[test]
fn transfers_between_calls_count_towards_the_limits() {
    let mut calls =
        TwoCalls::both(TransferPolicy { transfers: 1, ..TransferPolicy::default() }, &BOB, &CAROL);
    let third = calls.rig.call();
    assert!(calls.rig.blind(third, Hold::No).1.starts_with("ok"));
    assert_eq!(calls.attended(Hold::First, USUAL), "no: Full");
    let blind = calls.rig.transfer();
    calls.rig.cancel(blind);
    assert!(calls.attended(Hold::First, USUAL).starts_with("ok"));
    assert_eq!(calls.rig.blind(third, Hold::No).1, "no: Full");

    // Two legs are there; the consultation call would be the second or the third.
    for (legs, answer) in [(3, "ok"), (2, "no: Full")] {
        let mut calls = TwoCalls::one(TransferPolicy { legs, ..TransferPolicy::default() }, &BOB);
        calls.rig.call();
        let asked = calls.consult(Hold::No, USUAL, Completion::OnCommand);
        assert!(asked.starts_with(answer), "{asked}");
        assert_eq!(calls.rig.transfers.watched(), legs);
    }
    let mut calls = TwoCalls::one(TransferPolicy { transfers: 1, ..TransferPolicy::default() }, &BOB);
    let other = calls.rig.call();
    calls.rig.blind(other, Hold::No);
    assert_eq!(calls.consult(Hold::First, USUAL, Completion::OnCommand), "no: Full");
}

#[test]
fn a_consultation_rings_as_long_as_it_may_and_three_minutes_at_most() {
    for (limit, granted) in [(45, 45), (180, 180), (181, 180)] {
        let consult_limit = std::time::Duration::from_secs(limit);
        let attended = AttendedPolicy { consult_limit, ..AttendedPolicy::default() };
        let mut calls = TwoCalls::one(policy(attended), &BOB);
        let asked = calls.consult(Hold::No, USUAL, Completion::OnCommand);
        let expected =
            format!("[consulting]; place d2 sip:carol@example.com {granted}s; arm Consult {}s", granted + 34);
        assert!(asked.ends_with(&expected), "{asked}");
        calls.rig.ended(calls.d2, dialog_core::By::Local, EndReason::NoAnswer);
        assert_eq!(calls.rig.outcome(), "Recovered Local 408 Consultation kept=true");
    }
}
