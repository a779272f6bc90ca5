//! Transfers asked of us: the way to success.

use dialog_core::{By, EndReason, LegEvent, SubscriptionEnd, SubscriptionEvent};
use sip_message::Replaces;

use super::rig::{Rig, code, uri};
use crate::{Decision, ReferPolicy, TransferCommand, TransferPolicy, TransferTimerName};

pub(super) fn allow() -> TransferPolicy {
    TransferPolicy { refer: ReferPolicy::Allow, ..TransferPolicy::default() }
}

pub(super) fn ask() -> TransferPolicy {
    TransferPolicy { refer: ReferPolicy::Ask, ..TransferPolicy::default() }
}

#[test]
fn a_permitted_refer_is_followed_at_once_and_reported() {
    // covers: TR-007, TR-255
    let mut rig = Rig::new(allow());
    let old = rig.call();
    let (sub, begun) = rig.asked(Rig::refer(old, "sip:carol@example.com"));
    assert_eq!(
        begun,
        "accept pending=false 60s; [requested sip:carol@example.com decide=false]; place sip:carol@example.com 60s; arm Ring 94s"
    );
    let new = rig.placed();
    assert!(rig.transfers.is_internal(new));
    assert!(!rig.transfers.is_internal(old));
    let transfer = rig.transfer();
    assert_eq!(rig.provisional(new, 180), "[progress 180]; report 180");
    assert_eq!(rig.provisional(new, 180), "");
    assert_eq!(rig.provisional(new, 183), "[progress 183]; report 183");
    assert_eq!(
        rig.up(new, "203.0.113.77", true),
        format!(
            "disarm Ring; media {old} to {new}; [connected {new}]; report 200 last Noresource; arm Delivery 66s"
        )
    );
    assert_eq!(rig.sub(sub, SubscriptionEvent::Delivered), "disarm Delivery; arm Watchdog 5s");
    assert_eq!(
        rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Terminated)),
        "[subscription Terminated]"
    );
    assert_eq!(rig.bye(old), "disarm Watchdog; [ended Succeeded Local 200 - kept=false]");
    assert_eq!(rig.ended, [(transfer, rig.ended[0].1)]);
    rig.assert_nothing_left();
    assert!(rig.transfers.is_internal(new));
    rig.bye(new);
    assert!(!rig.transfers.is_internal(new));
    assert_eq!(rig.transfers.watched(), 0);
}

#[test]
fn early_dialogs_that_end_are_not_reported() {
    // covers: TR-260
    let mut rig = Rig::new(allow());
    let old = rig.call();
    rig.asked(Rig::refer(old, "sip:carol@example.com"));
    assert_eq!(rig.provisional(rig.placed(), 199), "");
}

#[test]
fn nothing_is_placed_before_the_application_has_approved() {
    // covers: TR-025
    let mut rig = Rig::new(ask());
    let old = rig.call();
    let (_, begun) = rig.asked(Rig::refer(old, "sip:carol@example.com"));
    assert_eq!(
        begun,
        "accept pending=true 90s; [requested sip:carol@example.com decide=true]; arm Decision 30s"
    );
    let transfer = rig.transfer();
    assert_eq!(
        rig.command(TransferCommand::Decide { transfer, decision: Decision::Accept }),
        "ok; disarm Decision; approve; place sip:carol@example.com 60s; arm Ring 94s"
    );
    assert_eq!(
        rig.command(TransferCommand::Decide { transfer, decision: Decision::Reject }),
        "no: WrongState { state: \"Inviting\", wanted: \"Unanswered or Deciding\" }"
    );
}

#[test]
fn one_call_can_differ_from_the_policy() {
    let mut rig = Rig::new(TransferPolicy::default());
    let old = rig.call();
    assert!(rig.transfers.policy_for(old, ReferPolicy::Allow));
    assert!(rig.asked(Rig::refer(old, "sip:carol@example.com")).1.starts_with("accept"));
    let other = rig.call();
    assert_eq!(rig.asked(Rig::refer(other, "sip:carol@example.com")).1, "refuse 603");
    rig.transfers.set_policy(allow());
    assert!(rig.asked(Rig::refer(other, "sip:carol@example.com")).1.starts_with("accept"));
}

#[test]
fn the_referrers_headers_reach_the_new_call_in_every_attempt() {
    // covers: TR-137, TR-139, TR-200
    let mut rig = Rig::new(allow());
    let old = rig.call();
    let mut refer = Rig::refer(old, "sip:carol@example.com;transport=tcp");
    let replaces = "abc@host;to-tag=1;from-tag=2";
    refer.replaces = Some(Replaces::parse(replaces).expect("invariant: a literal of the test"));
    refer.headers =
        vec![("Replaces".into(), replaces.into()), ("From".into(), "sip:mallory@example.com".into())];
    refer.method = Some("invite".into());
    refer.referred_by_text = Some("<sip:bob@example.com>".into());
    let headers = format!("Referred-By: <sip:bob@example.com> Replaces: {replaces}");
    let (_, begun) = rig.asked(refer);
    assert!(begun.contains(&format!("place sip:carol@example.com;transport=tcp 60s {headers};")), "{begun}");
    let first = rig.placed();
    let contacts = vec![uri("sip:carol@192.0.2.9?Subject=x"), uri("sip:carol@192.0.2.10")];
    let redirected = rig.ended(first, By::Remote, EndReason::Redirected { status: code(302), contacts });
    assert_eq!(
        redirected,
        format!("disarm Ring; place sip:carol@192.0.2.9 60s {headers}; arm Ring 94s")
            .trim_start_matches("disarm Ring; ")
    );
    let second = rig.placed();
    assert_ne!(first, second);
    // The first Contact does not want the call, the second one is tried.
    let refused = rig.ended(second, By::Remote, EndReason::Refused(code(480)));
    assert!(refused.contains(&format!("place sip:carol@192.0.2.10 60s {headers};")), "{refused}");
    // The last code is the one that is reported.
    let failed = rig.ended(rig.placed(), By::Remote, EndReason::Refused(code(486)));
    assert_eq!(failed, "disarm Ring; report 486 last Noresource; arm Delivery 66s");
}

#[test]
fn a_bye_of_the_transferor_does_not_stop_the_new_call() {
    // covers: TR-253, EC-12
    let mut rig = Rig::new(allow());
    let old = rig.call();
    let (sub, _) = rig.asked(Rig::refer(old, "sip:carol@example.com"));
    let new = rig.placed();
    assert_eq!(rig.bye(old), "");
    assert_eq!(rig.provisional(new, 180), "[progress 180]; report 180");
    assert_eq!(
        rig.up(new, "203.0.113.77", true),
        format!(
            "disarm Ring; media {old} to {new}; [connected {new}]; report 200 last Noresource; arm Delivery 66s"
        )
    );
    assert_eq!(
        rig.sub(sub, SubscriptionEvent::Delivered),
        "disarm Delivery; [ended Succeeded Local 200 - kept=false]"
    );
    rig.assert_nothing_left();
}

#[test]
fn a_target_that_hangs_up_at_once_does_not_turn_success_into_failure() {
    // covers: TR-254, EC-05
    let mut rig = Rig::new(allow());
    let old = rig.call();
    let (sub, _) = rig.asked(Rig::refer(old, "sip:carol@example.com"));
    let new = rig.placed();
    rig.up(new, "203.0.113.77", true);
    assert_eq!(rig.ended(new, By::Remote, EndReason::Gone), "");
    let last_code = rig.transfers.transfers().next().and_then(|info| info.last_code);
    assert_eq!(last_code, Some(code(200)), "its end is none of the transfer's");
    assert_eq!(rig.sub(sub, SubscriptionEvent::Delivered), "disarm Delivery; arm Watchdog 5s");
    rig.bye(old);
    assert_eq!(rig.outcome(), "Succeeded Local 200 - kept=false");
    let finals = rig.outputs.iter().filter(|output| format!("{output:?}").contains("last: Some")).count();
    assert_eq!(finals, 1);
    rig.assert_nothing_left();
}

#[test]
fn a_transferor_that_does_not_hang_up_is_hung_up() {
    // covers: EC-28
    let mut rig = Rig::new(allow());
    let old = rig.call();
    let (sub, _) = rig.asked(Rig::refer(old, "sip:carol@example.com"));
    rig.up(rig.placed(), "203.0.113.77", true);
    rig.sub(sub, SubscriptionEvent::Delivered);
    let transfer = rig.transfer();
    assert_eq!(
        rig.expire(transfer, TransferTimerName::Watchdog),
        format!("hangup {old}; [ended Succeeded Local 200 - kept=false]")
    );
    rig.assert_nothing_left();
}

#[test]
fn a_report_that_is_not_delivered_does_not_keep_the_old_call() {
    for end in [Some(SubscriptionEnd::NotifyFailed), Some(SubscriptionEnd::Expired), None] {
        let mut rig = Rig::new(allow());
        let old = rig.call();
        let (sub, _) = rig.asked(Rig::refer(old, "sip:carol@example.com"));
        rig.up(rig.placed(), "203.0.113.77", true);
        let transfer = rig.transfer();
        match end {
            Some(end) => {
                let ended = rig.sub(sub, SubscriptionEvent::Ended(end));
                assert_eq!(ended, format!("[subscription {end:?}]; disarm Delivery; arm Watchdog 5s"));
            }
            None => assert_eq!(rig.expire(transfer, TransferTimerName::Delivery), "arm Watchdog 5s"),
        }
        rig.expire(transfer, TransferTimerName::Watchdog);
        rig.assert_nothing_left();
    }
}

#[test]
fn who_does_not_listen_any_more_is_not_reported_to_and_still_transferred() {
    // covers: TR-022
    let mut rig = Rig::new(allow());
    let old = rig.call();
    let (sub, _) = rig.asked(Rig::refer(old, "sip:carol@example.com"));
    let new = rig.placed();
    assert_eq!(
        rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Unsubscribed)),
        "[subscription Unsubscribed]"
    );
    assert_eq!(rig.provisional(new, 180), "[progress 180]");
    assert_eq!(
        rig.up(new, "203.0.113.77", true),
        format!("disarm Ring; media {old} to {new}; [connected {new}]; arm Watchdog 5s")
    );
    rig.bye(old);
    rig.assert_nothing_left();
}

#[test]
fn the_transferors_hold_and_resume_are_not_touched() {
    let mut rig = Rig::new(allow());
    let old = rig.call();
    rig.asked(Rig::refer(old, "sip:carol@example.com"));
    assert_eq!(rig.leg(old, LegEvent::Changed), "");
    assert_eq!(rig.reoffered(old, Ok(())), "");
    assert_eq!(rig.transfers.ignored(), 0);
}
