//! Transfers whose target is asked first: the way to success, and the ways to complete them.

use dialog_core::{By, EndReason, LegEvent};

use super::rig::wrong;
use super::two_calls::{BOB, CAROL, CONTACT, PROTECTED, Party, TwoCalls, policy};
use crate::{
    AttendedOptions, AttendedPolicy, Completion, Hold, Purpose, SemiAttendedPolicy, TransferOutput,
    TransferPolicy, TransferTimerName, WithoutReplaces,
};

const USUAL: AttendedOptions =
    AttendedOptions { refer_to: None, protect_target: false, force: false, fallback: None };
const PROTECT: AttendedOptions = AttendedOptions { protect_target: true, ..USUAL };
const FORCE: AttendedOptions = AttendedOptions { force: true, ..USUAL };

const BLIND: &str = "refer d1 sip:carol@example.com";

/// The target has answered; it does not support Replaces.
fn talking_without_replaces(without_replaces: WithoutReplaces, options: AttendedOptions) -> TwoCalls {
    let attended = AttendedPolicy { without_replaces, ..AttendedPolicy::default() };
    let bob = Party { replaces: !options.protect_target, ..BOB };
    let mut calls = TwoCalls::one(policy(attended), &bob);
    calls.consult(Hold::First, options, Completion::OnCommand);
    calls.done(calls.d1);
    let carol = Party { replaces: options.protect_target, ..CAROL };
    calls.answer(&carol);
    calls
}

#[test]
fn the_target_is_asked_and_then_the_party_is_moved_to_it() {
    // covers: TR-167, TR-162
    let mut calls = TwoCalls::one(TransferPolicy::default(), &BOB);
    let (d1, d2) = (calls.d1, calls.d2);
    assert_eq!(
        calls.consult(Hold::First, USUAL, Completion::OnCommand),
        "ok; [initiated sip:carol@example.com]; hold d1 10s; arm Hold 12s"
    );
    assert_eq!(
        calls.done(d1),
        "disarm Hold; [consulting]; place d2 sip:carol@example.com 45s; arm Consult 79s"
    );
    assert_eq!(calls.state(), "Consulting");
    assert_eq!(calls.rig.provisional(d2, 180), "[consult ringing 180]");
    assert_eq!(calls.state(), "ConsultEarly");
    assert_eq!(calls.rig.provisional(d2, 180), "");
    assert_eq!(calls.answer(&CAROL), "disarm Consult; media d1 to d2; [consult answered]; arm Talk 3600s");
    assert_eq!(calls.state(), "ConsultTalk");
    assert_eq!(calls.complete(), "ok; disarm Talk; hold d2 10s; arm Hold 12s");
    assert_eq!(calls.done(d2), format!("disarm Hold; [refer sent]; refer d1 {CONTACT}; arm Guard 120s"));
    let sub = calls.rig.subscription();
    calls.rig.accepted(sub, 202);
    assert_eq!(calls.rig.bye(d2), "");
    assert_eq!(calls.reported(200), "disarm Guard; hangup d1; arm Closing 34s");
    calls.rig.ended(d1, By::Local, EndReason::Bye);
    assert_eq!(calls.rig.outcome(), "Succeeded Notify 200 - kept=false");
    calls.rig.assert_nothing_left();
    assert_eq!(calls.rig.transfers.watched(), 0);
}

#[test]
fn the_consultation_is_placed_beside_the_first_call_and_names_no_referrer() {
    let calls = TwoCalls::ringing(AttendedPolicy::default());
    let placed = calls.rig.outputs.iter().find_map(|output| match output {
        TransferOutput::Place { leg, beside, purpose, headers, .. } => {
            Some((*leg, *beside, *purpose, headers.len()))
        }
        _ => None,
    });
    assert_eq!(placed, Some((calls.d2, calls.d1, Purpose::Consultation, 0)));
    let info = calls.rig.transfers.transfers().next().expect("invariant: it is under way");
    assert_eq!((info.leg, info.consultation, info.new_leg), (calls.d1, Some(calls.d2), None));
    assert!(!calls.rig.transfers.is_internal(calls.d2));
}

#[test]
fn without_a_hold_the_target_is_called_at_once() {
    for hold in [Hold::No, Hold::Already] {
        let mut calls = TwoCalls::one(TransferPolicy::default(), &BOB);
        assert_eq!(
            calls.consult(hold, USUAL, Completion::OnCommand),
            "ok; [initiated sip:carol@example.com]; [consulting]; \
             place d2 sip:carol@example.com 45s; arm Consult 79s"
        );
    }
}

#[test]
fn the_second_hold_can_be_left_out() {
    // covers: TR-167
    let mut calls =
        TwoCalls::talking(AttendedPolicy { hold_consultation: false, ..AttendedPolicy::default() });
    assert_eq!(
        calls.complete(),
        format!("ok; disarm Talk; [refer sent]; refer d1 {CONTACT}; arm Guard 120s")
    );
}

#[test]
fn a_consultation_can_be_completed_by_its_answer() {
    let mut calls = TwoCalls::one(TransferPolicy::default(), &BOB);
    calls.consult(Hold::First, USUAL, Completion::OnAnswer);
    calls.done(calls.d1);
    assert_eq!(
        calls.answer(&CAROL),
        "disarm Consult; media d1 to d2; [consult answered]; hold d2 10s; arm Hold 12s"
    );
    assert_eq!(
        calls.done(calls.d2),
        format!("disarm Hold; [refer sent]; refer d1 {CONTACT}; arm Guard 120s")
    );
}

#[test]
fn completing_while_the_target_rings_waits_for_its_answer() {
    // covers: TR-166, TR-120
    let mut calls = TwoCalls::ringing(AttendedPolicy::default());
    assert_eq!(calls.complete(), "ok; [kind SemiAttended]");
    assert_eq!(calls.complete(), "ok", "to say it twice is the same wish");
    assert_eq!(calls.state(), "ConsultEarly");
    assert_eq!(
        calls.answer(&CAROL),
        "disarm Consult; media d1 to d2; [consult answered]; hold d2 10s; arm Hold 12s"
    );
    assert!(calls.done(calls.d2).contains(&format!("refer d1 {CONTACT};")));
    // It is no promise: the target may not answer.
    let mut calls = TwoCalls::ringing(AttendedPolicy::default());
    calls.complete();
    calls.rig.ended(calls.d2, By::Remote, EndReason::Refused(super::rig::code(486)));
    calls.done(calls.d1);
    assert_eq!(calls.rig.outcome(), "Recovered Local 486 Consultation kept=true");
}

#[test]
fn no_refer_leaves_before_the_cancelled_consultation_is_settled() {
    // covers: TR-166, TR-169
    let attended =
        AttendedPolicy { semi_attended: SemiAttendedPolicy::CancelThenBlind, ..AttendedPolicy::default() };
    let refers = format!("disarm Closing; [refer sent]; {BLIND}; arm Guard 120s");
    // 487.
    let mut calls = TwoCalls::ringing(attended);
    assert_eq!(calls.complete(), "ok; [kind SemiAttended]; disarm Consult; hangup d2; arm Closing 34s");
    assert_eq!(calls.state(), "CancelWait");
    assert_eq!(calls.rig.leg(calls.d2, LegEvent::Closing), "");
    assert_eq!(calls.rig.provisional(calls.d2, 183), "");
    assert_eq!(calls.rig.ended(calls.d2, By::Local, EndReason::Cancelled), refers);
    let sub = calls.rig.subscription();
    calls.rig.accepted(sub, 202);
    // From here on it is a blind transfer like any other.
    assert_eq!(calls.reported(200), "disarm Guard; hangup d1; arm Closing 34s");
    calls.rig.ended(calls.d1, By::Local, EndReason::Bye);
    assert_eq!(calls.rig.outcome(), "Succeeded Notify 200 - kept=false");
    calls.rig.assert_nothing_left();

    // The 200 crosses the CANCEL: that call is ended, too, before the REFER.
    let mut calls = TwoCalls::ringing(attended);
    calls.complete();
    calls.rig.leg(calls.d2, LegEvent::Closing);
    assert_eq!(calls.answer(&CAROL), "");
    assert_eq!(calls.rig.ended(calls.d2, By::Local, EndReason::Bye), refers);

    // It is given up meanwhile, or the party hangs up: no REFER at all.
    let mut calls = TwoCalls::ringing(attended);
    calls.complete();
    calls.rig.leg(calls.d2, LegEvent::Closing);
    assert_eq!(calls.cancel(), "ok; disarm Closing; [recovering]; resume d1 10s; arm Resume 12s");
    assert_eq!(calls.rig.ended(calls.d2, By::Local, EndReason::Cancelled), "");
    calls.done(calls.d1);
    assert_eq!(calls.rig.outcome(), "Cancelled Local - Cancelled kept=true");
    let mut calls = TwoCalls::ringing(attended);
    calls.complete();
    calls.rig.leg(calls.d2, LegEvent::Closing);
    assert_eq!(calls.rig.bye(calls.d1), "disarm Closing; [ended PeerHungUp Bye - CallEnded kept=false]");
    assert!(!format!("{:?}", calls.rig.outputs).contains("Refer {"));
    calls.rig.assert_nothing_left();
}

#[test]
fn a_consultation_whose_end_is_never_heard_of_does_not_stop_the_transfer() {
    let attended =
        AttendedPolicy { semi_attended: SemiAttendedPolicy::CancelThenBlind, ..AttendedPolicy::default() };
    let mut calls = TwoCalls::ringing(attended);
    calls.complete();
    assert_eq!(calls.expire(TransferTimerName::Closing), format!("[refer sent]; {BLIND}; arm Guard 120s"));
    // Nor does it when it is heard of late.
    assert_eq!(calls.rig.ended(calls.d2, By::Local, EndReason::Cancelled), "");
    assert_eq!(calls.state(), "ReferPending");
}

#[test]
fn a_consultation_that_the_application_is_ending_is_not_ended_twice() {
    let attended =
        AttendedPolicy { semi_attended: SemiAttendedPolicy::CancelThenBlind, ..AttendedPolicy::default() };
    let mut calls = TwoCalls::ringing(attended);
    calls.rig.leg(calls.d2, LegEvent::Closing);
    assert_eq!(calls.complete(), "ok; [kind SemiAttended]; disarm Consult; arm Closing 34s");
    let ended = calls.rig.ended(calls.d2, By::Local, EndReason::Cancelled);
    assert_eq!(ended, format!("disarm Closing; [refer sent]; {BLIND}; arm Guard 120s"));
}

#[test]
fn completing_while_the_target_rings_can_be_forbidden() {
    // covers: TR-166
    let mut calls = TwoCalls::ringing(AttendedPolicy {
        semi_attended: SemiAttendedPolicy::Refuse,
        ..AttendedPolicy::default()
    });
    assert_eq!(calls.complete(), wrong("ConsultEarly", "ConsultTalk"));
    assert_eq!(calls.state(), "ConsultEarly");
    calls.answer(&CAROL);
    assert_eq!(calls.complete(), "ok; disarm Talk; hold d2 10s; arm Hold 12s");
}

#[test]
fn a_target_without_replaces_is_no_target_and_nothing_is_lost() {
    // covers: TR-173
    for options in [USUAL, PROTECT] {
        let mut calls = talking_without_replaces(WithoutReplaces::Refuse, options);
        assert_eq!(calls.complete(), "no: NoReplaces");
        assert_eq!(calls.state(), "ConsultTalk");
        assert!(!format!("{:?}", calls.rig.outputs).contains("Refer {"));
        // The application can drop the target and has the party back.
        assert!(calls.cancel().contains("hangup d2; media d2 to d1; [recovering]; resume d1 10s"));
    }
    // Without anybody to be asked, both calls stay up: the party is back, and the target waits.
    let mut calls = TwoCalls::one(TransferPolicy::default(), &BOB);
    calls.consult(Hold::First, USUAL, Completion::OnAnswer);
    calls.done(calls.d1);
    let carol = Party { replaces: false, ..CAROL };
    assert_eq!(
        calls.answer(&carol),
        "disarm Consult; media d1 to d2; [consult answered]; media d2 to d1; hold d2 10s; \
         [recovering]; resume d1 10s; arm Resume 12s"
    );
    calls.done(calls.d1);
    assert_eq!(calls.rig.outcome(), "Recovered Local - NoReplaces kept=true");
    assert_eq!(calls.rig.transfers.watched(), 2);
    // It can be forced.
    let mut calls = talking_without_replaces(WithoutReplaces::Refuse, FORCE);
    calls.complete();
    assert!(calls.done(calls.d2).contains(&format!("refer d1 {CONTACT};")));
}

#[test]
fn a_target_without_replaces_can_be_hung_up_on_and_referred_to_blind() {
    // covers: TR-169, TR-173
    for options in [USUAL, PROTECT] {
        let mut calls = talking_without_replaces(WithoutReplaces::Blind, options);
        assert_eq!(calls.complete(), "ok; disarm Talk; hangup d2; arm Closing 34s");
        assert_eq!(calls.rig.leg(calls.d2, LegEvent::Closing), "");
        let kind = if options.protect_target { "[kind Attended]; " } else { "" };
        assert_eq!(
            calls.rig.ended(calls.d2, By::Local, EndReason::Bye),
            format!("disarm Closing; {kind}media d2 to d1; [refer sent]; {BLIND}; arm Guard 120s")
        );
        let sub = calls.rig.subscription();
        calls.rig.accepted(sub, 202);
        // No other address and no other role: there is nobody left who could do it.
        assert_eq!(calls.reported(404), "disarm Guard; [recovering]; resume d1 10s; arm Resume 12s");
        calls.done(calls.d1);
        assert_eq!(calls.rig.outcome(), "Recovered Notify 404 Target kept=true");
        calls.rig.assert_nothing_left();
    }
    // The same when the answer completes it.
    let attended = AttendedPolicy { without_replaces: WithoutReplaces::Blind, ..AttendedPolicy::default() };
    let mut calls = TwoCalls::one(policy(attended), &BOB);
    calls.consult(Hold::First, USUAL, Completion::OnAnswer);
    calls.done(calls.d1);
    let carol = Party { replaces: false, ..CAROL };
    assert_eq!(
        calls.answer(&carol),
        "disarm Consult; media d1 to d2; [consult answered]; hangup d2; arm Closing 34s"
    );
}

#[test]
fn a_party_that_is_with_the_user_is_held_before_it_is_referred_blind() {
    // covers: TR-169
    let mut calls = talking_without_replaces(WithoutReplaces::Blind, USUAL);
    calls.swap();
    calls.done(calls.d2);
    calls.done(calls.d1);
    assert_eq!(calls.complete(), "ok; disarm Talk; hangup d2; arm Closing 34s");
    // The end of the other call is heard of too late to matter.
    assert_eq!(calls.expire(TransferTimerName::Closing), "hold d1 10s; arm Hold 12s");
    assert_eq!(calls.rig.ended(calls.d2, By::Local, EndReason::Bye), "");
    assert_eq!(calls.done(calls.d1), format!("disarm Hold; [refer sent]; {BLIND}; arm Guard 120s"));
}

#[test]
fn the_target_is_sent_the_refer_where_its_address_is_protected() {
    // covers: TR-168
    let mut calls = TwoCalls::one(TransferPolicy::default(), &BOB);
    calls.consult(Hold::First, PROTECT, Completion::OnCommand);
    calls.done(calls.d1);
    calls.answer(&CAROL);
    calls.complete();
    assert_eq!(
        calls.done(calls.d2),
        format!("disarm Hold; [refer sent]; refer d2 {PROTECTED}; arm Guard 120s")
    );
    let sub = calls.rig.subscription();
    calls.rig.accepted(sub, 202);
    assert_eq!(calls.rig.bye(calls.d1), "");
    assert_eq!(calls.reported(200), "disarm Guard; hangup d2; arm Closing 34s");
    calls.rig.ended(calls.d2, By::Local, EndReason::Bye);
    assert_eq!(calls.rig.outcome(), "Succeeded Notify 200 - kept=false");
    calls.rig.assert_nothing_left();
}
