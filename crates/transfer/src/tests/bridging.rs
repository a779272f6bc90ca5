//! The fallback: a party that cannot or will not be referred is joined with the target here.

use dialog_core::{By, EndCause, EndReason, LegEvent, ReferAnswer, ReofferError, SubscriptionEvent};

use super::{
    rig::{Rig, code, uri},
    two_calls::{BOB, CAROL, CONTACT, Party, TwoCalls},
};
use crate::{
    AttendedOptions, Completion, Fallback, Hold, ReferOptions, TransferCommand, TransferId, TransferOutput,
    TransferPolicy, TransferTimerName,
};

const MUTE: Party = Party { takes_refer: false, ..BOB };
const OLD: Party = Party { replaces: false, ..CAROL };

fn bridging() -> TransferPolicy {
    TransferPolicy { fallback: Fallback::Bridge, ..TransferPolicy::default() }
}

fn usual() -> AttendedOptions {
    AttendedOptions::default()
}

/// A blind transfer of Bob, who answers the REFER with this.
fn refused(policy: TransferPolicy, hold: Hold, status: u16) -> (TwoCalls, String) {
    let mut calls = TwoCalls::one(policy, &BOB);
    let (transfer, _) = calls.rig.blind(calls.d1, hold);
    calls.transfer = transfer;
    if hold == Hold::First {
        calls.done(calls.d1);
    }
    let refused = calls.rig.refused(calls.rig.subscription(), status, None);
    let placed = calls.rig.outputs.iter().any(|output| matches!(output, TransferOutput::Place { .. }));
    if placed {
        calls.d2 = calls.rig.placed();
        calls.rig.name(calls.d2, "d2");
    }
    (calls, refused)
}

/// Both calls are bridged.
fn bridged() -> TwoCalls {
    let mut calls = TwoCalls::both(bridging(), &MUTE, &CAROL);
    calls.attended(Hold::First, usual());
    calls.rig.joined(calls.d1, calls.d2, true);
    calls
}

#[test]
fn a_party_that_does_not_do_refer_is_joined_with_the_target_which_is_called_for_it() {
    // covers: TR-170
    for status in [405, 501, 603] {
        let (mut calls, refused) = refused(bridging(), Hold::First, status);
        assert_eq!(
            refused,
            "disarm Guard; [bridging]; [consulting]; place sip:carol@example.com 45s; arm Consult 79s"
        );
        let (d1, d2) = (calls.d1, calls.d2);
        assert_eq!(calls.state(), "Bridging");
        assert_eq!(calls.rig.provisional(d2, 180), "[consult ringing 180]");
        assert_eq!(calls.answer(&CAROL), "disarm Consult; resume d1 10s; arm Resume 12s");
        assert_eq!(calls.done(d1), "bridge d1 d2");
        assert!(calls.rig.joined(d1, d2, true).starts_with("disarm Resume; [ended Bridged Local "));
        calls.rig.assert_nothing_left();
        assert_eq!(calls.rig.transfers.bridged_with(d1), Some(d2));
        assert_eq!(calls.rig.transfers.bridged_with(d2), Some(d1));
    }
}

#[test]
fn the_outcome_says_why_the_party_was_not_moved() {
    let outcome = |status| {
        let (mut calls, _) = refused(bridging(), Hold::No, status);
        calls.answer(&CAROL);
        calls.rig.joined(calls.d1, calls.d2, true);
        calls.rig.outcome()
    };
    assert_eq!(outcome(405), "Bridged Local 405 NotSupported kept=false");
    assert_eq!(outcome(603), "Bridged Local 603 Refused kept=false");
}

#[test]
fn without_the_fallback_and_for_any_other_refusal_the_party_is_taken_back() {
    // covers: TR-170
    let (calls, refused_by) = refused(TransferPolicy::default(), Hold::First, 405);
    assert!(refused_by.contains("[recovering]; resume d1"), "{refused_by}");
    assert_eq!(calls.state(), "Recovering");
    for status in [400, 403, 404, 481, 500] {
        let (calls, _) = refused(bridging(), Hold::First, status);
        assert_eq!(calls.state(), "Recovering", "{status}");
    }
}

#[test]
fn a_transfer_says_for_itself_whether_it_falls_back() {
    let ask = |policy, fallback| {
        let mut calls = TwoCalls::one(policy, &MUTE);
        calls.rig.command(TransferCommand::Blind {
            transfer: calls.transfer,
            leg: calls.d1,
            target: uri("sip:carol@example.com"),
            hold: Hold::First,
            referred_by: None,
            options: ReferOptions { fallback, ..ReferOptions::default() },
        })
    };
    assert_eq!(ask(bridging(), Some(Fallback::None)), "no: PeerCannot");
    assert_eq!(ask(TransferPolicy::default(), None), "no: PeerCannot");
    let begun = "ok; [initiated sip:carol@example.com]; hold d1 10s; arm Hold 12s";
    assert_eq!(ask(TransferPolicy::default(), Some(Fallback::Bridge)), begun);
    assert_eq!(ask(bridging(), None), begun);
    let mut calls = TwoCalls::both(bridging(), &MUTE, &CAROL);
    let never = AttendedOptions { fallback: Some(Fallback::None), ..usual() };
    assert_eq!(calls.attended(Hold::First, never), "no: PeerCannot");
}

#[test]
fn a_party_without_refer_in_its_allow_is_never_sent_one() {
    // covers: TR-170
    let mut calls = TwoCalls::one(bridging(), &MUTE);
    let (transfer, _) = calls.rig.blind(calls.d1, Hold::First);
    calls.transfer = transfer;
    assert_eq!(
        calls.done(calls.d1),
        "disarm Hold; [bridging]; [consulting]; place sip:carol@example.com 45s; arm Consult 79s"
    );
    // A telephone number cannot be called from here.
    let mut calls = TwoCalls::one(bridging(), &MUTE);
    let refused = calls.rig.command(TransferCommand::Blind {
        transfer: calls.transfer,
        leg: calls.d1,
        target: uri("tel:+4930123"),
        hold: Hold::First,
        referred_by: None,
        options: ReferOptions::default(),
    });
    assert_eq!(refused, "no: PeerCannot");
}

#[test]
fn a_target_that_does_not_take_the_call_gives_the_party_back() {
    let (mut calls, _) = refused(bridging(), Hold::First, 405);
    let d2 = calls.d2;
    assert_eq!(
        calls.rig.ended(d2, By::Remote, EndReason::Refused(code(486))),
        "disarm Consult; [consult failed 486]; [recovering]; resume d1 10s; arm Resume 12s"
    );
    assert_eq!(calls.done(calls.d1), "disarm Resume; [ended Recovered Local 486 Consultation kept=true]");
    let (mut calls, _) = refused(bridging(), Hold::First, 405);
    let given_up = calls.expire(TransferTimerName::Consult);
    assert_eq!(given_up, "[consult failed -]; hangup d2; [recovering]; resume d1 10s; arm Resume 12s");
    let (mut calls, _) = refused(bridging(), Hold::First, 405);
    assert_eq!(calls.cancel(), "ok; disarm Consult; hangup d2; [recovering]; resume d1 10s; arm Resume 12s");
    assert_eq!(calls.done(calls.d1), "disarm Resume; [ended Cancelled Local - Cancelled kept=true]");
    let (mut calls, _) = refused(bridging(), Hold::First, 405);
    assert_eq!(
        calls.rig.bye(calls.d1),
        "disarm Consult; hangup d2; [ended PeerHungUp Bye - CallEnded kept=false]"
    );
    calls.rig.assert_nothing_left();
}

#[test]
fn two_calls_are_both_resumed_before_they_are_joined() {
    // covers: TR-170
    let mut calls = TwoCalls::both(bridging(), &BOB, &CAROL);
    let (d1, d2) = (calls.d1, calls.d2);
    calls.attended(Hold::First, usual());
    calls.done(d1);
    calls.done(d2);
    let sub = calls.rig.subscription();
    assert_eq!(
        calls.rig.refused(sub, 603, None),
        "disarm Guard; [bridging]; resume d1 10s; resume d2 10s; arm Resume 12s"
    );
    assert_eq!(calls.done(d2), "");
    assert_eq!(calls.done(d1), "bridge d1 d2");
    assert_eq!(calls.rig.joined(d1, d2, true), "disarm Resume; [ended Bridged Local 603 Refused kept=false]");
    calls.rig.assert_nothing_left();
}

#[test]
fn what_the_application_holds_is_resumed_too_and_held_again_if_it_comes_to_nothing() {
    let mut calls = TwoCalls::both(bridging(), &MUTE, &CAROL);
    let (d1, d2) = (calls.d1, calls.d2);
    assert_eq!(
        calls.attended_held(Hold::Already, true, usual()),
        "ok; [initiated sip:carol@example.com]; [bridging]; resume d1 10s; resume d2 10s; arm Resume 12s"
    );
    calls.done(d1);
    assert_eq!(
        calls.failed(d2, ReofferError::Refused(code(488))),
        "disarm Resume; hold d1 10s; hold d2 10s; [ended Recovered Local - Bridge kept=true]"
    );
    calls.rig.assert_nothing_left();
}

#[test]
fn a_target_that_does_not_do_replaces_is_never_named_in_one() {
    // covers: TR-173, EC-72
    let mut calls = TwoCalls::both(bridging(), &BOB, &OLD);
    assert_eq!(
        calls.attended(Hold::First, usual()),
        "ok; [initiated sip:carol@example.com]; [bridging]; arm Resume 12s; bridge d1 d2"
    );
    let mut calls = TwoCalls::one(bridging(), &BOB);
    calls.consult(Hold::First, usual(), Completion::OnCommand);
    calls.done(calls.d1);
    assert_eq!(calls.answer(&OLD), "disarm Consult; media d1 to d2; [consult answered]; arm Talk 3600s");
    assert_eq!(calls.complete(), "ok; disarm Talk; [bridging]; resume d1 10s; arm Resume 12s");
    assert_eq!(calls.done(calls.d1), "bridge d1 d2");
    let mut calls = TwoCalls::one(bridging(), &BOB);
    calls.consult(Hold::First, usual(), Completion::OnAnswer);
    calls.done(calls.d1);
    assert_eq!(
        calls.answer(&OLD),
        "disarm Consult; media d1 to d2; [consult answered]; [bridging]; resume d1 10s; arm Resume 12s"
    );
    let refer = |output: &TransferOutput| format!("{output:?}").contains("Refer {");
    assert!(!calls.rig.outputs.iter().any(refer));
}

#[test]
fn a_target_that_refuses_the_call_with_replaces_is_bridged() {
    // covers: TR-173, EC-72
    for status in [420, 481, 488, 603] {
        let mut calls = TwoCalls::both(bridging(), &BOB, &CAROL);
        calls.attended_held(Hold::No, true, usual());
        let sub = calls.rig.subscription();
        calls.rig.accepted(sub, 202);
        let retry = calls.reported(status);
        // Where it may be looked for elsewhere, that comes first (TR-171).
        let told = if retry.contains("refer d1") {
            calls.rig.accepted(calls.rig.subscription(), 202);
            calls.reported(status)
        } else {
            retry
        };
        assert_eq!(told, "disarm Guard; [bridging]; resume d2 10s; arm Resume 12s", "{status}");
    }
}

#[test]
fn a_target_that_left_the_consultation_is_not_bridged() {
    let mut calls = TwoCalls::both(bridging(), &BOB, &CAROL);
    calls.attended_held(Hold::No, true, usual());
    calls.rig.accepted(calls.rig.subscription(), 202);
    calls.rig.bye(calls.d2);
    assert_eq!(calls.reported(481), "disarm Guard; [ended Recovered Notify 481 Target kept=true]");
}

#[test]
fn streams_that_cannot_be_joined_leave_both_calls_as_they_were() {
    let mut calls = TwoCalls::both(bridging(), &MUTE, &CAROL);
    let (d1, d2) = (calls.d1, calls.d2);
    calls.attended(Hold::First, usual());
    assert_eq!(calls.rig.joined(d1, d2, false), "disarm Resume; [ended Recovered Local - Bridge kept=true]");
    assert_eq!(calls.rig.transfers.bridged_with(d1), None);
    // Nor does the end of one mean anything to the other.
    assert_eq!(calls.rig.bye(d1), "");
    // No answer at all.
    let mut calls = TwoCalls::both(bridging(), &MUTE, &CAROL);
    calls.attended(Hold::First, usual());
    assert_eq!(
        calls.expire(TransferTimerName::Resume),
        "unbridge d1 d2; [ended Recovered Local - Bridge kept=true]"
    );
    calls.rig.assert_nothing_left();
}

#[test]
fn a_party_that_hangs_up_while_the_calls_are_joined_leaves_the_other_to_the_application() {
    let mut calls = TwoCalls::both(bridging(), &MUTE, &CAROL);
    calls.attended(Hold::First, usual());
    assert_eq!(
        calls.rig.bye(calls.d1),
        "disarm Resume; unbridge d1 d2; [primary lost]; [ended PeerHungUp Bye - CallEnded kept=false]"
    );
    let mut calls = TwoCalls::both(bridging(), &MUTE, &CAROL);
    calls.attended(Hold::First, usual());
    assert_eq!(
        calls.rig.bye(calls.d2),
        "disarm Resume; unbridge d1 d2; [ended Recovered Bye - ConsultationEnded kept=true]"
    );
    calls.rig.assert_nothing_left();
}

#[test]
fn the_end_of_one_bridged_call_ends_the_other_for_the_same_reason() {
    let mut calls = bridged();
    let header = Some("Q.850;cause=16".into());
    let cause = EndCause { by: By::Remote, reason: EndReason::Bye, header, details: Vec::new() };
    calls.rig.leg(calls.d2, LegEvent::Ended(cause));
    let last = format!("{:?}", calls.rig.outputs.last());
    assert!(last.contains("HangUp { reason: Some(\"Q.850;cause=16\") }"), "{last}");
    calls.rig.leg(calls.d1, LegEvent::Closing);
    assert_eq!(calls.rig.ended(calls.d1, By::Local, EndReason::Bye), "");
    assert_eq!(calls.rig.transfers.watched(), 0);
    // The application hangs up on one.
    let mut calls = bridged();
    assert_eq!(calls.rig.leg(calls.d1, LegEvent::Closing), "hangup d2");
    assert_eq!(calls.rig.bye(calls.d1), "");
}

#[test]
fn a_hold_of_one_bridged_party_does_not_touch_the_other() {
    let mut calls = bridged();
    assert_eq!(calls.rig.leg(calls.d1, LegEvent::Changed), "");
    assert_eq!(calls.rig.reoffered(calls.d1, Ok(())), "");
    assert_eq!(calls.rig.transfers.bridged_with(calls.d1), Some(calls.d2));
}

/// A bridge whose parties take REFER after all.
fn able() -> TwoCalls {
    let mut calls = TwoCalls::both(bridging(), &BOB, &CAROL);
    calls.attended_held(Hold::No, false, usual());
    calls.done(calls.d2);
    calls.rig.refused(calls.rig.subscription(), 603, None);
    calls.done(calls.d2);
    calls.rig.joined(calls.d1, calls.d2, true);
    calls
}

#[test]
fn a_bridge_is_handed_over_while_the_two_go_on_talking() {
    // covers: EC-55
    let mut calls = able();
    // Neither is held, and Replaces names our own call with the target by the ids that the target knows.
    assert_eq!(
        calls.attended(Hold::No, usual()),
        format!("ok; [initiated sip:carol@example.com]; [refer sent]; refer d1 {CONTACT}; arm Guard 120s")
    );
    calls.rig.accepted(calls.rig.subscription(), 202);
    // The target has the new call and ends the old one: no reason to end the first one before its result is told.
    assert_eq!(calls.rig.bye(calls.d2), "");
    assert_eq!(calls.reported(200), "disarm Guard; hangup d1; arm Closing 34s");
    calls.rig.leg(calls.d1, LegEvent::Closing);
    assert_eq!(
        calls.rig.ended(calls.d1, By::Local, EndReason::Bye),
        "disarm Closing; [ended Succeeded Notify 200 - kept=false]"
    );
    assert_eq!(calls.rig.transfers.watched(), 0);
}

#[test]
fn a_bridge_that_cannot_be_handed_over_stays_one() {
    let mut calls = able();
    calls.attended(Hold::No, usual());
    let refused = calls.rig.refused(calls.rig.subscription(), 405, None);
    assert_eq!(refused, "disarm Guard; [ended Recovered Local 405 NotSupported kept=true]");
    assert_eq!(calls.rig.transfers.bridged_with(calls.d1), Some(calls.d2));
    // Who has said that it takes none is sent none.
    let mut calls = bridged();
    assert_eq!(calls.attended(Hold::No, usual()), "no: PeerCannot");
    assert_eq!(calls.rig.bye(calls.d1), "hangup d2");
}

#[test]
fn a_party_that_leaves_while_it_is_handed_over_ends_the_other_call() {
    let mut calls = able();
    calls.attended(Hold::No, usual());
    assert_eq!(calls.rig.bye(calls.d1), "disarm Guard; arm Final 1s");
    assert_eq!(
        calls.expire(TransferTimerName::Final),
        "[ended PeerHungUp Bye - CallEnded kept=false]; hangup d2"
    );
    let mut calls = able();
    calls.attended(Hold::No, usual());
    calls.rig.bye(calls.d2);
    let answer = ReferAnswer::Refused { status: code(481), retry_after: None };
    calls.rig.sub(calls.rig.subscription(), SubscriptionEvent::Answered(answer));
    let asked_after = calls.done(calls.d1);
    assert!(asked_after.ends_with("; hangup d1"), "{asked_after}");
    calls.rig.assert_nothing_left();
}

/// A second transfer of the first party of a bridge, to a third call.
fn moved_on(calls: &mut TwoCalls) -> (dialog_core::LegId, TransferId) {
    let third = calls.rig.call();
    calls.rig.name(third, "d3");
    let transfer = calls.rig.mint();
    calls.rig.command(TransferCommand::Attended {
        transfer,
        leg: calls.d1,
        consultation: third,
        hold: Hold::No,
        consultation_held: false,
        referred_by: None,
        options: usual(),
        refer: ReferOptions::default(),
    });
    (third, transfer)
}

#[test]
fn a_bridged_party_can_be_bridged_with_somebody_else_and_the_third_is_free() {
    let mut calls = bridged();
    let (third, _) = moved_on(&mut calls);
    assert_eq!(
        calls.rig.joined(calls.d1, third, true),
        "disarm Resume; [ended Bridged Local - NotSupported kept=false]"
    );
    assert_eq!(calls.rig.transfers.bridged_with(calls.d1), Some(third));
    assert_eq!(calls.rig.bye(calls.d2), "");
    assert_eq!(calls.rig.bye(third), "hangup d1");
    // Where that fails the bridge is what it was.
    let mut calls = bridged();
    let (third, _) = moved_on(&mut calls);
    calls.rig.joined(calls.d1, third, false);
    assert_eq!(calls.rig.transfers.bridged_with(calls.d1), Some(calls.d2));
    assert_eq!(calls.rig.bye(calls.d2), "hangup d1");
    assert_eq!(calls.rig.bye(third), "");
}

#[test]
fn a_call_that_takes_the_place_of_a_bridged_one_is_bridged_in_its_stead() {
    // covers: EC-70
    let policy = TransferPolicy { refer: crate::ReferPolicy::Allow, ..bridging() };
    let mut calls = TwoCalls::both(policy, &MUTE, &CAROL);
    calls.attended(Hold::First, usual());
    calls.rig.joined(calls.d1, calls.d2, true);
    calls.rig.asked(Rig::refer(calls.d2, "sip:dave@example.com"));
    let new = calls.rig.placed();
    calls.rig.name(new, "d3");
    let connected = calls.rig.up(new, "203.0.113.77", true);
    assert!(connected.contains("bridge d3 d1"), "{connected}");
    assert_eq!(calls.rig.joined(new, calls.d1, true), "");
    // The referrer's call ends; the other two go on.
    assert!(!calls.rig.bye(calls.d2).contains("hangup"));
    assert_eq!(calls.rig.transfers.bridged_with(new), Some(calls.d1));
    // Without media between them they would be of no use.
    let mut calls = bridged();
    assert_eq!(calls.rig.joined(calls.d1, calls.d2, false), "hangup d1; hangup d2");
}

#[test]
fn a_bridged_party_that_is_moved_and_hangs_up_after_the_other_one_is_not_hung_up_on() {
    let mut calls = TwoCalls::both(bridging(), &MUTE, &CAROL);
    calls.attended(Hold::First, usual());
    calls.rig.joined(calls.d1, calls.d2, true);
    let transfer = calls.rig.mint();
    let blind = TransferCommand::Blind {
        transfer,
        leg: calls.d2,
        target: uri("sip:dave@example.com"),
        hold: Hold::First,
        referred_by: None,
        options: ReferOptions::default(),
    };
    assert!(calls.rig.command(blind).starts_with("ok"));
    assert_eq!(calls.rig.bye(calls.d1), "", "she is being moved");
    assert_eq!(calls.rig.bye(calls.d2), "disarm Hold; [ended PeerHungUp Bye - CallEnded kept=false]");
    assert_eq!(calls.rig.transfers.watched(), 0);
}

#[test]
fn a_party_that_cannot_be_taken_back_after_the_other_one_left_is_hung_up_on_once() {
    let mut calls = able();
    // The application wants a hold first, although the two talk.
    calls.attended(Hold::First, usual());
    assert_eq!(calls.rig.bye(calls.d2), "[recovering]");
    assert!(calls.expire(TransferTimerName::Hold).contains("resume d1"));
    assert_eq!(
        calls.expire(TransferTimerName::Resume),
        "hangup d1; [ended Failed Bye - ConsultationEnded kept=false]"
    );
    calls.rig.assert_nothing_left();
}

#[test]
fn a_party_that_turns_out_to_be_gone_while_it_is_resumed_for_the_bridge_is_not_said_to_be_kept() {
    // The application holds the first call, and it is resumed for the bridge.
    for gone in [404, 408, 481] {
        let mut calls = TwoCalls::both(bridging(), &MUTE, &CAROL);
        assert!(calls.attended_held(Hold::Already, true, usual()).contains("resume d1"));
        assert_eq!(
            calls.failed(calls.d1, ReofferError::Refused(code(gone))),
            "disarm Resume; hangup d1; [primary lost]; [ended Failed Local - Bridge kept=false]"
        );
        calls.rig.assert_nothing_left();
    }
}
