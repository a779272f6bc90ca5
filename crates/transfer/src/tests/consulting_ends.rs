//! Transfers whose target is asked first: refused, hung up, given up, timed out, recovered.

use dialog_core::{By, EndReason, LegEvent, ReofferError, SubscriptionEvent};

use super::rig::code;
use super::two_calls::{BOB, CAROL, CONTACT, TwoCalls};
use crate::{
    AttendedOptions, AttendedPolicy, Completion, Hold, HoldPolicy, SemiAttendedPolicy, TransferPolicy,
    TransferTimerName,
};

const USUAL: AttendedOptions =
    AttendedOptions { refer_to: None, protect_target: false, force: false, fallback: None };

const BACK: &str = "[recovering]; resume d1 10s; arm Resume 12s";

fn asking(policy: TransferPolicy) -> TwoCalls {
    let mut calls = TwoCalls::one(policy, &BOB);
    calls.consult(Hold::First, USUAL, Completion::OnCommand);
    calls
}

#[test]
fn a_target_that_does_not_take_the_call_gives_the_party_back() {
    for (reason, status) in [
        (EndReason::Refused(code(486)), "486"),
        (EndReason::Refused(code(603)), "603"),
        (EndReason::Refused(code(404)), "404"),
        (EndReason::NoAnswer, "408"),
        (EndReason::Redirected { status: code(302), contacts: Vec::new() }, "302"),
        (EndReason::Unreachable, "-"),
    ] {
        for ringing in [true, false] {
            let mut calls = asking(TransferPolicy::default());
            calls.done(calls.d1);
            if ringing {
                calls.rig.provisional(calls.d2, 180);
            }
            assert_eq!(
                calls.rig.ended(calls.d2, By::Remote, reason.clone()),
                format!("disarm Consult; [consult failed {status}]; {BACK}")
            );
            assert_eq!(
                calls.done(calls.d1),
                format!("disarm Resume; [ended Recovered Local {status} Consultation kept=true]")
            );
            calls.rig.assert_nothing_left();
            assert_eq!(calls.rig.transfers.watched(), 1);
        }
    }
    // The user was never with it, so that the audio was never moved.
    let mut calls = asking(TransferPolicy::default());
    calls.done(calls.d1);
    calls.rig.ended(calls.d2, By::Remote, EndReason::Refused(code(486)));
    assert!(!format!("{:?}", calls.rig.outputs).contains("MoveMedia"));
}

#[test]
fn a_target_that_never_answers_is_cancelled() {
    // The limit of the call itself, then the one behind it.
    let mut calls = TwoCalls::ringing(AttendedPolicy::default());
    calls.rig.leg(calls.d2, LegEvent::Closing);
    let said = calls.rig.ended(calls.d2, By::Local, EndReason::NoAnswer);
    assert_eq!(said, format!("disarm Consult; [consult failed 408]; {BACK}"));
    let mut calls = TwoCalls::ringing(AttendedPolicy::default());
    let said = calls.expire(TransferTimerName::Consult);
    assert_eq!(said, format!("[consult failed -]; hangup d2; {BACK}"));
    // A 200 that crosses the CANCEL changes nothing.
    assert_eq!(calls.answer(&CAROL), "");
    calls.done(calls.d1);
    assert_eq!(calls.rig.outcome(), "Recovered Local - Consultation kept=true");
    calls.rig.ended(calls.d2, By::Local, EndReason::Bye);
    calls.rig.assert_nothing_left();
    assert_eq!(calls.rig.transfers.watched(), 1);
}

#[test]
fn a_hold_that_fails_stops_the_consultation_only_if_it_must() {
    let strict = || TransferPolicy { hold_failure: HoldPolicy::Fail, ..TransferPolicy::default() };
    let refused = ReofferError::Refused(code(488));
    let mut calls = asking(TransferPolicy::default());
    assert!(calls.failed(calls.d1, refused).contains("place d2 "));
    // Nothing is to be taken back later.
    calls.rig.ended(calls.d2, By::Remote, EndReason::Refused(code(486)));
    assert_eq!(calls.rig.outcome(), "Recovered Local 486 Consultation kept=true");
    let mut calls = asking(strict());
    assert_eq!(calls.failed(calls.d1, refused), "disarm Hold; [ended Recovered Local 488 Hold kept=true]");
    assert_eq!(calls.rig.transfers.watched(), 1);
    // The one before the REFER: the target waits on hold or not, the party is back.
    let mut calls = asking(strict());
    calls.done(calls.d1);
    calls.answer(&CAROL);
    calls.complete();
    assert_eq!(calls.failed(calls.d2, refused), format!("disarm Hold; media d2 to d1; hold d2 10s; {BACK}"));
    // One that finds no call.
    let mut calls = TwoCalls::talking(AttendedPolicy::default());
    calls.complete();
    assert_eq!(
        calls.failed(calls.d2, ReofferError::Refused(code(481))),
        format!("disarm Hold; hangup d2; media d2 to d1; {BACK}")
    );
    calls.rig.ended(calls.d2, By::Local, EndReason::Bye);
    calls.done(calls.d1);
    assert_eq!(calls.rig.outcome(), "Recovered Bye - ConsultationEnded kept=true");
    calls.rig.assert_nothing_left();
}

#[test]
fn a_party_that_hangs_up_leaves_the_consultation_as_a_call_like_any_other() {
    let lost = "[ended PeerHungUp Bye - CallEnded kept=false]";
    // Before there is one, there is no INVITE either.
    let mut calls = asking(TransferPolicy::default());
    assert_eq!(calls.rig.bye(calls.d1), format!("disarm Hold; {lost}"));
    assert_eq!(calls.rig.transfers.watched(), 0);
    calls.rig.assert_nothing_left();

    let mut calls = TwoCalls::ringing(AttendedPolicy::default());
    assert_eq!(calls.rig.bye(calls.d1), format!("disarm Consult; [primary lost]; media d1 to d2; {lost}"));
    let mut calls = TwoCalls::talking(AttendedPolicy::default());
    assert_eq!(calls.rig.bye(calls.d1), format!("disarm Talk; [primary lost]; {lost}"));
    // What is left is a call: it can be transferred.
    assert!(calls.rig.blind(calls.d2, Hold::No).1.starts_with("ok"));

    let mut calls = TwoCalls::talking(AttendedPolicy::default());
    calls.complete();
    assert_eq!(calls.rig.bye(calls.d1), format!("disarm Hold; [primary lost]; resume d2 10s; {lost}"));
    let mut calls = TwoCalls::talking(AttendedPolicy::default());
    calls.complete();
    calls.done(calls.d2);
    assert_eq!(calls.rig.bye(calls.d1), "disarm Guard; arm Final 1s");
    assert_eq!(calls.expire(TransferTimerName::Final), format!("[primary lost]; resume d2 10s; {lost}"));
    calls.rig.assert_nothing_left();
    // Hung up from here, or found to be dead.
    let mut calls = TwoCalls::talking(AttendedPolicy::default());
    assert_eq!(
        calls.rig.leg(calls.d1, LegEvent::Closing),
        "disarm Talk; [primary lost]; [ended Failed Local - CallEnded kept=false]"
    );
    let mut calls = TwoCalls::talking(AttendedPolicy::default());
    assert_eq!(
        calls.rig.ended(calls.d1, By::Network, EndReason::Gone),
        "disarm Talk; [primary lost]; [ended Failed Local - CallEnded kept=false]"
    );
}

#[test]
fn a_target_that_hangs_up_gives_the_party_back() {
    let mut calls = TwoCalls::talking(AttendedPolicy::default());
    assert_eq!(calls.rig.bye(calls.d2), format!("disarm Talk; media d2 to d1; {BACK}"));
    calls.done(calls.d1);
    assert_eq!(calls.rig.outcome(), "Recovered Bye - ConsultationEnded kept=true");
    calls.rig.assert_nothing_left();

    let mut calls = TwoCalls::talking(AttendedPolicy::default());
    calls.complete();
    assert_eq!(calls.rig.bye(calls.d2), format!("disarm Hold; media d2 to d1; {BACK}"));
    // The answer to its hold means nothing any more.
    assert_eq!(calls.failed(calls.d2, ReofferError::Ended), "");
    // Media or timers of that call fail: the same.
    let mut calls = TwoCalls::talking(AttendedPolicy::default());
    assert_eq!(
        calls.rig.ended(calls.d2, By::Network, EndReason::Gone),
        format!("disarm Talk; media d2 to d1; {BACK}")
    );
    // From the REFER on it is the normal result.
    let mut calls = TwoCalls::talking(AttendedPolicy::default());
    calls.complete();
    calls.done(calls.d2);
    assert_eq!(calls.rig.bye(calls.d2), "");
}

#[test]
fn a_failed_transfer_takes_the_party_back_and_keeps_the_target_waiting() {
    // covers: TR-163, TR-172
    let mut calls = TwoCalls::talking(AttendedPolicy::default());
    calls.complete();
    calls.done(calls.d2);
    let sub = calls.rig.subscription();
    calls.rig.accepted(sub, 202);
    assert_eq!(calls.reported(486), format!("disarm Guard; media d2 to d1; {BACK}"));
    calls.done(calls.d1);
    assert_eq!(calls.rig.outcome(), "Recovered Notify 486 Target kept=true");
    calls.rig.assert_nothing_left();
    // The target is still held, which the application knows: it can transfer to it again, or drop it.
    assert_eq!(calls.rig.transfers.watched(), 2);
    assert_eq!(
        calls.attended_held(Hold::First, true, USUAL),
        "ok; [initiated sip:carol@example.com]; hold d1 10s; arm Hold 12s"
    );
    assert_eq!(
        calls.done(calls.d1),
        format!("disarm Hold; [refer sent]; refer d1 {CONTACT}; arm Guard 120s")
    );
}

#[test]
fn a_target_that_was_not_held_waits_on_hold_after_a_failure() {
    let attended = AttendedPolicy { hold_consultation: false, ..AttendedPolicy::default() };
    let failing = || {
        let mut calls = TwoCalls::talking(attended);
        calls.complete();
        let sub = calls.rig.subscription();
        calls.rig.accepted(sub, 202);
        calls
    };
    let mut calls = failing();
    assert_eq!(calls.reported(486), format!("disarm Guard; media d2 to d1; hold d2 10s; {BACK}"));
    assert_eq!(calls.done(calls.d2), "");
    calls.done(calls.d1);
    assert_eq!(calls.rig.outcome(), "Recovered Notify 486 Target kept=true");
    // If the party cannot be taken back, the user is with the target again.
    let mut calls = failing();
    calls.reported(486);
    calls.done(calls.d2);
    assert_eq!(
        calls.failed(calls.d1, ReofferError::Refused(code(481))),
        "disarm Resume; hangup d1; [primary lost]; media d1 to d2; resume d2 10s; \
         [ended Failed Notify 486 Target kept=false]"
    );
    let mut calls = failing();
    calls.reported(486);
    assert_eq!(
        calls.rig.bye(calls.d1),
        "disarm Resume; [primary lost]; media d1 to d2; resume d2 10s; \
         [ended Failed Notify 486 Target kept=false]"
    );
    calls.rig.assert_nothing_left();
}

#[test]
fn the_application_can_give_up_in_every_state_and_drops_the_target() {
    // covers: TR-177
    let outcome = "disarm Resume; [ended Cancelled Local - Cancelled kept=true]";
    let mut calls = asking(TransferPolicy::default());
    assert_eq!(calls.cancel(), "ok; [recovering]");
    assert_eq!(calls.done(calls.d1), "disarm Hold; resume d1 10s; arm Resume 12s");
    assert_eq!(calls.done(calls.d1), outcome);
    assert_eq!(calls.rig.transfers.watched(), 1);

    for attended in [
        AttendedPolicy::default(),
        AttendedPolicy { semi_attended: SemiAttendedPolicy::Refuse, ..AttendedPolicy::default() },
    ] {
        let mut calls = TwoCalls::ringing(attended);
        assert_eq!(calls.cancel(), format!("ok; disarm Consult; hangup d2; {BACK}"));
        // The 200 that crosses the CANCEL, and the end of that call.
        assert_eq!(calls.answer(&CAROL), "");
        assert_eq!(calls.rig.ended(calls.d2, By::Local, EndReason::Bye), "");
        assert_eq!(calls.done(calls.d1), outcome);
        calls.rig.assert_nothing_left();
    }

    let mut calls = TwoCalls::talking(AttendedPolicy::default());
    assert_eq!(calls.cancel(), format!("ok; disarm Talk; hangup d2; media d2 to d1; {BACK}"));
    assert_eq!(calls.done(calls.d1), outcome);

    let mut calls = TwoCalls::talking(AttendedPolicy::default());
    calls.complete();
    assert_eq!(calls.cancel(), format!("ok; disarm Hold; hangup d2; media d2 to d1; {BACK}"));
    assert_eq!(calls.done(calls.d1), outcome);

    let mut calls = TwoCalls::talking(AttendedPolicy::default());
    calls.complete();
    calls.done(calls.d2);
    let sub = calls.rig.subscription();
    assert_eq!(calls.cancel(), format!("ok; disarm Guard; unsubscribe; hangup d2; media d2 to d1; {BACK}"));
    assert_eq!(calls.rig.accepted(sub, 202), "");
    assert_eq!(calls.done(calls.d1), outcome);
    calls.rig.assert_nothing_left();

    let mut calls = TwoCalls::talking(AttendedPolicy::default());
    calls.complete();
    calls.done(calls.d2);
    let sub = calls.rig.subscription();
    calls.rig.refused(sub, 491, None);
    assert_eq!(calls.cancel(), format!("ok; disarm Guard; disarm Retry; hangup d2; media d2 to d1; {BACK}"));
    assert_eq!(calls.done(calls.d1), outcome);
}

#[test]
fn a_consultation_does_not_last_for_ever() {
    let mut calls = TwoCalls::talking(AttendedPolicy::default());
    let begun = calls.rig.now;
    assert_eq!(calls.expire(TransferTimerName::Talk), format!("hangup d2; media d2 to d1; {BACK}"));
    assert_eq!(calls.rig.now.since(begun).as_secs(), 3600);
    calls.done(calls.d1);
    assert_eq!(calls.rig.outcome(), "TimedOut Guard - TalkLimit kept=true");
    calls.rig.assert_nothing_left();
    // Turning to the other one does not make it longer.
    let mut calls = TwoCalls::talking(AttendedPolicy::default());
    let begun = calls.rig.now;
    calls.rig.wait(3000);
    calls.swap();
    calls.done(calls.d2);
    calls.done(calls.d1);
    assert_eq!(
        calls.expire(TransferTimerName::Talk),
        "hangup d2; [ended TimedOut Guard - TalkLimit kept=true]"
    );
    assert_eq!(calls.rig.now.since(begun).as_secs(), 3600);
}

#[test]
fn a_refer_that_leads_to_nothing_gives_the_party_back_and_the_target_waits() {
    let referred = || {
        let mut calls = TwoCalls::talking(AttendedPolicy::default());
        calls.complete();
        calls.done(calls.d2);
        calls
    };
    for status in [400, 403, 405, 420, 481, 603] {
        let mut calls = referred();
        let sub = calls.rig.subscription();
        assert_eq!(
            calls.rig.refused(sub, status, None),
            format!("disarm Guard; media d2 to d1; {BACK}"),
            "{status}"
        );
    }
    let mut calls = referred();
    assert_eq!(calls.expire(TransferTimerName::Guard), format!("unsubscribe; media d2 to d1; {BACK}"));
    // The outcome may come while the party is being taken back: it was moved after all.
    assert_eq!(calls.reported(200), "disarm Resume; hangup d1; arm Final 1s; arm Closing 34s");

    let mut calls = referred();
    let sub = calls.rig.subscription();
    calls.rig.sub(sub, SubscriptionEvent::Misused(dialog_core::Misuse::Full));
    calls.done(calls.d1);
    assert_eq!(calls.rig.outcome(), "Recovered Local - Unreachable kept=true");
}
