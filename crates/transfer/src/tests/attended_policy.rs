//! What follows when an attended transfer meets peers that cannot do all of it: the other address, exchanged roles.

use dialog_core::{NotifiedState::*, ReferAnswer, SubscriptionEnd, SubscriptionEvent};

use super::two_calls::{BOB, CAROL, CONTACT, PROTECTED, Party, RECORD, TwoCalls, policy};
use crate::{AttendedOptions, AttendedPolicy, Hold, ReferTarget, TransferPolicy, TransferTimerName};

const USUAL: AttendedOptions =
    AttendedOptions { refer_to: None, protect_target: false, force: false, fallback: None };

fn record_first() -> AttendedPolicy {
    AttendedPolicy { refer_to: ReferTarget::AddressOfRecord, ..AttendedPolicy::default() }
}

fn reversing() -> AttendedPolicy {
    AttendedPolicy { reverse_roles: true, ..AttendedPolicy::default() }
}

#[test]
fn a_target_that_was_not_reached_is_tried_by_its_other_address_once() {
    // covers: TR-171, TR-172, EC-87
    for (attended, other) in [(AttendedPolicy::default(), RECORD), (record_first(), CONTACT)] {
        for status in [403, 404, 408, 420, 480, 481, 503] {
            let (mut calls, first) = TwoCalls::accepted(attended);
            assert_eq!(calls.reported(status), format!("[refer sent]; refer d1 {other}"), "{status}");
            let second = calls.rig.subscription();
            assert_ne!(first, second, "each REFER has a subscription of its own");
            // The first one says nothing more.
            assert_eq!(calls.rig.sub(first, SubscriptionEvent::Ended(SubscriptionEnd::Terminated)), "");
            assert_eq!(calls.rig.notified(first, Terminated, Some(200)), "");
            assert_eq!(calls.rig.accepted(second, 202), "[accepted 202]");
            // There is no third.
            assert_eq!(
                calls.reported(status),
                "disarm Guard; [recovering]; resume d2 10s; resume d1 10s; arm Resume 12s"
            );
            calls.done(calls.d2);
            calls.done(calls.d1);
            assert_eq!(calls.rig.outcome(), format!("Recovered Notify {status} Target kept=true"));
            calls.rig.assert_nothing_left();
            // Both calls are up, and the application chooses.
            assert_eq!(calls.rig.transfers.watched(), 2);
            assert!(calls.attended(Hold::First, USUAL).starts_with("ok; "));
        }
    }
}

#[test]
fn the_second_try_can_succeed() {
    // covers: TR-171
    let (mut calls, _) = TwoCalls::accepted(AttendedPolicy::default());
    calls.reported(404);
    let second = calls.rig.subscription();
    calls.rig.accepted(second, 202);
    calls.rig.bye(calls.d2);
    assert_eq!(calls.reported(200), "disarm Guard; hangup d1; arm Closing 34s");
}

#[test]
fn a_device_that_gave_its_gruu_is_tried_by_it_first_and_then_by_its_address_of_record() {
    // covers: TR-182
    const GRUU: &str = "sip:carol@example.com;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    // RFC 3261 §19.1.4 would call it the same address: the two differ in `gr` alone, which decides who is reached.
    let carol = Party { contact: GRUU, ..CAROL };
    let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &carol);
    let begun = calls.attended(Hold::First, USUAL);
    assert!(begun.contains("; hold d1 10s; "), "{begun}");
    let next = calls.done(calls.d1);
    assert!(next.contains("hold d2 10s"), "{next}");
    let (contact, replaces) = CONTACT.split_once('?').expect("headers");
    assert_eq!(contact, CAROL.contact);
    let sent = calls.done(calls.d2);
    assert!(sent.contains(&format!("; refer d1 {GRUU}?{replaces}; ")), "{sent}");
    let first = calls.rig.subscription();
    calls.rig.accepted(first, 202);
    assert_eq!(calls.reported(404), format!("[refer sent]; refer d1 {RECORD}"));
    let second = calls.rig.subscription();
    assert_ne!(first, second, "each REFER has a subscription of its own");
    calls.rig.accepted(second, 202);
    calls.rig.bye(calls.d2);
    assert_eq!(calls.reported(200), "disarm Guard; hangup d1; arm Closing 34s");
}

#[test]
fn the_first_subscription_is_left_alone_by_the_second_refer() {
    // covers: TR-171
    let (mut calls, sub) = TwoCalls::accepted(AttendedPolicy::default());
    assert_eq!(calls.rig.notified(sub, Active, Some(404)), format!("[refer sent]; refer d1 {RECORD}"));
    // A report that overtook the answer to the REFER counts in the same way.
    let mut calls = TwoCalls::referred(AttendedPolicy::default(), USUAL);
    let sub = calls.rig.subscription();
    assert_eq!(calls.reported(404), "");
    assert_eq!(calls.rig.accepted(sub, 202), format!("[accepted 202]; [refer sent]; refer d1 {RECORD}"));
}

#[test]
fn there_is_no_second_try_where_it_is_of_no_use() {
    // covers: TR-171
    let recovering = "disarm Guard; [recovering]; resume d2 10s; resume d1 10s; arm Resume 12s";
    // The target was reached and said no.
    for status in [302, 486, 487, 488, 600, 603] {
        let (mut calls, _) = TwoCalls::accepted(AttendedPolicy::default());
        assert_eq!(calls.reported(status), recovering, "{status}");
    }
    // It is switched off.
    let off = AttendedPolicy { retry: false, ..AttendedPolicy::default() };
    let (mut calls, _) = TwoCalls::accepted(off);
    assert_eq!(calls.reported(404), recovering);
    // The target is gone.
    let (mut calls, _) = TwoCalls::accepted(AttendedPolicy::default());
    calls.rig.bye(calls.d2);
    assert_eq!(calls.reported(404), "disarm Guard; [recovering]; resume d1 10s; arm Resume 12s");
    // Or is being hung up on.
    let (mut calls, _) = TwoCalls::accepted(AttendedPolicy::default());
    calls.rig.leg(calls.d2, dialog_core::LegEvent::Closing);
    assert_eq!(calls.reported(404), "disarm Guard; [recovering]; resume d1 10s; arm Resume 12s");
    // There is no other address, or it holds no headers.
    for record in [CAROL.contact, "tel:+4930123"] {
        let carol = Party { record, ..CAROL };
        let mut calls = TwoCalls::both(policy(AttendedPolicy::default()), &BOB, &carol);
        calls.attended_held(Hold::No, true, USUAL);
        let sub = calls.rig.subscription();
        calls.rig.accepted(sub, 202);
        assert_eq!(
            calls.reported(404),
            "disarm Guard; [ended Recovered Notify 404 Target kept=true]",
            "{record}"
        );
    }
}

#[test]
fn both_tries_together_have_one_guard() {
    let (mut calls, _) = TwoCalls::accepted(AttendedPolicy::default());
    let begun = calls.rig.now;
    calls.rig.wait(60);
    calls.reported(404);
    assert_eq!(
        calls.expire(TransferTimerName::Guard),
        "unsubscribe; [recovering]; resume d2 10s; resume d1 10s; arm Resume 12s"
    );
    assert_eq!(calls.rig.now.since(begun).as_secs(), 120);
}

#[test]
fn a_call_that_cannot_be_named_in_a_uri_fails_before_anything_is_sent() {
    let carol = Party { contact: "tel:+4930123", ..CAROL };
    let mut calls = TwoCalls::both(policy(AttendedPolicy::default()), &BOB, &carol);
    assert!(
        calls
            .attended_held(Hold::No, true, USUAL)
            .ends_with("[ended Recovered Local - Unreachable kept=true]")
    );
    let carol = Party { call_id: "a;b", ..CAROL };
    let mut calls = TwoCalls::both(policy(AttendedPolicy::default()), &BOB, &carol);
    calls.attended(Hold::First, USUAL);
    calls.done(calls.d1);
    assert_eq!(
        calls.done(calls.d2),
        "disarm Hold; arm Guard 120s; disarm Guard; [recovering]; resume d2 10s; resume d1 10s; arm Resume 12s"
    );
    assert!(!format!("{:?}", calls.rig.outputs).contains("Refer {"));
}

#[test]
fn a_party_that_does_not_take_refer_is_left_to_the_target_where_that_is_allowed() {
    // covers: TR-170
    for status in [405, 501] {
        let mut calls = TwoCalls::referred(reversing(), USUAL);
        let first = calls.rig.subscription();
        let said = calls.rig.refused(first, status, None);
        assert_eq!(said, format!("[kind ProtectedTarget]; [refer sent]; refer d2 {PROTECTED}"));
        let second = calls.rig.subscription();
        assert_ne!(first, second);
        assert_eq!(calls.rig.accepted(second, 202), "[accepted 202]");
        assert_eq!(calls.rig.bye(calls.d1), "");
        assert_eq!(calls.reported(200), "disarm Guard; hangup d2; arm Closing 34s");

        // The target does not take it either: both are taken back.
        let mut calls = TwoCalls::referred(reversing(), USUAL);
        calls.rig.refused(calls.rig.subscription(), status, None);
        assert_eq!(
            calls.rig.refused(calls.rig.subscription(), status, None),
            "disarm Guard; [recovering]; resume d2 10s; resume d1 10s; arm Resume 12s"
        );
        calls.done(calls.d2);
        calls.done(calls.d1);
        assert_eq!(calls.rig.outcome(), format!("Recovered Local {status} NotSupported kept=true"));
        calls.rig.assert_nothing_left();
    }
}

#[test]
fn roles_are_not_exchanged_where_that_cannot_work() {
    // covers: TR-170
    let refused = |attended: AttendedPolicy, bob: &Party, carol: &Party, gone: bool| {
        let mut calls = TwoCalls::both(policy(attended), bob, carol);
        calls.attended_held(Hold::No, true, USUAL);
        if gone {
            calls.rig.bye(calls.d2);
        }
        calls.rig.refused(calls.rig.subscription(), 405, None)
    };
    let ended = "disarm Guard; [ended Recovered Local 405 NotSupported kept=true]";
    assert_eq!(refused(AttendedPolicy::default(), &BOB, &CAROL, false), ended, "off by default");
    assert_eq!(refused(reversing(), &Party { replaces: false, ..BOB }, &CAROL, false), ended);
    assert_eq!(refused(reversing(), &BOB, &Party { takes_refer: false, ..CAROL }, false), ended);
    assert_eq!(refused(reversing(), &BOB, &CAROL, true), ended);
    // Another refusal is one.
    let mut calls = TwoCalls::referred(reversing(), USUAL);
    assert!(calls.rig.refused(calls.rig.subscription(), 603, None).contains("[recovering]"));
    // A blind transfer knows nobody else.
    let mut calls = TwoCalls::both(policy(reversing()), &BOB, &CAROL);
    calls.rig.blind(calls.d1, Hold::No);
    assert_eq!(calls.rig.refused(calls.rig.subscription(), 405, None), ended);
}

#[test]
fn a_refer_is_not_sent_again_for_a_target_that_is_gone() {
    // It ends its call before the refusal, or while the second REFER waits: nothing is under way that could use it.
    let recovered = "[recovering]; resume d1 10s; arm Resume 12s";
    let mut calls = TwoCalls::referred(AttendedPolicy::default(), USUAL);
    calls.rig.bye(calls.d2);
    assert_eq!(calls.rig.refused(calls.rig.subscription(), 491, None), format!("disarm Guard; {recovered}"));
    calls.done(calls.d1);
    assert_eq!(calls.rig.outcome(), "Recovered Local 491 Refused kept=true");

    let mut calls = TwoCalls::referred(AttendedPolicy::default(), USUAL);
    calls.rig.refused(calls.rig.subscription(), 500, Some(3));
    assert_eq!(calls.rig.bye(calls.d2), format!("disarm Guard; disarm Retry; {recovered}"));
    calls.done(calls.d1);
    assert_eq!(calls.rig.outcome(), "Recovered Bye - ConsultationEnded kept=true");
    calls.rig.assert_nothing_left();
}

#[test]
fn a_refer_that_meets_another_is_sent_once_more_with_the_same_refer_to() {
    let mut calls = TwoCalls::referred(AttendedPolicy::default(), USUAL);
    let first = calls.rig.subscription();
    assert!(calls.rig.refused(first, 491, None).starts_with("arm Retry "));
    assert_eq!(calls.expire(TransferTimerName::Retry), format!("[refer sent]; refer d1 {CONTACT}"));
    assert_ne!(calls.rig.subscription(), first);
    // A refusal that speaks of the dialog is judged by the re-INVITE that takes the call back.
    assert_eq!(
        calls.rig.refused(calls.rig.subscription(), 481, None),
        "disarm Guard; [recovering]; resume d2 10s; resume d1 10s; arm Resume 12s"
    );
    // A REFER without an answer says nothing of either call.
    let mut calls = TwoCalls::referred(AttendedPolicy::default(), USUAL);
    let sub = calls.rig.subscription();
    calls.rig.sub(sub, SubscriptionEvent::Answered(ReferAnswer::TimedOut));
    calls.done(calls.d2);
    calls.done(calls.d1);
    assert_eq!(calls.rig.outcome(), "Recovered Guard - ReferTimeout kept=true");
    calls.rig.assert_nothing_left();
}
