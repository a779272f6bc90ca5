//! Transfers asked of us that the application answers and reports.

use dialog_core::{By, EndReason, LegId, SubscriptionEnd, SubscriptionEvent, SubscriptionId};

use super::{
    manual::do_step,
    rig::{Rig, code},
    transferee::{allow, ask},
};
use crate::{
    Decision, ManualStep, ReportDetail, TransferCommand, TransferHandling, TransferId, TransferPolicy,
    TransferTimerName,
};

const CAROL: &str = "sip:carol@example.com";
const PLACED: &str =
    "disarm Decision; accept pending=false 60s; place sip:carol@example.com 60s; arm Ring 94s";

fn manual() -> TransferPolicy {
    TransferPolicy { handling: TransferHandling::Manual, ..allow() }
}

fn pending(rig: &mut Rig) -> (LegId, SubscriptionId, TransferId) {
    let old = rig.call();
    let (sub, begun) = rig.asked(Rig::refer(old, CAROL));
    assert_eq!(begun, "[requested sip:carol@example.com decide=true]; arm Decision 200ms");
    (old, sub, rig.transfer())
}

fn decide(rig: &mut Rig, transfer: TransferId, decision: Decision) -> String {
    rig.command(TransferCommand::Decide { transfer, decision })
}

const fn report(status: u16, last: bool) -> (u16, bool) {
    (status, last)
}

fn tell(rig: &mut Rig, transfer: TransferId, (status, last): (u16, bool)) -> String {
    do_step(rig, transfer, ManualStep::Report { status: code(status), last })
}

fn wrong(state: &str, wanted: &str) -> String {
    format!("no: WrongState {{ state: {state:?}, wanted: {wanted:?} }}")
}

#[test]
fn the_application_answers_the_refer_and_makes_every_report() {
    // covers: TR-013, TR-018, TR-255
    let mut rig = Rig::new(manual());
    let (old, sub, transfer) = pending(&mut rig);
    assert_eq!(decide(&mut rig, transfer, Decision::Accept), format!("ok; {PLACED}"));
    assert_eq!(rig.sub(sub, SubscriptionEvent::Reported), "<reported>");
    let new = rig.placed();
    assert_eq!(rig.provisional(new, 180), "[progress 180]");
    assert_eq!(tell(&mut rig, transfer, report(180, false)), "ok; report 180");
    assert_eq!(rig.sub(sub, SubscriptionEvent::Reported), "<reported>");
    assert_eq!(
        rig.up(new, "203.0.113.77", true),
        format!("disarm Ring; media {old} to {new}; [connected {new}]; arm Delivery 30s")
    );
    assert_eq!(
        tell(&mut rig, transfer, report(200, true)),
        "ok; report 200 last Noresource; arm Delivery 66s"
    );
    assert_eq!(rig.sub(sub, SubscriptionEvent::Delivered), "<reported>; disarm Delivery; arm Watchdog 5s");
    rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Terminated));
    assert_eq!(rig.bye(old), "disarm Watchdog; [ended Succeeded Local 200 - kept=false]");
    rig.assert_nothing_left();
}

#[test]
fn a_refer_is_refused_with_the_status_that_the_application_gives() {
    // covers: TR-265
    let mut rig = Rig::new(manual());
    let (_, _, transfer) = pending(&mut rig);
    for status in [404, 480, 486, 501, 200, 180] {
        assert_eq!(decide(&mut rig, transfer, Decision::RejectWith(code(status))), "no: Status");
    }
    assert_eq!(
        decide(&mut rig, transfer, Decision::RejectWith(code(403))),
        "ok; disarm Decision; refuse 403; [ended Recovered Local 403 Rejected kept=true]"
    );
    rig.assert_nothing_left();
    let (_, _, transfer) = pending(&mut rig);
    assert_eq!(
        decide(&mut rig, transfer, Decision::Reject),
        "ok; disarm Decision; refuse 603; [ended Recovered Local 603 Rejected kept=true]"
    );
}

#[test]
fn a_refer_that_is_left_alone_is_accepted_in_time_and_then_rejected_by_notify() {
    // covers: TR-007, TR-026
    let mut rig = Rig::new(manual());
    let (_, sub, transfer) = pending(&mut rig);
    assert_eq!(
        rig.expire(transfer, TransferTimerName::Decision),
        "accept pending=true 90s; arm Decision 30s"
    );
    assert_eq!(
        rig.expire(transfer, TransferTimerName::Decision),
        "report 603 last Rejected; arm Delivery 66s"
    );
    assert_eq!(
        rig.sub(sub, SubscriptionEvent::Delivered),
        "<reported>; disarm Delivery; [ended Recovered Guard 603 Rejected kept=true]"
    );
    rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Terminated));
    rig.assert_nothing_left();
}

#[test]
fn a_decision_after_that_time_goes_by_notify() {
    let mut rig = Rig::new(manual());
    let (_, _, transfer) = pending(&mut rig);
    rig.expire(transfer, TransferTimerName::Decision);
    assert_eq!(tell(&mut rig, transfer, report(180, false)), wrong("Deciding", "Inviting or Ringing"));
    assert_eq!(
        decide(&mut rig, transfer, Decision::RejectWith(code(503))),
        "ok; disarm Decision; report 503 last Rejected; arm Delivery 66s"
    );
    let (_, _, transfer) = pending(&mut rig);
    rig.expire(transfer, TransferTimerName::Decision);
    assert_eq!(
        decide(&mut rig, transfer, Decision::Accept),
        "ok; disarm Decision; approve; place sip:carol@example.com 60s; arm Ring 94s"
    );
}

#[test]
fn who_handles_it_himself_calls_whom_he_likes_and_reports() {
    // covers: TR-018
    for policy in [manual(), ask()] {
        let by_hand = policy.handling == TransferHandling::Manual;
        let mut rig = Rig::new(policy);
        let old = rig.call();
        let sub = rig.asked(Rig::refer(old, CAROL)).0;
        let transfer = rig.transfer();
        let accepted = if by_hand { "accept pending=false 60s" } else { "approve" };
        assert_eq!(
            decide(&mut rig, transfer, Decision::HandleMyself),
            format!("ok; disarm Decision; {accepted}; arm Ring 94s")
        );
        assert_eq!(tell(&mut rig, transfer, report(183, false)), "ok; report 183");
        assert_eq!(tell(&mut rig, transfer, report(183, true)), "no: Status");
        assert_eq!(tell(&mut rig, transfer, report(200, false)), "no: Status");
        assert_eq!(
            tell(&mut rig, transfer, report(200, true)),
            "ok; disarm Ring; report 200 last Noresource; arm Delivery 66s"
        );
        assert_eq!(
            tell(&mut rig, transfer, report(200, true)),
            wrong("Reported", "Connected or Failed"),
            "there is one last report"
        );
        rig.sub(sub, SubscriptionEvent::Delivered);
        assert_eq!(rig.bye(old), "disarm Watchdog; [ended Succeeded Local 200 - kept=false]");
        rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Terminated));
        rig.assert_nothing_left();
    }
}

#[test]
fn what_is_handled_by_the_application_ends_in_time() {
    // covers: TR-164
    let mut rig = Rig::new(manual());
    let (_, sub, transfer) = pending(&mut rig);
    decide(&mut rig, transfer, Decision::HandleMyself);
    assert_eq!(rig.expire(transfer, TransferTimerName::Ring), "report 487 last Noresource; arm Delivery 66s");
    assert_eq!(
        rig.sub(sub, SubscriptionEvent::Delivered),
        "<reported>; disarm Delivery; [ended Recovered Local 487 Target kept=true]"
    );
}

#[test]
fn a_last_report_that_is_left_is_made_when_its_time_is_over() {
    let mut rig = Rig::new(manual());
    let (_, sub, transfer) = pending(&mut rig);
    decide(&mut rig, transfer, Decision::Accept);
    let new = rig.placed();
    assert_eq!(rig.ended(new, By::Remote, EndReason::Refused(code(486))), "disarm Ring; arm Delivery 30s");
    assert_eq!(
        rig.expire(transfer, TransferTimerName::Delivery),
        "report 486 last Noresource; arm Delivery 66s"
    );
    assert_eq!(
        rig.sub(sub, SubscriptionEvent::Delivered),
        "<reported>; disarm Delivery; [ended Recovered Local 486 Target kept=true]"
    );
}

#[test]
fn a_last_report_that_is_left_is_made_before_the_old_call_ends() {
    // covers: TR-252, TR-256
    let mut rig = Rig::new(manual());
    let (old, _, transfer) = pending(&mut rig);
    decide(&mut rig, transfer, Decision::Accept);
    rig.up(rig.placed(), "203.0.113.77", true);
    assert_eq!(rig.before_hang_up(old), "report 200 last Noresource; arm Delivery 66s");
}

#[test]
fn a_success_is_not_reported_as_a_failure_nor_the_reverse() {
    // covers: TR-254
    let mut rig = Rig::new(manual());
    let (_, _, transfer) = pending(&mut rig);
    decide(&mut rig, transfer, Decision::Accept);
    rig.up(rig.placed(), "203.0.113.77", true);
    assert_eq!(tell(&mut rig, transfer, report(486, true)), "no: Status");
    let (_, _, transfer) = pending(&mut rig);
    decide(&mut rig, transfer, Decision::Accept);
    rig.ended(rig.placed(), By::Remote, EndReason::Refused(code(486)));
    assert_eq!(tell(&mut rig, transfer, report(200, true)), "no: Status");
    // TR-015: it need not say why.
    assert!(tell(&mut rig, transfer, report(503, true)).starts_with("ok; report 503 last Noresource"));
}

#[test]
fn a_step_that_is_not_due_is_refused_and_changes_nothing() {
    let mut rig = Rig::new(manual());
    let (_, sub, transfer) = pending(&mut rig);
    assert_eq!(tell(&mut rig, transfer, report(180, false)), wrong("Unanswered", "Inviting or Ringing"));
    assert_eq!(tell(&mut rig, transfer, report(200, true)), wrong("Unanswered", "Connected or Failed"));
    for step in [ManualStep::ProcessResponse, ManualStep::TakeNotify] {
        assert_eq!(do_step(&mut rig, transfer, step), wrong("Unanswered", "a transfer of ours"));
    }
    decide(&mut rig, transfer, Decision::Accept);
    assert_eq!(
        decide(&mut rig, transfer, Decision::HandleMyself),
        wrong("Inviting", "Unanswered or Deciding")
    );
    assert_eq!(tell(&mut rig, transfer, report(486, true)), wrong("Inviting", "Connected or Failed"));
    rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Unsubscribed));
    assert_eq!(tell(&mut rig, transfer, report(180, false)), wrong("Unsubscribed", "Subscribed"));

    let mut rig = Rig::new(allow());
    let old = rig.call();
    rig.asked(Rig::refer(old, CAROL));
    let transfer = rig.transfer();
    assert_eq!(tell(&mut rig, transfer, report(180, false)), wrong("Automatic", "Manual"));
}

#[test]
fn a_refer_that_was_declined_below_is_not_followed_any_more() {
    let mut rig = Rig::new(manual());
    let (old, sub, transfer) = pending(&mut rig);
    assert_eq!(rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Refused)), "<reported>");
    assert_eq!(decide(&mut rig, transfer, Decision::Accept), wrong("Unanswered", "Unanswered or Deciding"));
    assert_eq!(rig.bye(old), "disarm Decision; [ended PeerHungUp Bye 487 CallEnded kept=false]");
    rig.assert_nothing_left();
}

#[test]
fn what_the_application_says_in_the_end_counts_even_if_nobody_listens() {
    let mut rig = Rig::new(manual());
    let (old, sub, transfer) = pending(&mut rig);
    decide(&mut rig, transfer, Decision::HandleMyself);
    rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Unsubscribed));
    assert_eq!(tell(&mut rig, transfer, report(180, false)), wrong("Unsubscribed", "Subscribed"));
    assert_eq!(
        tell(&mut rig, transfer, report(200, true)),
        "ok; <reported>; disarm Ring; arm Watchdog 5s",
        "the transferor is to hang up, as after a report that it has heard"
    );
    rig.bye(old);
    assert_eq!(rig.outcome(), "Succeeded Local 200 - kept=false");
    rig.assert_nothing_left();
}

#[test]
fn a_report_that_the_policy_leaves_out_is_done_at_once() {
    let mut policy = manual();
    policy.referred.report = ReportDetail::Minimal;
    let mut rig = Rig::new(policy);
    let (_, sub, transfer) = pending(&mut rig);
    decide(&mut rig, transfer, Decision::HandleMyself);
    rig.sub(sub, SubscriptionEvent::Reported);
    assert_eq!(tell(&mut rig, transfer, report(180, false)), "ok; <reported>");
}

#[test]
fn who_handles_it_himself_calls_back_himself() {
    let mut policy = manual();
    policy.referred.recall_on_failure = true;
    let mut rig = Rig::new(policy);
    let (old, sub, transfer) = pending(&mut rig);
    decide(&mut rig, transfer, Decision::HandleMyself);
    rig.bye(old);
    tell(&mut rig, transfer, report(486, true));
    let last = rig.sub(sub, SubscriptionEvent::Delivered);
    assert!(!last.contains("place"), "{last}");
    rig.assert_nothing_left();
}
