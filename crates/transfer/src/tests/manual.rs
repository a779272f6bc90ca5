//! Transfers of ours that the application drives: what waits for its steps, and what does not wait.

use dialog_core::{
    By, EndReason, NotifiedState::*, ReferAnswer, ReofferError, SubscriptionEnd, SubscriptionEvent,
    SubscriptionId,
};

use super::{
    rig::{Rig, code, uri, wrong},
    two_calls::{BOB, CAROL, TwoCalls},
};
use crate::{
    AttendedOptions, ByeOwner, Hold, ManualStep, ReferOptions, ReferSubscription, StepDone, TransferCommand,
    TransferHandling, TransferId, TransferOutput, TransferPolicy, TransferTimerName,
    transferor::manual::REPORTS,
};

pub(super) fn manual() -> TransferPolicy {
    TransferPolicy { handling: TransferHandling::Manual, ..TransferPolicy::default() }
}

pub(super) fn do_step(rig: &mut Rig, transfer: TransferId, step: ManualStep) -> String {
    rig.command(TransferCommand::Step { transfer, step })
}

/// A transfer whose REFER is out, on a call that the application has held for it.
fn referred(rig: &mut Rig) -> (dialog_core::LegId, TransferId, SubscriptionId) {
    let leg = rig.call();
    let (transfer, begun) = rig.blind(leg, Hold::Done);
    assert_eq!(
        begun,
        "ok; [initiated sip:carol@example.com]; [refer sent]; refer sip:carol@example.com; arm Guard 120s"
    );
    (leg, transfer, rig.subscription())
}

#[test]
fn each_step_of_a_manual_transfer_waits_for_the_application() {
    let mut rig = Rig::new(manual());
    let (leg, transfer, sub) = referred(&mut rig);
    assert_eq!(rig.accepted(sub, 202), "<answered>");
    assert_eq!(rig.notified(sub, Active, Some(100)), "");
    assert_eq!(rig.notified(sub, Terminated, Some(200)), "");
    assert_eq!(
        rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Terminated)),
        "[subscription Terminated]"
    );
    assert_eq!(do_step(&mut rig, transfer, ManualStep::ProcessResponse), "ok; <GoOn>; [accepted 202]");
    assert_eq!(do_step(&mut rig, transfer, ManualStep::TakeNotify), "ok; <notified 100>; [progress 100]");
    assert_eq!(do_step(&mut rig, transfer, ManualStep::TakeNotify), "ok; <notified 200 last>");
    assert_eq!(
        do_step(&mut rig, transfer, ManualStep::Terminate { leg }),
        format!("ok; disarm Guard; hangup {leg}; arm Closing 34s")
    );
    assert_eq!(
        rig.ended(leg, By::Local, EndReason::Bye),
        "disarm Closing; [ended Succeeded Notify 200 - kept=false]"
    );
    rig.assert_nothing_left();
}

#[test]
fn an_explicit_subscription_is_made_at_once_and_what_it_tells_waits_for_the_application() {
    // covers: TR-082
    let explicit = ReferOptions { subscription: ReferSubscription::Explicit, ..ReferOptions::default() };
    let mut rig = Rig::new(manual());
    let leg = rig.call();
    let (transfer, _) = rig.blind_with(leg, Hold::Done, explicit);
    let refer = rig.subscription();
    assert_eq!(rig.accepted(refer, 200), "<answered>");
    let at = uri("sip:17af@192.0.2.9");
    assert_eq!(rig.sub(refer, SubscriptionEvent::EventsAt(at)), "follow sip:17af@192.0.2.9");
    assert_eq!(rig.sub(refer, SubscriptionEvent::Ended(SubscriptionEnd::Suppressed)), "");
    let sub = rig.subscription();
    // The 200 to the SUBSCRIBE is not the answer that the application decides about.
    assert_eq!(rig.accepted(sub, 200), "");
    assert_eq!(rig.notified(sub, Terminated, Some(200)), "");
    assert_eq!(do_step(&mut rig, transfer, ManualStep::ProcessResponse), "ok; <GoOn>; [accepted 200]");
    assert_eq!(do_step(&mut rig, transfer, ManualStep::TakeNotify), "ok; <notified 200 last>");
    assert_eq!(
        do_step(&mut rig, transfer, ManualStep::Terminate { leg }),
        format!("ok; disarm Guard; hangup {leg}; arm Closing 34s")
    );
    rig.ended(leg, By::Local, EndReason::Bye);
    assert_eq!(rig.outcome(), "Succeeded Notify 200 - kept=false");
    rig.assert_nothing_left();
}

#[test]
fn a_step_that_is_not_due_is_refused_and_changes_nothing() {
    let mut rig = Rig::new(manual());
    let (leg, transfer, sub) = referred(&mut rig);
    let end = ManualStep::Terminate { leg };
    let report = ManualStep::Report { status: code(200), last: true };
    let refused = |rig: &mut Rig, step, state: &str, wanted: &str| {
        let before = rig.outputs.len();
        assert_eq!(do_step(rig, transfer, step), wrong(state, wanted));
        assert_eq!(rig.outputs.len(), before + 1, "nothing but the refusal");
    };
    refused(&mut rig, ManualStep::ProcessResponse, "ReferPending", "ReferAnswered");
    refused(&mut rig, ManualStep::TakeNotify, "ReferPending", "Accepted");
    refused(&mut rig, end, "ReferPending", "a success that was reported");
    refused(&mut rig, report, "ReferPending", "a transfer asked of us");
    rig.accepted(sub, 202);
    refused(&mut rig, ManualStep::TakeNotify, "ReferAnswered", "Accepted");
    do_step(&mut rig, transfer, ManualStep::ProcessResponse);
    refused(&mut rig, ManualStep::ProcessResponse, "Accepted", "ReferAnswered");
    assert_eq!(do_step(&mut rig, transfer, ManualStep::TakeNotify), "ok");
    refused(&mut rig, ManualStep::TakeNotify, "Waiting", "no other step under way");
    assert_eq!(rig.notified(sub, Terminated, Some(200)), "<notified 200 last>");
    refused(&mut rig, ManualStep::TakeNotify, "Succeeded", "Accepted");
    let other = rig.call();
    assert_eq!(do_step(&mut rig, transfer, ManualStep::Terminate { leg: other }), "no: OtherCall");
    assert!(do_step(&mut rig, transfer, end).starts_with("ok"));
    rig.ended(leg, By::Local, EndReason::Bye);
    assert_eq!(do_step(&mut rig, transfer, end), "no: UnknownTransfer");
}

#[test]
fn in_an_automatic_transfer_no_step_is_the_applications() {
    let mut rig = Rig::new(TransferPolicy::default());
    let (leg, transfer, _) = referred(&mut rig);
    for step in [
        ManualStep::ProcessResponse,
        ManualStep::TakeNotify,
        ManualStep::Report { status: code(180), last: false },
    ] {
        assert_eq!(do_step(&mut rig, transfer, step), wrong("Automatic", "Manual"));
    }
    let early = do_step(&mut rig, transfer, ManualStep::Terminate { leg });
    assert_eq!(early, wrong("ReferPending", "a success that was reported"));
    let stepped = rig.outputs.iter().any(|output| matches!(output, TransferOutput::Stepped { .. }));
    assert!(!stepped);
}

#[test]
fn one_call_can_be_handled_otherwise_than_the_rest() {
    let mut rig = Rig::new(TransferPolicy::default());
    let (by_hand, rest) = (rig.call(), rig.call());
    assert!(rig.transfers.handling_for(by_hand, TransferHandling::Manual));
    assert_eq!(rig.transfers.handling_of(rest), TransferHandling::Automatic);
    rig.blind(by_hand, Hold::No);
    let sub = rig.subscription();
    assert_eq!(rig.accepted(sub, 202), "<answered>");
    rig.blind(rest, Hold::No);
    let sub = rig.subscription();
    assert_eq!(rig.accepted(sub, 202), "[accepted 202]");
}

#[test]
fn a_refused_refer_takes_the_call_back_when_the_application_lets_the_table_decide() {
    // covers: TR-163
    let mut rig = Rig::new(manual());
    let (leg, transfer, sub) = referred(&mut rig);
    assert_eq!(rig.refused(sub, 603, None), "<answered>");
    assert_eq!(
        do_step(&mut rig, transfer, ManualStep::ProcessResponse),
        "ok; <Recover>; disarm Guard; [recovering]; resume 10s; arm Resume 12s"
    );
    assert_eq!(rig.reoffered(leg, Ok(())), "disarm Resume; [ended Recovered Local 603 Refused kept=true]");
    rig.assert_nothing_left();
}

#[test]
fn a_refer_that_meets_491_is_sent_once_more_and_the_next_response_is_waited_for() {
    let mut rig = Rig::new(manual());
    let (_, transfer, sub) = referred(&mut rig);
    rig.refused(sub, 491, None);
    let decided = do_step(&mut rig, transfer, ManualStep::ProcessResponse);
    assert!(decided.starts_with("ok; <Retry>; arm Retry"), "{decided}");
    assert_eq!(do_step(&mut rig, transfer, ManualStep::ProcessResponse), "ok");
    rig.expire(transfer, TransferTimerName::Retry);
    let sub = rig.subscription();
    assert_eq!(rig.accepted(sub, 202), "<answered>; <GoOn>; [accepted 202]");
}

#[test]
fn a_notify_that_overtakes_the_2xx_waits_behind_it() {
    // covers: TR-011, EC-01
    let mut rig = Rig::new(manual());
    let (leg, transfer, sub) = referred(&mut rig);
    rig.notified(sub, Active, Some(180));
    assert_eq!(rig.accepted(sub, 202), "<answered>");
    assert_eq!(do_step(&mut rig, transfer, ManualStep::ProcessResponse), "ok; <GoOn>; [accepted 202]");
    assert_eq!(do_step(&mut rig, transfer, ManualStep::TakeNotify), "ok; <notified 180>; [progress 180]");

    // It also tells that a REFER without an answer has arrived (D3).
    rig.bye(leg);
    rig.expire(transfer, TransferTimerName::Final);
    let (_, transfer, sub) = referred(&mut rig);
    rig.notified(sub, Active, Some(180));
    rig.sub(sub, SubscriptionEvent::Answered(ReferAnswer::TimedOut));
    assert_eq!(do_step(&mut rig, transfer, ManualStep::ProcessResponse), "ok; <GoOn>; [progress 180]");
}

#[test]
fn a_failed_target_gives_the_call_back_when_its_notify_is_taken() {
    // covers: TR-163, TR-178
    let mut rig = Rig::new(manual());
    let (leg, transfer, sub) = referred(&mut rig);
    rig.accepted(sub, 202);
    do_step(&mut rig, transfer, ManualStep::ProcessResponse);
    do_step(&mut rig, transfer, ManualStep::TakeNotify);
    assert_eq!(
        rig.notified(sub, Terminated, Some(486)),
        "<notified 486 last>; disarm Guard; [recovering]; resume 10s; arm Resume 12s"
    );
    assert_eq!(rig.reoffered(leg, Ok(())), "disarm Resume; [ended Recovered Notify 486 Target kept=true]");
}

#[test]
fn a_subscription_that_ends_by_itself_is_taken_like_a_notify() {
    let mut rig = Rig::new(manual());
    let (_, transfer, sub) = referred(&mut rig);
    rig.accepted(sub, 202);
    do_step(&mut rig, transfer, ManualStep::ProcessResponse);
    rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::NoNotify));
    let taken = do_step(&mut rig, transfer, ManualStep::TakeNotify);
    assert!(taken.starts_with("ok; <notified - last>; disarm Guard; [recovering]"), "{taken}");
}

#[test]
fn an_abandoned_transfer_ends_by_its_guard_with_the_caller_back() {
    let mut rig = Rig::new(manual());
    let (leg, transfer, sub) = referred(&mut rig);
    rig.accepted(sub, 202);
    rig.notified(sub, Active, Some(180));
    assert_eq!(
        rig.expire(transfer, TransferTimerName::Guard),
        "[accepted 202]; [progress 180]; unsubscribe; [recovering]; resume 10s; arm Resume 12s"
    );
    assert_eq!(rig.reoffered(leg, Ok(())), "disarm Resume; [ended TimedOut Guard - Guard kept=true]");
    rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Unsubscribed));
    rig.assert_nothing_left();
}

#[test]
fn the_targets_end_of_the_replaced_call_hurries_nothing() {
    // covers: TR-167
    let mut calls = TwoCalls::both(manual(), &BOB, &CAROL);
    calls.attended_held(Hold::Done, true, AttendedOptions::default());
    let (sub, transfer) = (calls.rig.subscription(), calls.rig.transfer());
    assert_eq!(calls.rig.accepted(sub, 202), "<answered>");
    calls.rig.notified(sub, Terminated, Some(200));
    assert_eq!(calls.rig.bye(calls.d2), "");
    assert_eq!(do_step(&mut calls.rig, transfer, ManualStep::ProcessResponse), "ok; <GoOn>; [accepted 202]");
    assert_eq!(do_step(&mut calls.rig, transfer, ManualStep::TakeNotify), "ok; <notified 200 last>");
    assert_eq!(
        do_step(&mut calls.rig, transfer, ManualStep::Terminate { leg: calls.d1 }),
        "ok; disarm Guard; hangup d1; arm Closing 34s"
    );
}

#[test]
fn a_success_that_nobody_took_still_counts_when_the_guard_fires_or_the_party_hangs_up() {
    for hung_up in [false, true] {
        let mut rig = Rig::new(manual());
        let (leg, transfer, sub) = referred(&mut rig);
        rig.accepted(sub, 202);
        rig.notified(sub, Terminated, Some(200));
        if hung_up {
            assert_eq!(
                rig.bye(leg),
                "[accepted 202]; disarm Guard; [ended Succeeded Notify 200 - kept=false]"
            );
        } else {
            assert_eq!(
                rig.expire(transfer, TransferTimerName::Guard),
                format!("[accepted 202]; hangup {leg}; arm Closing 34s")
            );
            rig.ended(leg, By::Local, EndReason::Bye);
        }
        rig.assert_nothing_left();
    }
}

#[test]
fn giving_up_takes_the_call_back_whatever_waits() {
    // covers: TR-177
    let mut rig = Rig::new(manual());
    let (leg, transfer, sub) = referred(&mut rig);
    rig.accepted(sub, 202);
    assert_eq!(
        rig.cancel(transfer),
        "ok; [accepted 202]; disarm Guard; unsubscribe; [recovering]; resume 10s; arm Resume 12s"
    );
    assert_eq!(
        rig.reoffered(leg, Err(ReofferError::TimedOut)),
        format!("disarm Resume; hangup {leg}; [ended Cancelled Local - Cancelled kept=false]")
    );
}

#[test]
fn notifys_wait_up_to_the_bound_and_beyond_it_the_newest_counts() {
    // covers: TR-013
    for beyond in [0, 1] {
        let mut rig = Rig::new(manual());
        let (_, transfer, sub) = referred(&mut rig);
        rig.accepted(sub, 202);
        do_step(&mut rig, transfer, ManualStep::ProcessResponse);
        let many = REPORTS + beyond;
        for number in 0..many {
            let status = 100 + u16::try_from(number).expect("invariant: few");
            rig.notified(sub, Active, Some(status));
        }
        let mut taken = Vec::new();
        for _ in 0..REPORTS {
            do_step(&mut rig, transfer, ManualStep::TakeNotify);
            taken.extend(rig.outputs.iter().rev().find_map(|output| match output {
                TransferOutput::Stepped { step: StepDone::Notified(progress), .. } => progress.status,
                _ => None,
            }));
        }
        let newest = code(99 + u16::try_from(many).expect("invariant: few"));
        assert_eq!((taken.len(), taken.last().copied()), (REPORTS, Some(newest)));
        assert_eq!(do_step(&mut rig, transfer, ManualStep::TakeNotify), "ok", "there is none left");
        // A final one is not outdone by what comes after it.
        rig.notified(sub, Terminated, Some(486));
    }
}

#[test]
fn an_answer_that_was_not_decided_about_is_no_notify() {
    let mut rig = Rig::new(manual());
    let (leg, transfer, sub) = referred(&mut rig);
    rig.bye(leg);
    rig.accepted(sub, 202);
    assert_eq!(do_step(&mut rig, transfer, ManualStep::TakeNotify), wrong("ReferAnswered", "Accepted"));
}

#[test]
fn an_accepted_refer_goes_on_whatever_the_table_makes_of_it() {
    // The party has hung up: what the target says is waited for.
    let mut rig = Rig::new(manual());
    let (leg, transfer, sub) = referred(&mut rig);
    rig.bye(leg);
    rig.accepted(sub, 202);
    let decided = do_step(&mut rig, transfer, ManualStep::ProcessResponse);
    assert!(decided.starts_with("ok; <GoOn>"), "{decided}");
    // There will be no report.
    let suppress = ReferOptions { subscription: ReferSubscription::Suppress, ..ReferOptions::default() };
    for bye in [ByeOwner::Transferor, ByeOwner::Peer] {
        let mut rig = Rig::new(TransferPolicy { bye, ..manual() });
        let leg = rig.call();
        let (transfer, _) = rig.blind_with(leg, Hold::Done, suppress.clone());
        let sub = rig.subscription();
        assert_eq!(rig.accepted(sub, 202), "<answered>");
        rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Suppressed));
        let decided = do_step(&mut rig, transfer, ManualStep::ProcessResponse);
        assert!(decided.starts_with("ok; <GoOn>"), "{bye:?}: {decided}");
    }
}

/// Those who leave the BYE to somebody else, or to later.
fn patient(handling: TransferHandling) -> [TransferPolicy; 2] {
    let policy = TransferPolicy { handling, ..TransferPolicy::default() };
    [
        TransferPolicy { bye: ByeOwner::Peer, ..policy.clone() },
        TransferPolicy { bye_delay: std::time::Duration::from_secs(3), ..policy },
    ]
}

#[test]
fn the_applications_word_ends_the_call_whoever_the_policy_leaves_it_to() {
    for policy in patient(TransferHandling::Manual) {
        let mut rig = Rig::new(policy);
        let (leg, transfer, sub) = referred(&mut rig);
        rig.accepted(sub, 202);
        do_step(&mut rig, transfer, ManualStep::ProcessResponse);
        rig.notified(sub, Terminated, Some(200));
        do_step(&mut rig, transfer, ManualStep::TakeNotify);
        let ended = do_step(&mut rig, transfer, ManualStep::Terminate { leg });
        assert!(ended.ends_with(&format!("hangup {leg}; arm Closing 34s")), "{ended}");
        rig.ended(leg, By::Local, EndReason::Bye);
        assert_eq!(rig.outcome(), "Succeeded Notify 200 - kept=false");
        rig.assert_nothing_left();
    }
}

#[test]
fn an_automatic_transfer_that_waits_with_the_bye_ends_the_call_when_it_is_told_to() {
    for policy in patient(TransferHandling::Automatic) {
        let mut rig = Rig::new(policy);
        let (leg, transfer, sub) = referred(&mut rig);
        rig.accepted(sub, 202);
        let waits = rig.notified(sub, Terminated, Some(200));
        assert!(waits.contains("arm Bye") && !waits.contains("hangup"), "{waits}");
        let other = rig.call();
        assert_eq!(do_step(&mut rig, transfer, ManualStep::Terminate { leg: other }), "no: OtherCall");
        let end = ManualStep::Terminate { leg };
        assert_eq!(do_step(&mut rig, transfer, end), format!("ok; hangup {leg}; arm Closing 34s"));
        assert_eq!(do_step(&mut rig, transfer, end), "ok", "one BYE");
        assert_eq!(rig.expire(transfer, TransferTimerName::Bye), "");
        rig.ended(leg, By::Local, EndReason::Bye);
        assert_eq!(rig.outcome(), "Succeeded Notify 200 - kept=false");
        rig.ended(other, By::Local, EndReason::Bye);
        rig.assert_nothing_left();
    }
}
