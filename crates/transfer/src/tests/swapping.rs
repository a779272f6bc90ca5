//! The user turns from one of the two to the other while the target is asked.

use dialog_core::{EndReason, LegEvent, ReofferError};

use super::rig::{code, wrong};
use super::two_calls::{BOB, CAROL, CONTACT, TwoCalls};
use crate::{AttendedOptions, AttendedPolicy, Completion, Hold, TransferPolicy, TransferTimerName};

const USUAL: AttendedOptions =
    AttendedOptions { refer_to: None, protect_target: false, force: false, fallback: None };

const BACK: &str = "[recovering]; resume d1 10s; arm Resume 12s";

fn talking() -> TwoCalls {
    TwoCalls::talking(AttendedPolicy::default())
}

/// The user is with the party that is to be moved; the target is held.
fn swapped() -> TwoCalls {
    let mut calls = talking();
    calls.swap();
    calls.done(calls.d2);
    calls.done(calls.d1);
    calls
}

#[test]
fn one_is_held_before_the_other_is_resumed_and_the_audio_is_with_one_of_them() {
    let mut calls = talking();
    assert_eq!(calls.swap(), "ok; hold d2 10s; arm Hold 12s");
    assert_eq!(calls.done(calls.d2), "media d2 to d1; resume d1 10s; arm Hold 12s");
    assert_eq!(calls.done(calls.d1), "disarm Hold; [swapped d1]");
    assert_eq!(calls.state(), "ConsultTalk");
    // And back.
    assert_eq!(calls.swap(), "ok; hold d1 10s; arm Hold 12s");
    assert_eq!(calls.done(calls.d1), "media d1 to d2; resume d2 10s; arm Hold 12s");
    assert_eq!(calls.done(calls.d2), "disarm Hold; [swapped d2]");
    // A second time is told, too.
    calls.swap();
    calls.done(calls.d2);
    assert_eq!(calls.done(calls.d1), "disarm Hold; [swapped d1]");
}

#[test]
fn whoever_is_with_the_user_is_held_before_the_refer() {
    // covers: TR-167, EC-22
    let mut calls = swapped();
    assert_eq!(calls.complete(), "ok; disarm Talk; hold d1 10s; arm Hold 12s");
    assert_eq!(
        calls.done(calls.d1),
        format!("disarm Hold; [refer sent]; refer d1 {CONTACT}; arm Guard 120s")
    );
    let sub = calls.rig.subscription();
    calls.rig.accepted(sub, 202);
    assert_eq!(calls.reported(486), format!("disarm Guard; {BACK}"));
    // The hold of the party finds no call.
    let mut calls = swapped();
    calls.complete();
    assert_eq!(
        calls.failed(calls.d1, ReofferError::Refused(code(481))),
        "disarm Hold; hangup d1; [primary lost]; media d1 to d2; resume d2 10s; \
         [ended Failed Local 481 Hold kept=false]"
    );
    calls.rig.assert_nothing_left();
}

#[test]
fn a_hold_that_fails_leaves_the_user_where_it_is() {
    for error in [ReofferError::Refused(code(488)), ReofferError::Unreachable, ReofferError::Description] {
        let mut calls = talking();
        calls.swap();
        assert_eq!(calls.failed(calls.d2, error), "disarm Hold");
        assert_eq!(calls.state(), "ConsultTalk");
        assert_eq!(calls.swap(), "ok; hold d2 10s; arm Hold 12s");
        let mut calls = swapped();
        calls.swap();
        assert_eq!(calls.failed(calls.d1, error), "disarm Hold");
        assert_eq!(calls.state(), "ConsultTalk");
    }
    // It may have been done.
    let mut calls = talking();
    calls.swap();
    assert_eq!(calls.failed(calls.d2, ReofferError::TimedOut), "disarm Hold; resume d2 10s");
    assert_eq!(calls.done(calls.d2), "");
    let mut calls = talking();
    calls.swap();
    assert_eq!(calls.expire(TransferTimerName::Hold), "resume d2 10s");
    assert_eq!(calls.complete(), "ok; disarm Talk; hold d2 10s; arm Hold 12s");
}

#[test]
fn a_resumption_that_fails_brings_the_user_back_to_the_first() {
    for error in [ReofferError::Refused(code(500)), ReofferError::TimedOut, ReofferError::Refused(code(481))]
    {
        let mut calls = talking();
        calls.swap();
        calls.done(calls.d2);
        assert_eq!(calls.failed(calls.d1, error), "disarm Hold; media d1 to d2; resume d2 10s");
        assert_eq!(calls.done(calls.d2), "");
        assert_eq!(calls.state(), "ConsultTalk");
        // The party is still held, and is taken back at the end.
        assert_eq!(calls.cancel(), format!("ok; disarm Talk; hangup d2; media d2 to d1; {BACK}"));
    }
    let mut calls = talking();
    calls.swap();
    calls.done(calls.d2);
    assert_eq!(calls.expire(TransferTimerName::Hold), "media d1 to d2; resume d2 10s");
}

#[test]
fn an_end_while_the_user_turns_takes_the_party_back() {
    // The target hangs up: while it is held, and while the party is resumed.
    let mut calls = talking();
    calls.swap();
    assert_eq!(calls.rig.bye(calls.d2), format!("disarm Hold; disarm Talk; media d2 to d1; {BACK}"));
    let mut calls = talking();
    calls.swap();
    calls.done(calls.d2);
    assert_eq!(calls.rig.bye(calls.d2), format!("disarm Hold; disarm Talk; {BACK}"));
    calls.done(calls.d1);
    assert_eq!(calls.rig.outcome(), "Recovered Bye - ConsultationEnded kept=true");
    calls.rig.assert_nothing_left();
    // The user is with the party already.
    let mut calls = swapped();
    assert_eq!(calls.rig.bye(calls.d2), "disarm Talk; [ended Recovered Bye - ConsultationEnded kept=true]");
    calls.rig.assert_nothing_left();
}

#[test]
fn a_hold_that_is_under_way_is_settled_before_the_party_is_taken_back() {
    // The answer to the hold would pass for the one to the resumption.
    type Turn = fn(&mut TwoCalls) -> String;
    let turns: [(Turn, &str, &str); 2] =
        [(TwoCalls::swap, "disarm Talk; ", "Talk"), (TwoCalls::complete, "", "Hold")];
    for (turn, disarms, timer) in turns {
        let mut calls = swapped();
        turn(&mut calls);
        assert_eq!(calls.cancel(), format!("ok; {disarms}hangup d2; [recovering]"));
        assert_eq!(calls.done(calls.d1), "disarm Hold; resume d1 10s; arm Resume 12s");
        calls.done(calls.d1);
        assert_eq!(calls.rig.outcome(), "Cancelled Local - Cancelled kept=true");
        calls.rig.assert_nothing_left();

        let mut calls = swapped();
        turn(&mut calls);
        assert_eq!(calls.rig.bye(calls.d2), format!("{disarms}[recovering]"));
        assert_eq!(
            calls.failed(calls.d1, ReofferError::Refused(code(488))),
            "disarm Hold; [ended Recovered Bye - ConsultationEnded kept=true]"
        );
        calls.rig.assert_nothing_left();

        if timer == "Talk" {
            let mut calls = swapped();
            calls.rig.wait(3595);
            turn(&mut calls);
            assert_eq!(calls.expire(TransferTimerName::Talk), "hangup d2; [recovering]");
            assert_eq!(calls.expire(TransferTimerName::Hold), "resume d1 10s; arm Resume 12s");
        }
        let mut calls = swapped();
        turn(&mut calls);
        calls.cancel();
        calls.rig.leg(calls.d2, LegEvent::Closing);
        assert_eq!(calls.rig.bye(calls.d1), "disarm Hold; [ended Cancelled Local - Cancelled kept=false]");
        calls.rig.assert_nothing_left();
    }
}

#[test]
fn a_party_that_hangs_up_while_the_user_turns_leaves_the_target_talking() {
    let lost = "[primary lost]; media d1 to d2; resume d2 10s; [ended PeerHungUp Bye - CallEnded kept=false]";
    let mut calls = talking();
    calls.swap();
    calls.done(calls.d2);
    assert_eq!(calls.rig.bye(calls.d1), format!("disarm Hold; disarm Talk; {lost}"));
    let mut calls = swapped();
    assert_eq!(calls.rig.bye(calls.d1), format!("disarm Talk; {lost}"));
    let mut calls = swapped();
    calls.swap();
    assert_eq!(calls.rig.bye(calls.d1), format!("disarm Hold; disarm Talk; {lost}"));
    // Its hold is not settled yet.
    let mut calls = talking();
    calls.swap();
    assert_eq!(
        calls.rig.bye(calls.d1),
        "disarm Hold; disarm Talk; [primary lost]; resume d2 10s; \
         [ended PeerHungUp Bye - CallEnded kept=false]"
    );
    calls.rig.assert_nothing_left();
}

#[test]
fn a_swapped_transfer_can_be_given_up() {
    // covers: TR-177
    let mut calls = talking();
    calls.swap();
    assert_eq!(calls.cancel(), format!("ok; disarm Hold; disarm Talk; hangup d2; media d2 to d1; {BACK}"));
    let mut calls = swapped();
    assert_eq!(calls.cancel(), "ok; disarm Talk; hangup d2; [ended Cancelled Local - Cancelled kept=true]");
    calls.rig.ended(calls.d2, dialog_core::By::Local, EndReason::Bye);
    calls.rig.assert_nothing_left();
    assert_eq!(calls.rig.transfers.watched(), 1);
}

#[test]
fn the_time_to_take_the_party_back_is_whole_however_long_the_user_turned_to_and_fro() {
    let mut calls = swapped();
    calls.rig.wait(60);
    calls.swap();
    calls.done(calls.d1);
    calls.done(calls.d2);
    calls.rig.wait(60);
    assert_eq!(calls.cancel(), format!("ok; disarm Talk; hangup d2; media d2 to d1; {BACK}"));
    // And all tries are left.
    for again in ["arm Retry 1s", "arm Retry 2s", "arm Retry 4s"] {
        assert_eq!(calls.failed(calls.d1, ReofferError::Refused(code(500))), again);
        calls.expire(TransferTimerName::Retry);
    }
    calls.done(calls.d1);
    assert_eq!(calls.rig.outcome(), "Cancelled Local - Cancelled kept=true");
    calls.rig.assert_nothing_left();
}

#[test]
fn there_is_nothing_to_turn_to_before_the_target_has_answered() {
    let mut calls = TwoCalls::one(TransferPolicy::default(), &BOB);
    calls.consult(Hold::First, USUAL, Completion::OnCommand);
    assert_eq!(calls.swap(), wrong("HoldPrimary", "ConsultTalk"));
    calls.done(calls.d1);
    assert_eq!(calls.swap(), wrong("Consulting", "ConsultTalk"));
    calls.answer(&CAROL);
    assert!(calls.swap().starts_with("ok"));
    assert_eq!(calls.swap(), wrong("Swapping", "ConsultTalk"));
}
