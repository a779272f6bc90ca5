//! A consultation call that refuses to be taken back is asked again, like the first one.

use dialog_core::ReofferError;
use sip_message::StatusCode;

use super::{
    rig::code,
    two_calls::{BOB, CAROL, TwoCalls},
};
use crate::{AttendedOptions, AttendedPolicy, Hold, TransferPolicy, TransferTimerName::Retry};

const ENDED: &str = "[ended Recovered Notify 486 Target kept=true]";
const BUSY: ReofferError = ReofferError::Refused(StatusCode::SERVER_INTERNAL_ERROR);

/// The first call is held by the application, so that only the other one is to be taken back.
fn restoring() -> TwoCalls {
    let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &CAROL);
    calls.attended(Hold::Already, AttendedOptions::default());
    calls.done(calls.d2);
    let sub = calls.rig.subscription();
    calls.rig.accepted(sub, 202);
    calls.reported(486);
    calls
}

#[test]
fn a_target_that_refuses_to_be_taken_back_once_is_asked_again_and_talks() {
    // covers: TR-163, TR-172
    let mut calls = restoring();
    assert_eq!(calls.failed(calls.d2, BUSY), "arm Retry 1s");
    assert_eq!(calls.state(), "Recovering");
    calls.rig.wait(1);
    assert_eq!(calls.expire(Retry), "resume d2 9s");
    assert_eq!(calls.done(calls.d2), format!("disarm Resume; {ENDED}"));
    calls.rig.assert_nothing_left();
}

#[test]
fn a_target_that_refuses_each_time_is_left_to_the_application_in_the_end() {
    let mut calls = restoring();
    for again in ["arm Retry 1s", "arm Retry 2s", "arm Retry 4s"] {
        assert_eq!(calls.failed(calls.d2, BUSY), again);
        assert!(calls.expire(Retry).starts_with("resume d2 "));
    }
    assert_eq!(calls.failed(calls.d2, BUSY), format!("disarm Resume; {ENDED}"));
    calls.rig.assert_nothing_left();
}

#[test]
fn a_refusal_that_comes_while_the_first_call_is_taken_back_is_remembered() {
    let (mut calls, _) = TwoCalls::accepted(AttendedPolicy::default());
    calls.reported(486);
    assert_eq!(calls.failed(calls.d2, ReofferError::Refused(code(491))), "");
    assert_eq!(calls.done(calls.d1), "arm Retry 1s");
    calls.expire(Retry);
    assert_eq!(calls.done(calls.d2), format!("disarm Resume; {ENDED}"));
    calls.rig.assert_nothing_left();
}

#[test]
fn a_target_that_is_to_be_asked_again_is_asked_at_once_when_the_first_call_is_lost() {
    let mut calls = restoring();
    calls.failed(calls.d2, BUSY);
    let lost = "[ended Failed Notify 486 Target kept=false]";
    assert_eq!(calls.rig.bye(calls.d1), format!("disarm Retry; disarm Resume; resume d2 10s; {lost}"));
    calls.rig.assert_nothing_left();
}

#[test]
fn what_the_application_wants_otherwise_meanwhile_is_not_asked_again() {
    let mut calls = restoring();
    assert_eq!(calls.failed(calls.d2, ReofferError::Description), format!("disarm Resume; {ENDED}"));
}
