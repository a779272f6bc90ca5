//! Attended transfers between two calls of the application: failure, roll-back, hanging up, giving up, time.

use dialog_core::{
    By, EndReason, LegEvent, NotifiedState::*, ReofferError, SubscriptionEnd, SubscriptionEvent,
};

use super::rig::code;
use super::two_calls::{BOB, CAROL, CONTACT, TwoCalls, policy};
use crate::{AttendedOptions, AttendedPolicy, Hold, HoldPolicy, TransferPolicy, TransferTimerName};

const USUAL: AttendedOptions =
    AttendedOptions { refer_to: None, protect_target: false, force: false, fallback: None };
const PROTECT: AttendedOptions = AttendedOptions { protect_target: true, ..USUAL };

const BACK: &str = "[recovering]; resume d2 10s; resume d1 10s; arm Resume 12s";

/// Both calls are in the state in which the application had them, and can be transferred once more.
fn assert_both_are_back(calls: &mut TwoCalls) {
    calls.rig.assert_nothing_left();
    assert_eq!(calls.rig.transfers.watched(), 2);
    calls.attended(Hold::First, USUAL);
    calls.done(calls.d1);
    assert!(calls.done(calls.d2).contains(&format!("refer d1 {CONTACT};")));
    let sub = calls.rig.subscription();
    calls.rig.accepted(sub, 202);
    calls.rig.bye(calls.d2);
    calls.reported(200);
    calls.rig.ended(calls.d1, By::Local, EndReason::Bye);
    assert_eq!(calls.rig.outcome(), "Succeeded Notify 200 - kept=false");
    calls.rig.assert_nothing_left();
}

#[test]
fn a_failure_gives_both_calls_back_and_the_transfer_can_be_tried_again() {
    // covers: TR-163, TR-172, EC-16
    for status in [302, 486, 488, 600, 603] {
        let (mut calls, _) = TwoCalls::accepted(AttendedPolicy::default());
        assert_eq!(calls.reported(status), format!("disarm Guard; {BACK}"));
        assert_eq!(calls.done(calls.d2), "");
        assert_eq!(
            calls.done(calls.d1),
            format!("disarm Resume; [ended Recovered Notify {status} Target kept=true]")
        );
        assert_both_are_back(&mut calls);
    }
}

#[test]
fn the_end_is_told_when_both_calls_are_back() {
    let ended = "disarm Resume; [ended Recovered Notify 486 Target kept=true]";
    let (mut calls, _) = TwoCalls::accepted(AttendedPolicy::default());
    calls.reported(486);
    assert_eq!(calls.done(calls.d1), "", "the target is still on hold");
    assert_eq!(calls.state(), "Recovering");
    assert_eq!(calls.done(calls.d2), ended);
    assert_both_are_back(&mut calls);

    let (mut calls, _) = TwoCalls::accepted(AttendedPolicy::default());
    calls.reported(486);
    calls.done(calls.d1);
    assert_eq!(calls.expire(TransferTimerName::Resume), "[ended Recovered Notify 486 Target kept=true]");

    // What became of it need not be good, as long as it is known.
    for error in [ReofferError::Refused(code(481)), ReofferError::TimedOut, ReofferError::Unreachable] {
        let (mut calls, _) = TwoCalls::accepted(AttendedPolicy::default());
        calls.reported(486);
        assert_eq!(calls.failed(calls.d2, error), "");
        assert_eq!(calls.done(calls.d1), ended);
    }
    let (mut calls, _) = TwoCalls::accepted(AttendedPolicy::default());
    calls.reported(486);
    assert_eq!(calls.rig.bye(calls.d2), "");
    assert_eq!(calls.done(calls.d1), ended);
}

#[test]
fn only_what_the_transfer_has_held_is_taken_back() {
    let failed = |hold, held, attended| {
        let mut calls = TwoCalls::both(policy(attended), &BOB, &CAROL);
        if calls.attended_held(hold, held, USUAL).contains("hold d2") {
            calls.done(calls.d2);
        }
        let sub = calls.rig.subscription();
        calls.rig.accepted(sub, 202);
        (calls.reported(486), calls)
    };
    let kept = "disarm Guard; [ended Recovered Notify 486 Target kept=true]";
    let usual = AttendedPolicy::default();
    let unheld = AttendedPolicy { hold_consultation: false, ..usual };
    assert_eq!(failed(Hold::Already, true, usual).0, kept);
    assert_eq!(failed(Hold::No, true, usual).0, kept);
    assert_eq!(failed(Hold::No, false, unheld).0, kept);
    // The first call is the application's to resume; the other one is ours, and is waited for.
    let (text, mut calls) = failed(Hold::Already, false, usual);
    assert_eq!(text, "disarm Guard; [recovering]; resume d2 10s; arm Resume 12s");
    assert_eq!(calls.state(), "Recovering");
    assert_eq!(calls.done(calls.d2), "disarm Resume; [ended Recovered Notify 486 Target kept=true]");
    calls.rig.assert_nothing_left();
}

#[test]
fn a_refusal_that_makes_a_call_doubtful_takes_the_other_one_back_all_the_same() {
    // covers: TR-266
    let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &CAROL);
    calls.attended(Hold::Already, USUAL);
    calls.done(calls.d2);
    assert_eq!(
        calls.rig.refused(calls.rig.subscription(), 481, None),
        "disarm Guard; [recovering]; resume d2 10s; hold d1 10s; arm Resume 12s"
    );
    calls.done(calls.d2);
    assert_eq!(calls.done(calls.d1), "disarm Resume; [ended Recovered Local 481 Refused kept=true]");
    calls.rig.assert_nothing_left();
    // Who sent the refusal is the target here.
    let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &CAROL);
    calls.attended_held(Hold::Already, true, PROTECT);
    assert_eq!(
        calls.rig.refused(calls.rig.subscription(), 481, None),
        "disarm Guard; [ended Recovered Local 481 Refused kept=true]"
    );
}

#[test]
fn a_target_that_cannot_be_taken_back_does_not_keep_the_transfer() {
    let restoring = || {
        let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &CAROL);
        calls.attended(Hold::Already, USUAL);
        calls.done(calls.d2);
        let sub = calls.rig.subscription();
        calls.rig.accepted(sub, 202);
        calls.reported(486);
        calls
    };
    let ended = "disarm Resume; [ended Recovered Notify 486 Target kept=true]";
    for error in [ReofferError::Refused(code(481)), ReofferError::TimedOut, ReofferError::Unreachable] {
        let mut calls = restoring();
        assert_eq!(calls.failed(calls.d2, error), ended);
        calls.rig.assert_nothing_left();
    }
    let mut calls = restoring();
    assert_eq!(calls.failed(calls.d2, ReofferError::Ended), "");
    assert_eq!(calls.rig.bye(calls.d2), ended);
    let mut calls = restoring();
    assert_eq!(calls.expire(TransferTimerName::Resume), "[ended Recovered Notify 486 Target kept=true]");
    let mut calls = restoring();
    assert_eq!(calls.rig.bye(calls.d1), "disarm Resume; [ended Failed Notify 486 Target kept=false]");
    calls.rig.assert_nothing_left();
}

#[test]
fn a_party_that_cannot_be_taken_back_leaves_the_target_talking() {
    // covers: EC-26
    let (mut calls, _) = TwoCalls::accepted(AttendedPolicy::default());
    calls.reported(486);
    calls.done(calls.d2);
    assert_eq!(
        calls.failed(calls.d1, ReofferError::Refused(code(481))),
        "disarm Resume; hangup d1; [primary lost]; [ended Failed Notify 486 Target kept=false]"
    );
    calls.rig.assert_nothing_left();
}

#[test]
fn a_hold_of_either_call_that_fails_stops_the_transfer_only_if_it_must() {
    let strict = || TransferPolicy { hold_failure: HoldPolicy::Fail, ..TransferPolicy::default() };
    for error in [ReofferError::Refused(code(488)), ReofferError::Unreachable, ReofferError::Description] {
        let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &CAROL);
        calls.attended(Hold::First, USUAL);
        assert_eq!(calls.failed(calls.d1, error), "hold d2 10s; arm Hold 12s");
        assert!(calls.failed(calls.d2, error).contains("refer d1 "));

        let status = if error == ReofferError::Refused(code(488)) { "488" } else { "-" };
        let mut calls = TwoCalls::both(strict(), &BOB, &CAROL);
        calls.attended(Hold::First, USUAL);
        assert_eq!(
            calls.failed(calls.d1, error),
            format!("disarm Hold; [ended Recovered Local {status} Hold kept=true]")
        );
        let mut calls = TwoCalls::both(strict(), &BOB, &CAROL);
        calls.attended(Hold::First, USUAL);
        calls.done(calls.d1);
        assert_eq!(calls.failed(calls.d2, error), "disarm Hold; [recovering]; resume d1 10s; arm Resume 12s");
        calls.done(calls.d1);
        assert_eq!(calls.rig.outcome(), format!("Recovered Local {status} Hold kept=true"));
        assert_both_are_back(&mut calls);
    }
    // A hold without an answer may have been done.
    for silent in [true, false] {
        let mut calls = TwoCalls::both(strict(), &BOB, &CAROL);
        calls.attended(Hold::First, USUAL);
        calls.done(calls.d1);
        if silent {
            assert_eq!(calls.failed(calls.d2, ReofferError::TimedOut), format!("disarm Hold; {BACK}"));
        } else {
            assert_eq!(calls.expire(TransferTimerName::Hold), BACK);
        }
    }
    // One that finds no call ends it, and only that.
    let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &CAROL);
    calls.attended(Hold::First, USUAL);
    calls.done(calls.d1);
    assert_eq!(
        calls.failed(calls.d2, ReofferError::Refused(code(481))),
        "disarm Hold; hangup d2; [recovering]; resume d1 10s; arm Resume 12s"
    );
    let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &CAROL);
    calls.attended(Hold::First, USUAL);
    assert_eq!(
        calls.failed(calls.d1, ReofferError::Refused(code(481))),
        "disarm Hold; hangup d1; [primary lost]; [ended Failed Local 481 Hold kept=false]"
    );
}

#[test]
fn the_end_of_the_first_call_gives_the_other_one_back() {
    // While the first is held, while the other is, and while the REFER is under way and nothing is reported in time.
    let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &CAROL);
    calls.attended(Hold::First, USUAL);
    let lost = "[ended PeerHungUp Bye - CallEnded kept=false]";
    assert_eq!(calls.rig.bye(calls.d1), format!("disarm Hold; [primary lost]; {lost}"));
    calls.rig.assert_nothing_left();

    let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &CAROL);
    calls.attended(Hold::First, USUAL);
    calls.done(calls.d1);
    assert_eq!(calls.rig.bye(calls.d1), format!("disarm Hold; [primary lost]; resume d2 10s; {lost}"));

    let (mut calls, _) = TwoCalls::accepted(AttendedPolicy::default());
    assert_eq!(calls.rig.bye(calls.d1), "disarm Guard; arm Final 1s");
    assert_eq!(calls.expire(TransferTimerName::Final), format!("[primary lost]; resume d2 10s; {lost}"));
    calls.rig.assert_nothing_left();

    let (mut calls, _) = TwoCalls::accepted(AttendedPolicy::default());
    calls.rig.bye(calls.d1);
    assert_eq!(
        calls.reported(603),
        "disarm Final; [primary lost]; resume d2 10s; [ended Failed Notify 603 Target kept=false]"
    );

    // Hung up from here.
    let (mut calls, _) = TwoCalls::accepted(AttendedPolicy::default());
    assert_eq!(
        calls.rig.leg(calls.d1, LegEvent::Closing),
        "disarm Guard; [primary lost]; resume d2 10s; [ended Failed Local - CallEnded kept=false]"
    );
}

#[test]
fn a_bye_that_overtakes_the_success_is_one_of_it() {
    // covers: EC-13
    let (mut calls, _) = TwoCalls::accepted(AttendedPolicy::default());
    calls.rig.bye(calls.d2);
    calls.rig.bye(calls.d1);
    assert_eq!(calls.reported(200), "disarm Final; [ended Succeeded Notify 200 - kept=false]");
    calls.rig.assert_nothing_left();

    // The same where the target was sent the REFER: its BYE may come before its last report.
    let mut calls = TwoCalls::referred(AttendedPolicy::default(), PROTECT);
    let sub = calls.rig.subscription();
    calls.rig.accepted(sub, 202);
    calls.rig.bye(calls.d1);
    assert_eq!(calls.rig.bye(calls.d2), "disarm Guard; arm Final 1s");
    assert_eq!(calls.reported(200), "disarm Final; [ended Succeeded Notify 200 - kept=false]");
    calls.rig.assert_nothing_left();
}

#[test]
fn the_end_of_the_consultation_before_the_refer_gives_the_first_call_back() {
    // Whoever ends it.
    for local in [true, false] {
        let end = |calls: &mut TwoCalls| {
            if local { calls.rig.leg(calls.d2, LegEvent::Closing) } else { calls.rig.bye(calls.d2) }
        };
        let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &CAROL);
        calls.attended(Hold::First, USUAL);
        assert_eq!(end(&mut calls), "[recovering]");
        assert_eq!(calls.done(calls.d1), "disarm Hold; resume d1 10s; arm Resume 12s");
        calls.done(calls.d1);
        assert_eq!(calls.rig.outcome(), "Recovered Bye - ConsultationEnded kept=true");

        let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &CAROL);
        calls.attended(Hold::First, USUAL);
        calls.done(calls.d1);
        assert_eq!(end(&mut calls), "disarm Hold; [recovering]; resume d1 10s; arm Resume 12s");
        calls.rig.bye(calls.d2);
        calls.done(calls.d1);
        assert_eq!(calls.rig.outcome(), "Recovered Bye - ConsultationEnded kept=true");
        calls.rig.assert_nothing_left();
    }
}

#[test]
fn where_the_target_is_protected_each_end_is_taken_for_what_it_is() {
    // covers: TR-168
    let under_way = || {
        let mut calls = TwoCalls::referred(AttendedPolicy::default(), PROTECT);
        let sub = calls.rig.subscription();
        calls.rig.accepted(sub, 202);
        calls
    };
    // The target is gone, and with it the REFER.
    let mut calls = under_way();
    assert_eq!(calls.rig.bye(calls.d2), "disarm Guard; [recovering]; resume d1 10s; arm Resume 12s");
    calls.done(calls.d1);
    assert_eq!(calls.rig.outcome(), "Recovered Bye - ConsultationEnded kept=true");
    calls.rig.assert_nothing_left();
    // The party that was to be moved is gone when the failure is told, or when time is over.
    let gone = "[primary lost]; resume d2 10s";
    let mut calls = under_way();
    assert_eq!(calls.rig.bye(calls.d1), "");
    assert_eq!(
        calls.reported(481),
        format!("disarm Guard; {gone}; [ended Failed Notify 481 Target kept=false]")
    );
    calls.rig.assert_nothing_left();
    let mut calls = under_way();
    calls.rig.bye(calls.d1);
    assert_eq!(
        calls.expire(TransferTimerName::Guard),
        format!("unsubscribe; {gone}; [ended TimedOut Guard - Guard kept=false]")
    );
    let mut calls = under_way();
    calls.rig.bye(calls.d1);
    assert_eq!(
        calls.cancel(),
        format!("ok; disarm Guard; unsubscribe; {gone}; [ended Cancelled Local - Cancelled kept=false]")
    );
    // It is hung up on from here.
    let mut calls = under_way();
    assert_eq!(
        calls.rig.leg(calls.d1, LegEvent::Closing),
        format!("disarm Guard; {gone}; [ended Failed Local - CallEnded kept=false]")
    );
    calls.rig.assert_nothing_left();
    // A failure takes both back.
    let mut calls = under_way();
    assert_eq!(calls.reported(486), format!("disarm Guard; {BACK}"));
}

#[test]
fn the_guard_and_a_silent_notifier_give_both_calls_back() {
    let (mut calls, sub) = TwoCalls::accepted(AttendedPolicy::default());
    calls.rig.notified(sub, Active, Some(180));
    assert_eq!(calls.expire(TransferTimerName::Guard), format!("unsubscribe; {BACK}"));
    // A success that comes late still counts.
    assert_eq!(calls.reported(200), "disarm Resume; hangup d1; arm Final 1s; arm Closing 34s");

    let (mut calls, _) = TwoCalls::accepted(AttendedPolicy::default());
    calls.expire(TransferTimerName::Guard);
    calls.done(calls.d2);
    calls.done(calls.d1);
    assert_eq!(calls.rig.outcome(), "TimedOut Guard - Guard kept=true");
    assert_both_are_back(&mut calls);

    for (end, told, outcome) in [
        (SubscriptionEnd::NoNotify, "notify timeout", "TimedOut Guard - NoNotify kept=true"),
        (SubscriptionEnd::Expired, "subscription Expired", "TimedOut Guard - NoResult kept=true"),
        (SubscriptionEnd::Terminated, "subscription Terminated", "Recovered Terminated - NoResult kept=true"),
    ] {
        let (mut calls, sub) = TwoCalls::accepted(AttendedPolicy::default());
        let said = calls.rig.sub(sub, SubscriptionEvent::Ended(end));
        assert_eq!(said, format!("[{told}]; disarm Guard; {BACK}"));
        calls.done(calls.d2);
        calls.done(calls.d1);
        assert_eq!(calls.rig.outcome(), outcome);
        calls.rig.assert_nothing_left();
    }
}

#[test]
fn the_application_can_give_up_at_every_stage_and_has_both_calls_back() {
    // covers: TR-177
    let outcome = "Cancelled Local - Cancelled kept=true";
    // Nothing has left yet.
    let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &CAROL);
    calls.attended(Hold::First, USUAL);
    assert_eq!(calls.cancel(), "ok; [recovering]");
    assert_eq!(calls.done(calls.d1), "disarm Hold; resume d1 10s; arm Resume 12s");
    assert!(calls.done(calls.d1).contains(outcome));
    assert_both_are_back(&mut calls);

    let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &CAROL);
    calls.attended(Hold::First, USUAL);
    calls.done(calls.d1);
    assert_eq!(calls.cancel(), format!("ok; disarm Hold; {BACK}"));
    calls.done(calls.d2);
    assert!(calls.done(calls.d1).contains(outcome));
    assert_both_are_back(&mut calls);

    // The REFER is on its way, waits to be sent again, or was accepted: the reports are stopped.
    let mut calls = TwoCalls::referred(AttendedPolicy::default(), USUAL);
    assert_eq!(calls.cancel(), format!("ok; disarm Guard; unsubscribe; {BACK}"));
    calls.done(calls.d2);
    assert!(calls.done(calls.d1).contains(outcome));
    assert_both_are_back(&mut calls);

    let mut calls = TwoCalls::referred(AttendedPolicy::default(), USUAL);
    calls.rig.refused(calls.rig.subscription(), 491, None);
    assert_eq!(calls.cancel(), format!("ok; disarm Guard; disarm Retry; {BACK}"));
    calls.done(calls.d2);
    assert!(calls.done(calls.d1).contains(outcome));
    assert_both_are_back(&mut calls);

    let (mut calls, sub) = TwoCalls::accepted(AttendedPolicy::default());
    calls.rig.notified(sub, Active, Some(180));
    assert_eq!(calls.cancel(), format!("ok; disarm Guard; unsubscribe; {BACK}"));
    calls.done(calls.d2);
    assert!(calls.done(calls.d1).contains(outcome));
    assert_both_are_back(&mut calls);
}
