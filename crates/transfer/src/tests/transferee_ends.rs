//! Transfers asked of us: failure, withdrawal, hanging up, time.

use dialog_core::{By, EndReason, LegEvent, SubscriptionEnd, SubscriptionEvent};
use sip_transport::RouteError;

use super::{
    rig::{Rig, code, uri},
    transferee::{allow, ask},
};
use crate::{Decision, TransferCommand, TransferPolicy, TransferTimerName};

fn inviting() -> (Rig, dialog_core::LegId, dialog_core::LegId, dialog_core::SubscriptionId) {
    let mut rig = Rig::new(allow());
    let old = rig.call();
    let (sub, _) = rig.asked(Rig::refer(old, "sip:carol@example.com"));
    let new = rig.placed();
    (rig, old, new, sub)
}

#[test]
fn a_new_call_that_fails_is_reported_and_the_old_one_kept() {
    // covers: TR-178
    let (mut rig, old, new, sub) = inviting();
    let failed = rig.ended(new, By::Remote, EndReason::Refused(code(486)));
    assert_eq!(failed, "disarm Ring; report 486 last Noresource; arm Delivery 66s");
    // Until that is delivered, a second REFER is one too many.
    assert_eq!(rig.asked(Rig::refer(old, "sip:dave@example.com")).1, "refuse 603");
    assert_eq!(
        rig.sub(sub, SubscriptionEvent::Delivered),
        "disarm Delivery; [ended Recovered Local 486 Target kept=true]"
    );
    rig.assert_nothing_left();
    assert!(rig.asked(Rig::refer(old, "sip:dave@example.com")).1.starts_with("accept"));
}

#[test]
fn each_way_to_fail_has_its_code() {
    for (reason, status) in [
        (EndReason::Refused(code(603)), 603),
        (EndReason::Refused(code(404)), 404),
        (EndReason::NoAnswer, 408),
        (EndReason::NoRoute(RouteError::Unresolved), 404),
        (EndReason::NoRoute(RouteError::Scheme), 404),
        (EndReason::NoRoute(RouteError::Transport), 503),
        (EndReason::NoRoute(RouteError::Family), 503),
        (EndReason::NoRoute(RouteError::Overload), 503),
        (EndReason::Unreachable, 503),
        (EndReason::Overload, 503),
        (EndReason::Cancelled, 487),
        (EndReason::NotAcceptable, 488),
        (EndReason::Gone, 481),
        (EndReason::NoAck, 408),
        (EndReason::Redirected { status: code(302), contacts: Vec::new() }, 302),
    ] {
        let (mut rig, _, new, sub) = inviting();
        let failed = rig.ended(new, By::Remote, reason);
        assert_eq!(failed, format!("disarm Ring; report {status} last Noresource; arm Delivery 66s"));
        rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Terminated));
        rig.assert_nothing_left();
    }
}

#[test]
fn an_answer_that_cannot_be_used_is_a_failure_of_the_target() {
    let (mut rig, _, new, sub) = inviting();
    rig.provisional(new, 180);
    // The 2xx came; the call is ended because of what it says.
    assert_eq!(rig.leg(new, LegEvent::Closing), "");
    let failed = rig.ended(new, By::Local, EndReason::NotAcceptable);
    assert_eq!(failed, "disarm Ring; report 488 last Noresource; arm Delivery 66s");
    rig.sub(sub, SubscriptionEvent::Delivered);
    assert_eq!(rig.outcome(), "Recovered Local 488 Target kept=true");
    rig.assert_nothing_left();
}

#[test]
fn an_address_that_turns_out_to_be_forbidden_is_refused_by_policy() {
    // covers: SEC-04
    let (mut rig, old, new, sub) = inviting();
    assert!(rig.transfers.barred(new));
    let failed = rig.ended(new, By::Local, EndReason::NotAcceptable);
    assert_eq!(failed, "disarm Ring; report 403 last Noresource; arm Delivery 66s");
    rig.sub(sub, SubscriptionEvent::Delivered);
    assert_eq!(rig.outcome(), "Recovered Local 403 Policy kept=true");
    rig.assert_nothing_left();
    // Nobody else's leg is.
    assert!(!rig.transfers.barred(old));
    assert!(!rig.transfers.barred(new));

    // Another Contact is tried, and judged by itself.
    let (mut rig, _, new, sub) = inviting();
    let contacts = vec![uri("sip:carol@one.example"), uri("sip:carol@two.example")];
    rig.ended(new, By::Remote, EndReason::Redirected { status: code(302), contacts });
    let one = rig.placed();
    assert!(rig.transfers.barred(one));
    assert!(rig.ended(one, By::Local, EndReason::NotAcceptable).contains("place sip:carol@two.example"));
    rig.ended(rig.placed(), By::Local, EndReason::NotAcceptable);
    rig.sub(sub, SubscriptionEvent::Delivered);
    assert_eq!(rig.outcome(), "Recovered Local 488 Target kept=true");
}

#[test]
fn a_call_that_rings_too_long_is_reported_as_terminated() {
    // covers: TR-164, EC-27
    let (mut rig, _, new, _) = inviting();
    rig.provisional(new, 180);
    let failed = rig.ended(new, By::Network, EndReason::NoAnswer);
    assert_eq!(failed, "disarm Ring; report 487 last Noresource; arm Delivery 66s");
}

#[test]
fn a_new_call_that_is_not_heard_of_is_cancelled_and_given_up() {
    let (mut rig, _, new, sub) = inviting();
    let transfer = rig.transfer();
    assert_eq!(rig.expire(transfer, TransferTimerName::Ring), format!("hangup {new}; arm Cancel 34s"));
    assert_eq!(
        rig.expire(transfer, TransferTimerName::Cancel),
        "report 487 last Noresource; arm Delivery 66s"
    );
    rig.sub(sub, SubscriptionEvent::Delivered);
    assert_eq!(rig.outcome(), "Recovered Local 487 Target kept=true");
    rig.assert_nothing_left();
}

#[test]
fn redirections_obey_the_policy_and_a_limit() {
    let (mut rig, _, new, sub) = inviting();
    let contacts = vec![uri("sip:x@127.0.0.1"), uri("http://example.com/")];
    let barred = rig.ended(new, By::Remote, EndReason::Redirected { status: code(302), contacts });
    assert_eq!(barred, "disarm Ring; report 302 last Noresource; arm Delivery 66s");
    rig.sub(sub, SubscriptionEvent::Delivered);
    assert_eq!(rig.outcome(), "Recovered Local 302 Policy kept=true");

    let (mut rig, _, _, sub) = inviting();
    for hop in 0..5 {
        let contacts = vec![uri("sip:carol@example.com"), uri(&format!("sip:carol@192.0.2.{hop}"))];
        let sent_on =
            rig.ended(rig.placed(), By::Remote, EndReason::Redirected { status: code(302), contacts });
        assert!(sent_on.contains(&format!("place sip:carol@192.0.2.{hop}")), "{sent_on}");
    }
    let contacts = vec![uri("sip:carol@192.0.2.200")];
    let enough = rig.ended(rig.placed(), By::Remote, EndReason::Redirected { status: code(301), contacts });
    assert_eq!(enough, "disarm Ring; report 301 last Noresource; arm Delivery 66s");
    // Where it was sent is permitted; there were only too many before.
    rig.sub(sub, SubscriptionEvent::Delivered);
    assert_eq!(rig.outcome(), "Recovered Local 301 Target kept=true");
}

#[test]
fn a_redirection_to_nowhere_is_a_failure_of_the_target_and_not_barred() {
    let (mut rig, _, new, sub) = inviting();
    rig.ended(new, By::Remote, EndReason::Redirected { status: code(302), contacts: Vec::new() });
    rig.sub(sub, SubscriptionEvent::Delivered);
    assert_eq!(rig.outcome(), "Recovered Local 302 Target kept=true");
}

#[test]
fn a_global_refusal_speaks_for_the_other_contacts_too() {
    for (status, goes_on) in [(599, true), (600, false), (603, false)] {
        let (mut rig, _, new, _) = inviting();
        let contacts = vec![uri("sip:carol@192.0.2.1"), uri("sip:carol@192.0.2.2")];
        rig.ended(new, By::Remote, EndReason::Redirected { status: code(302), contacts });
        let refused = rig.ended(rig.placed(), By::Remote, EndReason::Refused(code(status)));
        assert_eq!(refused.contains("place sip:carol@192.0.2.2"), goes_on, "{status}: {refused}");
    }
}

#[test]
fn redirections_share_one_ring_limit() {
    let (mut rig, _, new, _) = inviting();
    rig.wait(45);
    let contacts = vec![uri("sip:carol@192.0.2.1"), uri("sip:carol@192.0.2.2")];
    let sent_on = rig.ended(new, By::Remote, EndReason::Redirected { status: code(302), contacts });
    assert_eq!(sent_on, "place sip:carol@192.0.2.1 15s; arm Ring 49s");
    rig.wait(15);
    let over = rig.ended(rig.placed(), By::Network, EndReason::NoAnswer);
    assert_eq!(over, "disarm Ring; report 408 last Noresource; arm Delivery 66s");
}

#[test]
fn a_rejected_transfer_is_reported_as_declined() {
    // covers: TR-026
    let mut rig = Rig::new(ask());
    let old = rig.call();
    let (sub, _) = rig.asked(Rig::refer(old, "sip:carol@example.com"));
    let transfer = rig.transfer();
    assert_eq!(
        rig.command(TransferCommand::Decide { transfer, decision: Decision::Reject }),
        "ok; disarm Decision; report 603 last Rejected; arm Delivery 66s"
    );
    rig.sub(sub, SubscriptionEvent::Delivered);
    assert_eq!(rig.outcome(), "Recovered Local 603 Rejected kept=true");
    rig.assert_nothing_left();

    let (sub, _) = rig.asked(Rig::refer(old, "sip:carol@example.com"));
    let transfer = rig.transfer();
    assert_eq!(
        rig.expire(transfer, TransferTimerName::Decision),
        "report 603 last Rejected; arm Delivery 66s"
    );
    rig.sub(sub, SubscriptionEvent::Delivered);
    assert_eq!(rig.outcome(), "Recovered Guard 603 Rejected kept=true");
    rig.assert_nothing_left();
}

#[test]
fn a_bye_while_the_application_decides_ends_the_transfer() {
    let mut rig = Rig::new(ask());
    let old = rig.call();
    let (sub, _) = rig.asked(Rig::refer(old, "sip:carol@example.com"));
    assert_eq!(rig.bye(old), "disarm Decision; report 487 last Noresource; arm Delivery 66s");
    rig.sub(sub, SubscriptionEvent::Delivered);
    assert_eq!(rig.outcome(), "PeerHungUp Bye 487 CallEnded kept=false");
    rig.assert_nothing_left();
}

#[test]
fn the_application_can_withdraw() {
    let mut rig = Rig::new(ask());
    let old = rig.call();
    let (sub, _) = rig.asked(Rig::refer(old, "sip:carol@example.com"));
    let transfer = rig.transfer();
    assert_eq!(rig.cancel(transfer), "ok; disarm Decision; report 487 last Noresource; arm Delivery 66s");
    assert_eq!(rig.cancel(transfer), "ok", "it is given up already");
    rig.sub(sub, SubscriptionEvent::Delivered);
    assert_eq!(rig.outcome(), "Cancelled Local 487 Cancelled kept=true");

    let (mut rig, _, new, sub) = inviting();
    rig.provisional(new, 180);
    let transfer = rig.transfer();
    assert_eq!(rig.cancel(transfer), format!("ok; disarm Ring; hangup {new}; arm Cancel 34s"));
    assert_eq!(
        rig.ended(new, By::Local, EndReason::Cancelled),
        "disarm Cancel; report 487 last Noresource; arm Delivery 66s"
    );
    rig.sub(sub, SubscriptionEvent::Delivered);
    assert_eq!(rig.outcome(), "Cancelled Local 487 Cancelled kept=true");
    rig.assert_nothing_left();
}

#[test]
fn an_answer_that_crosses_the_cancel_is_no_success() {
    let (mut rig, _, new, sub) = inviting();
    let transfer = rig.transfer();
    rig.cancel(transfer);
    assert_eq!(rig.up(new, "203.0.113.77", true), "");
    assert_eq!(
        rig.ended(new, By::Local, EndReason::Bye),
        "disarm Cancel; report 487 last Noresource; arm Delivery 66s"
    );
    rig.sub(sub, SubscriptionEvent::Delivered);
    assert_eq!(rig.outcome(), "Cancelled Local 487 Cancelled kept=true");
}

#[test]
fn a_user_who_hangs_up_cancels_the_new_call_and_reports_before_the_bye() {
    // covers: TR-256
    let (mut rig, old, new, sub) = inviting();
    rig.provisional(new, 180);
    assert_eq!(
        rig.before_hang_up(old),
        format!("disarm Ring; hangup {new}; report 487 last Noresource; arm Delivery 66s")
    );
    assert_eq!(rig.leg(old, LegEvent::Closing), "");
    assert_eq!(rig.ended(new, By::Local, EndReason::Cancelled), "");
    assert_eq!(
        rig.sub(sub, SubscriptionEvent::Delivered),
        "disarm Delivery; [ended Failed Local 487 CallEnded kept=false]"
    );
    rig.ended(old, By::Local, EndReason::Bye);
    rig.assert_nothing_left();

    // Told by the call itself, the report follows the BYE.
    let (mut rig, old, new, _) = inviting();
    assert_eq!(
        rig.leg(old, LegEvent::Closing),
        format!("disarm Ring; hangup {new}; report 487 last Noresource; arm Delivery 66s")
    );
}

#[test]
fn who_does_not_listen_any_more_is_not_told_of_a_failure_either() {
    let (mut rig, _, new, sub) = inviting();
    rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Unsubscribed));
    assert_eq!(
        rig.ended(new, By::Remote, EndReason::Refused(code(486))),
        "disarm Ring; [ended Recovered Local 486 Target kept=true]"
    );
    rig.assert_nothing_left();
}

#[test]
fn what_waits_for_the_layer_below_waits_longer_on_a_slower_link() {
    let policy =
        TransferPolicy { transaction: std::time::Duration::from_secs(64), ..TransferPolicy::default() };
    let seconds = |wait: std::time::Duration| wait.as_secs();
    assert_eq!(
        [policy.closing_wait(), policy.cancel_wait(), policy.delivery_wait()].map(seconds),
        [66, 66, 130]
    );
    assert_eq!(seconds(policy.ring_wait(policy.ring())), 60 + 66);
    assert_eq!(policy.answer_wait().as_millis(), 400);
    // Nobody waits longer before our BYE than for its answer.
    let patient = TransferPolicy { bye_delay: std::time::Duration::MAX, ..policy };
    assert!(patient.bye_pause() < patient.closing_wait());
}

#[test]
fn the_longest_way_through_both_tables_is_known() {
    let policy = TransferPolicy::default();
    let transferor = 12 + (45 + 34) + 34 + 12 + 120 + 12 + 12 + 34;
    assert_eq!(policy.longest().as_secs(), transferor);
    let quick = TransferPolicy { guard: std::time::Duration::ZERO, ..policy.clone() };
    assert_eq!(quick.longest().as_secs(), 30 + 94 + 34 + 30 + 66 + 5);
    let endless = TransferPolicy { guard: std::time::Duration::MAX, ..policy };
    assert_eq!(endless.longest(), std::time::Duration::MAX);
}
