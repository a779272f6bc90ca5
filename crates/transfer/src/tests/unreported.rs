//! Transfers that nobody reports on, that are let go of, and who hangs up after them.

use std::time::Duration;

use dialog_core::{
    By, EndReason, NotifiedState::*, ReferSubscription, SubscriptionEnd, SubscriptionEvent, SubscriptionId,
};

use super::{
    rig::{Rig, uri, wrong},
    two_calls::{BOB, CAROL, CONTACT, TwoCalls},
};
use crate::{
    AttendedOptions, ByeOwner, Hold, ReferOptions, TransferCommand, TransferId, TransferPolicy,
    TransferTimerName,
};

fn suppress() -> ReferOptions {
    ReferOptions { subscription: ReferSubscription::Suppress, ..ReferOptions::default() }
}

/// A blind transfer whose REFER is under way; the call is held.
fn referred(
    policy: TransferPolicy,
    options: ReferOptions,
) -> (Rig, dialog_core::LegId, TransferId, SubscriptionId) {
    let mut rig = Rig::new(policy);
    let leg = rig.call();
    let (transfer, _) = rig.blind_with(leg, Hold::First, options);
    rig.reoffered(leg, Ok(()));
    let sub = rig.subscription();
    (rig, leg, transfer, sub)
}

fn detach(rig: &mut Rig, transfer: TransferId) -> String {
    rig.command(TransferCommand::Detach { transfer })
}

#[test]
fn without_reports_we_hang_up_and_say_that_nobody_has_confirmed_it() {
    // covers: TR-077, EC-48
    let (mut rig, leg, _, sub) = referred(TransferPolicy::default(), suppress());
    assert_eq!(rig.accepted(sub, 202), "[accepted 202]");
    assert_eq!(
        rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Suppressed)),
        format!("disarm Guard; hangup {leg}; arm Closing 34s")
    );
    rig.ended(leg, By::Local, EndReason::Bye);
    assert_eq!(rig.outcome(), "AcceptedWithoutProgress Local 202 - kept=false");
    rig.assert_nothing_left();
}

#[test]
fn a_peer_that_hangs_up_by_itself_is_what_the_outcome_was_learned_from() {
    // covers: TR-077
    let policy = TransferPolicy { bye: ByeOwner::Peer, ..TransferPolicy::default() };
    let (mut rig, leg, _, sub) = referred(policy, suppress());
    rig.accepted(sub, 202);
    assert_eq!(rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Suppressed)), "");
    assert_eq!(rig.bye(leg), "disarm Guard; [ended AcceptedWithoutProgress Bye 202 - kept=false]");
    rig.assert_nothing_left();
}

#[test]
fn a_peer_that_never_hangs_up_is_taken_back_at_the_guard() {
    let policy = TransferPolicy { bye: ByeOwner::Peer, ..TransferPolicy::default() };
    let (mut rig, leg, transfer, sub) = referred(policy, suppress());
    rig.accepted(sub, 202);
    rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Suppressed));
    assert_eq!(rig.expire(transfer, TransferTimerName::Guard), "[recovering]; resume 10s; arm Resume 12s");
    rig.reoffered(leg, Ok(()));
    assert_eq!(rig.outcome(), "TimedOut Guard - Guard kept=true");
    rig.assert_nothing_left();
}

#[test]
fn a_wish_for_no_reports_that_is_ignored_is_a_transfer_with_reports() {
    // covers: TR-072
    let (mut rig, leg, _, sub) = referred(TransferPolicy::default(), suppress());
    assert_eq!(rig.accepted(sub, 202), "[accepted 202]");
    assert_eq!(rig.notified(sub, Active, Some(180)), "[progress 180]");
    rig.notified(sub, Terminated, Some(200));
    rig.ended(leg, By::Local, EndReason::Bye);
    assert_eq!(rig.outcome(), "Succeeded Notify 200 - kept=false");
}

#[test]
fn without_reports_the_target_that_ends_the_other_call_tells() {
    // covers: TR-077
    let mut calls = TwoCalls::both(TransferPolicy::default(), &BOB, &CAROL);
    let transfer = calls.rig.mint();
    calls.transfer = transfer;
    let said = calls.rig.command(TransferCommand::Attended {
        transfer,
        leg: calls.d1,
        consultation: calls.d2,
        hold: Hold::Already,
        consultation_held: true,
        referred_by: None,
        options: AttendedOptions::default(),
        refer: suppress(),
    });
    assert!(said.contains(&format!("refer d1 Suppress {CONTACT}")), "{said}");
    let sub = calls.rig.subscription();
    calls.rig.accepted(sub, 202);
    // Nothing is hung up on before the target has the new call.
    assert_eq!(calls.rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Suppressed)), "");
    assert_eq!(calls.state(), "Completing");
    assert_eq!(calls.rig.bye(calls.d2), "disarm Guard; hangup d1; arm Closing 34s");
    calls.rig.ended(calls.d1, By::Local, EndReason::Bye);
    assert_eq!(calls.rig.outcome(), "AcceptedWithoutProgress Bye 202 - kept=false");
    calls.rig.assert_nothing_left();
}

#[test]
fn an_explicit_subscription_is_followed_where_the_2xx_says() {
    // covers: TR-082
    let explicit = ReferOptions { subscription: ReferSubscription::Explicit, ..ReferOptions::default() };
    let (mut rig, leg, _, refer) = referred(TransferPolicy::default(), explicit);
    rig.accepted(refer, 200);
    let at = uri("sip:17af@192.0.2.9");
    assert_eq!(rig.sub(refer, SubscriptionEvent::EventsAt(at)), "follow sip:17af@192.0.2.9");
    assert_eq!(rig.sub(refer, SubscriptionEvent::Ended(SubscriptionEnd::Suppressed)), "");
    let sub = rig.subscription();
    assert_ne!(sub, refer);
    assert_eq!(rig.accepted(sub, 200), "");
    assert_eq!(rig.notified(sub, Active, Some(180)), "[progress 180]");
    rig.notified(sub, Terminated, Some(200));
    rig.ended(leg, By::Local, EndReason::Bye);
    assert_eq!(rig.outcome(), "Succeeded Notify 200 - kept=false");
    rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Terminated));
    rig.assert_nothing_left();
}

#[test]
fn who_lets_go_hangs_up_after_the_2xx_and_hears_the_outcome() {
    // covers: TR-165, TR-180
    let (mut rig, leg, transfer, sub) = referred(TransferPolicy::default(), ReferOptions::default());
    assert_eq!(detach(&mut rig, transfer), "ok");
    let again = detach(&mut rig, transfer);
    assert_eq!(again, wrong("Detached", "ReferPending, Accepted or Progress"));
    assert_eq!(rig.accepted(sub, 202), format!("[accepted 202]; keep; hangup {leg}"));
    assert_eq!(rig.ended(leg, By::Local, EndReason::Bye), "");
    assert_eq!(rig.transfers.transfers().next().expect("it is under way").state, "Detached");
    assert_eq!(rig.notified(sub, Active, Some(180)), "[progress 180]");
    assert_eq!(
        rig.notified(sub, Terminated, Some(200)),
        "disarm Guard; [ended Succeeded Notify 200 - kept=false]"
    );
    rig.assert_nothing_left();
}

#[test]
fn a_transfer_that_was_let_go_of_can_fail_and_nothing_is_taken_back() {
    for (event, outcome) in [
        (Some((Terminated, Some(486))), "Failed Notify 486 Target kept=false"),
        (Some((Terminated, None)), "Failed Terminated - NoResult kept=false"),
        (None, "TimedOut Guard - Guard kept=false"),
    ] {
        let (mut rig, leg, transfer, sub) = referred(TransferPolicy::default(), ReferOptions::default());
        rig.accepted(sub, 202);
        assert_eq!(detach(&mut rig, transfer), format!("ok; keep; hangup {leg}"));
        rig.ended(leg, By::Local, EndReason::Bye);
        assert_eq!(rig.cancel(transfer), wrong("Detached", "a call that can be taken back"));
        match event {
            Some((state, status)) => drop(rig.notified(sub, state, status)),
            None => drop(rig.expire(transfer, TransferTimerName::Guard)),
        }
        assert_eq!(rig.outcome(), outcome);
        rig.assert_nothing_left();
    }
}

#[test]
fn a_refer_that_is_refused_keeps_the_call_although_it_was_let_go_of() {
    let (mut rig, leg, transfer, sub) = referred(TransferPolicy::default(), ReferOptions::default());
    detach(&mut rig, transfer);
    assert_eq!(rig.refused(sub, 603, None), "disarm Guard; [recovering]; resume 10s; arm Resume 12s");
    rig.reoffered(leg, Ok(()));
    assert_eq!(rig.outcome(), "Recovered Local 603 Refused kept=true");
}

#[test]
fn our_bye_can_wait_and_the_peers_can_be_waited_for() {
    let success = |policy: TransferPolicy| {
        let (mut rig, leg, transfer, sub) = referred(policy, ReferOptions::default());
        rig.accepted(sub, 202);
        let said = rig.notified(sub, Terminated, Some(200));
        (rig, leg, transfer, said)
    };
    let delayed = TransferPolicy { bye_delay: Duration::from_secs(2), ..TransferPolicy::default() };
    let (mut rig, leg, transfer, said) = success(delayed);
    assert_eq!(said, "disarm Guard; arm Bye 2s; arm Closing 34s");
    assert_eq!(rig.expire(transfer, TransferTimerName::Bye), format!("hangup {leg}; arm Closing 34s"));
    rig.ended(leg, By::Local, EndReason::Bye);
    assert_eq!(rig.outcome(), "Succeeded Notify 200 - kept=false");
    rig.assert_nothing_left();

    let theirs = TransferPolicy { bye: ByeOwner::Peer, ..TransferPolicy::default() };
    let (mut rig, leg, _, said) = success(theirs.clone());
    assert_eq!(said, "disarm Guard; arm Bye 5s; arm Closing 34s");
    assert_eq!(rig.bye(leg), "disarm Bye; disarm Closing; [ended Succeeded Notify 200 - kept=false]");
    rig.assert_nothing_left();
    // A peer that does not is hung up on.
    let (mut rig, leg, transfer, _) = success(theirs);
    assert_eq!(rig.expire(transfer, TransferTimerName::Bye), format!("hangup {leg}; arm Closing 34s"));

    let long = TransferPolicy { bye_delay: Duration::from_hours(1), ..TransferPolicy::default() };
    assert_eq!(success(long).3, "disarm Guard; arm Bye 30s; arm Closing 34s");
}

#[test]
fn a_peer_that_ends_its_call_on_an_unsubscription_is_not_sent_one() {
    let policy = TransferPolicy { unsubscribe: false, ..TransferPolicy::default() };
    let (mut rig, _, transfer, sub) = referred(policy.clone(), ReferOptions::default());
    rig.accepted(sub, 202);
    assert_eq!(rig.cancel(transfer), "ok; disarm Guard; [recovering]; resume 10s; arm Resume 12s");
    // A REFER that may not have left is withdrawn.
    let (mut rig, _, transfer, _) = referred(policy, ReferOptions::default());
    let said = rig.cancel(transfer);
    assert!(said.contains("unsubscribe"), "{said}");
}
