//! Attended transfers between two calls of the application: the way to success, and what the Refer-To names.

use dialog_core::{By, EndReason, LegEvent, NotifiedState::*, SubscriptionEnd, SubscriptionEvent};

use super::two_calls::{BOB, CAROL, CONTACT, PROTECTED, Party, RECORD, TwoCalls, policy};
use crate::{
    AttendedOptions, AttendedPolicy, Hold, ReferTarget, TransferCommand, TransferOutput, TransferPolicy,
    TransferTimerName,
};

const USUAL: AttendedOptions =
    AttendedOptions { refer_to: None, protect_target: false, force: false, fallback: None };
const PROTECT: AttendedOptions = AttendedOptions { protect_target: true, ..USUAL };

#[test]
fn both_are_held_then_the_party_is_referred_and_both_calls_end() {
    // covers: TR-167, TR-162, TR-252
    let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &CAROL);
    let (d1, d2) = (calls.d1, calls.d2);
    assert_eq!(
        calls.attended(Hold::First, USUAL),
        "ok; [initiated sip:carol@example.com]; hold d1 10s; arm Hold 12s"
    );
    assert_eq!(calls.state(), "HoldPrimary");
    assert_eq!(calls.done(d1), "hold d2 10s; arm Hold 12s");
    assert_eq!(calls.state(), "HoldConsult");
    assert_eq!(calls.done(d2), format!("disarm Hold; [refer sent]; refer d1 {CONTACT}; arm Guard 120s"));
    let sub = calls.rig.subscription();
    assert_eq!(calls.rig.accepted(sub, 202), "[accepted 202]");
    assert_eq!(calls.rig.notified(sub, Active, Some(100)), "[progress 100]");
    // The target ends the call that was replaced, before its own result is told.
    assert_eq!(calls.rig.bye(d2), "");
    assert_eq!(calls.reported(200), "disarm Guard; hangup d1; arm Closing 34s");
    assert_eq!(
        calls.rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Terminated)),
        "[subscription Terminated]"
    );
    assert_eq!(calls.rig.leg(d1, LegEvent::Closing), "");
    assert_eq!(
        calls.rig.ended(d1, By::Local, EndReason::Bye),
        "disarm Closing; [ended Succeeded Notify 200 - kept=false]"
    );
    assert_eq!(calls.rig.ended.len(), 1);
    calls.rig.assert_nothing_left();
    assert_eq!(calls.rig.transfers.watched(), 0);
}

#[test]
fn the_refer_alone_changes_neither_call() {
    // covers: TR-160
    let without = AttendedPolicy { hold_consultation: false, ..AttendedPolicy::default() };
    for (hold, held, attended) in [
        (Hold::No, false, without),
        (Hold::Already, false, without),
        (Hold::Already, true, AttendedPolicy::default()),
    ] {
        let mut calls = TwoCalls::both(policy(attended), &BOB, &CAROL);
        assert_eq!(
            calls.attended_held(hold, held, USUAL),
            format!(
                "ok; [initiated sip:carol@example.com]; [refer sent]; refer d1 {CONTACT}; arm Guard 120s"
            )
        );
    }
}

#[test]
fn the_refer_to_is_seen_from_the_target_whoever_placed_the_call() {
    // covers: TR-102, TR-119, TR-130
    for placed in [true, false] {
        let carol = Party { placed, ..CAROL };
        let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &carol);
        assert!(calls.attended_held(Hold::No, true, USUAL).contains(&format!("refer d1 {CONTACT};")));
        let bob = Party { placed, ..BOB };
        let mut calls = TwoCalls::both(TransferPolicy::default(), &bob, &CAROL);
        assert!(calls.attended_held(Hold::No, true, PROTECT).contains(&format!("refer d2 {PROTECTED};")));
    }
}

#[test]
fn every_call_id_and_tag_is_escaped_in_the_refer_to() {
    // covers: TR-130, TR-131, EC-31
    let carol = Party { call_id: "a-.!%*_+`'~()<>:\\\"/[]?{}@b", theirs: "7", ours: "9+z", ..CAROL };
    let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &carol);
    let asked = calls.attended_held(Hold::No, true, USUAL);
    let (_, rest) = asked.split_once("refer d1 ").expect("invariant: a REFER was sent");
    let (refer_to, _) = rest.split_once("; arm ").expect("invariant: a timer is armed after it");
    let value = format!("<{refer_to}>");
    let parsed = sip_message::ReferTo::parse(&value).expect("invariant: what is sent can be read");
    assert_eq!(parsed.replaces, sip_message::Replaces::new(carol.call_id, "7", "9+z").ok());
    assert_eq!(parsed.target().as_str(), CAROL.contact);
    let (_, escaped) = refer_to.split_once("?Replaces=").expect("invariant: it has the header");
    assert!(
        escaped.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~%".contains(&byte)),
        "{escaped}"
    );
    assert!(escaped.ends_with("%3Bto-tag%3D7%3Bfrom-tag%3D9%2Bz"), "{escaped}");
}

#[test]
fn the_case_of_ids_is_kept() {
    // covers: TR-125
    let carol = Party { call_id: "AbC@h", theirs: "Kx", ours: "kX", ..CAROL };
    let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &carol);
    let asked = calls.attended_held(Hold::No, true, USUAL);
    assert!(asked.contains("?Replaces=AbC%40h%3Bto-tag%3DKx%3Bfrom-tag%3DkX;"), "{asked}");
}

#[test]
fn a_peer_without_a_tag_is_named_by_0() {
    // covers: TR-121, EC-34
    let carol = Party { theirs: "", ..CAROL };
    let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &carol);
    let asked = calls.attended_held(Hold::No, true, USUAL);
    assert!(asked.contains("%3Bto-tag%3D0%3Bfrom-tag%3Dp8;"), "{asked}");
}

#[test]
fn an_address_of_record_is_referred_to_with_require_replaces_unless_that_is_switched_off() {
    // covers: TR-118, TR-119, EC-52
    let record = AttendedPolicy { refer_to: ReferTarget::AddressOfRecord, ..AttendedPolicy::default() };
    let mut calls = TwoCalls::both(policy(record), &BOB, &CAROL);
    assert!(calls.attended_held(Hold::No, true, USUAL).contains(&format!("refer d1 {RECORD};")));

    let off = AttendedPolicy { require_replaces: false, ..record };
    let mut calls = TwoCalls::both(policy(off), &BOB, &CAROL);
    let plain = RECORD.strip_suffix("&Require=replaces").expect("invariant: it has that suffix");
    assert!(calls.attended_held(Hold::No, true, USUAL).contains(&format!("refer d1 {plain};")));

    // A command says it for itself.
    for (refer_to, expected) in [(ReferTarget::Contact, CONTACT), (ReferTarget::AddressOfRecord, RECORD)] {
        for default in [ReferTarget::Contact, ReferTarget::AddressOfRecord] {
            let attended = AttendedPolicy { refer_to: default, ..AttendedPolicy::default() };
            let mut calls = TwoCalls::both(policy(attended), &BOB, &CAROL);
            let options = AttendedOptions { refer_to: Some(refer_to), ..USUAL };
            let asked = calls.attended_held(Hold::No, true, options);
            assert!(asked.contains(&format!("refer d1 {expected};")), "{asked}");
        }
    }
}

#[test]
fn the_contact_that_the_target_has_now_is_named() {
    // covers: TR-119
    let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &CAROL);
    let moved = Party { contact: "sip:carol@198.51.100.10;gr=x", ..CAROL };
    calls.answer(&moved);
    let asked = calls.attended_held(Hold::No, true, USUAL);
    assert!(asked.contains("refer d1 sip:carol@198.51.100.10;gr=x?Replaces="), "{asked}");
}

#[test]
fn referred_by_goes_with_the_refer() {
    let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &CAROL);
    let us: sip_message::NameAddrBuf = "<sip:us@example.com>".parse().expect("invariant: a literal");
    let command = TransferCommand::Attended {
        refer: crate::ReferOptions::default(),
        transfer: calls.transfer,
        leg: calls.d1,
        consultation: calls.d2,
        hold: Hold::Already,
        consultation_held: true,
        referred_by: Some(us.clone()),
        options: USUAL,
    };
    calls.rig.command(command);
    let text = format!("{:?}", calls.rig.outputs);
    assert!(text.contains("\"sip:us@example.com\""), "{text}");
}

#[test]
fn the_target_can_end_its_call_at_any_time_after_the_refer() {
    // covers: EC-26
    let mut calls = TwoCalls::referred(AttendedPolicy::default(), USUAL);
    // Before the 2xx, between it and the first NOTIFY, and after one.
    assert_eq!(calls.rig.bye(calls.d2), "");
    let sub = calls.rig.subscription();
    calls.rig.accepted(sub, 202);
    calls.rig.notified(sub, Active, Some(180));
    assert_eq!(calls.state(), "Progress");
    assert_eq!(calls.reported(200), "disarm Guard; hangup d1; arm Closing 34s");

    let (mut calls, _) = TwoCalls::accepted(AttendedPolicy::default());
    assert_eq!(calls.rig.bye(calls.d2), "");
    // Their user had hung up instead: the report says that nothing was replaced, and only one call is left.
    assert_eq!(calls.reported(481), "disarm Guard; [recovering]; resume d1 10s; arm Resume 12s");
    assert_eq!(calls.done(calls.d1), "disarm Resume; [ended Recovered Notify 481 Target kept=true]");
    calls.rig.assert_nothing_left();
}

#[test]
fn a_target_that_never_hangs_up_is_hung_up_on_after_the_grace() {
    // covers: EC-28
    for parted in [false, true] {
        let (mut calls, sub) = TwoCalls::accepted(AttendedPolicy::default());
        if parted {
            // The moved party has hung up before it reports.
            assert_eq!(calls.rig.bye(calls.d1), "disarm Guard; arm Final 1s");
            assert_eq!(calls.reported(200), "arm Final 1s; arm Closing 34s");
        } else {
            assert_eq!(
                calls.rig.notified(sub, Terminated, Some(200)),
                "disarm Guard; hangup d1; arm Final 1s; arm Closing 34s"
            );
            assert_eq!(calls.rig.ended(calls.d1, By::Local, EndReason::Bye), "");
        }
        assert_eq!(calls.state(), "Completing");
        assert_eq!(calls.expire(TransferTimerName::Final), "hangup d2");
        assert_eq!(
            calls.rig.ended(calls.d2, By::Local, EndReason::Bye),
            "disarm Closing; [ended Succeeded Notify 200 - kept=false]"
        );
        calls.rig.assert_nothing_left();
    }
}

#[test]
fn a_target_that_hangs_up_within_the_grace_is_left_alone() {
    let (mut calls, _) = TwoCalls::accepted(AttendedPolicy::default());
    assert_eq!(calls.reported(200), "disarm Guard; hangup d1; arm Final 1s; arm Closing 34s");
    assert_eq!(calls.rig.bye(calls.d2), "");
    assert_eq!(
        calls.rig.ended(calls.d1, By::Local, EndReason::Bye),
        "disarm Final; disarm Closing; [ended Succeeded Notify 200 - kept=false]"
    );
    calls.rig.assert_nothing_left();

    // A call that is being ended already is not ended twice.
    let (mut calls, _) = TwoCalls::accepted(AttendedPolicy::default());
    calls.reported(200);
    assert_eq!(calls.rig.leg(calls.d2, LegEvent::Closing), "");
    assert_eq!(calls.expire(TransferTimerName::Final), "");
    // Nor is it waited for longer than a transaction takes.
    assert_eq!(calls.expire(TransferTimerName::Closing), "[ended Succeeded Notify 200 - kept=false]");
    calls.rig.assert_nothing_left();
}

#[test]
fn a_success_that_is_not_the_end_of_the_subscription_ends_it() {
    // covers: EC-09
    let (mut calls, sub) = TwoCalls::accepted(AttendedPolicy::default());
    assert_eq!(
        calls.rig.notified(sub, Active, Some(200)),
        "disarm Guard; unsubscribe; hangup d1; arm Final 1s; arm Closing 34s"
    );
}

#[test]
fn the_target_is_sent_the_refer_where_its_address_is_protected() {
    // covers: TR-168, TR-102, EC-71
    let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &CAROL);
    let (d1, d2) = (calls.d1, calls.d2);
    calls.attended(Hold::First, PROTECT);
    assert_eq!(calls.done(d1), "hold d2 10s; arm Hold 12s");
    assert_eq!(calls.done(d2), format!("disarm Hold; [refer sent]; refer d2 {PROTECTED}; arm Guard 120s"));
    let sub = calls.rig.subscription();
    assert_eq!(calls.rig.accepted(sub, 202), "[accepted 202]");
    // The party that is moved ends its call with us: the normal result, and nothing is taken back.
    assert_eq!(calls.rig.bye(d1), "");
    assert_eq!(calls.reported(200), "disarm Guard; hangup d2; arm Closing 34s");
    assert_eq!(
        calls.rig.ended(d2, By::Local, EndReason::Bye),
        "disarm Closing; [ended Succeeded Notify 200 - kept=false]"
    );
    calls.rig.assert_nothing_left();

    // The one who was moved does not hang up.
    let mut calls = TwoCalls::referred(AttendedPolicy::default(), PROTECT);
    let sub = calls.rig.subscription();
    calls.rig.accepted(sub, 202);
    assert_eq!(calls.reported(200), "disarm Guard; hangup d2; arm Final 1s; arm Closing 34s");
    assert_eq!(calls.expire(TransferTimerName::Final), "hangup d1");
    calls.rig.ended(calls.d2, By::Local, EndReason::Bye);
    calls.rig.ended(calls.d1, By::Local, EndReason::Bye);
    assert_eq!(calls.rig.outcome(), "Succeeded Notify 200 - kept=false");
    calls.rig.assert_nothing_left();
}

#[test]
fn a_transfer_joins_nothing_and_places_no_call() {
    // covers: TR-175
    let (mut calls, _) = TwoCalls::accepted(AttendedPolicy::default());
    calls.reported(200);
    calls.expire(TransferTimerName::Final);
    let text = format!("{:?}", calls.rig.outputs);
    assert!(!text.contains("Join"), "{text}");
    assert!(!calls.rig.outputs.iter().any(|output| matches!(output, TransferOutput::Place { .. })));
}
