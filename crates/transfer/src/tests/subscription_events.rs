//! What is told of the subscription to the progress of a transfer, besides the progress.

use dialog_core::{Notification, NotifiedState::*, ReferSubscription, SubscriptionEnd, SubscriptionEvent};
use sip_message::SubReason;

use super::rig::{Rig, code, uri};
use crate::{Hold, ReferOptions, ReferPolicy, TransferEventKind, TransferOutput, TransferPolicy};

fn last_told(rig: &Rig) -> Vec<(SubscriptionEnd, Option<SubReason>)> {
    let ends = rig.outputs.iter().filter_map(|output| match output {
        TransferOutput::Event(event) => match event.kind {
            TransferEventKind::SubscriptionEnded { end, reason } => Some((end, reason)),
            _ => None,
        },
        _ => None,
    });
    ends.collect()
}

/// A transfer of ours whose REFER was accepted.
fn accepted(options: ReferOptions) -> (Rig, dialog_core::SubscriptionId) {
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    rig.blind_with(leg, Hold::First, options);
    rig.reoffered(leg, Ok(()));
    let sub = rig.subscription();
    rig.accepted(sub, 202);
    (rig, sub)
}

#[test]
fn a_peer_that_accepts_and_never_notifies_is_told_of() {
    let (mut rig, sub) = accepted(ReferOptions::default());
    assert_eq!(
        rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::NoNotify)),
        "[notify timeout]; disarm Guard; [recovering]; resume 10s; arm Resume 12s"
    );
    assert_eq!(last_told(&rig), []);
}

#[test]
fn the_end_of_the_subscription_is_told_with_the_reason_of_the_last_notify() {
    let (mut rig, sub) = accepted(ReferOptions::default());
    for (state, status, reason) in [(Active, 180, None), (Terminated, 486, Some(SubReason::Noresource))] {
        let status = Some(code(status));
        let notification = Notification { state, status, reason, sipfrag: bytes::Bytes::new() };
        rig.sub(sub, SubscriptionEvent::Notified(notification));
    }
    assert_eq!(
        rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Terminated)),
        "[subscription Terminated]"
    );
    assert_eq!(last_told(&rig), [(SubscriptionEnd::Terminated, Some(SubReason::Noresource))]);
    for end in [SubscriptionEnd::Expired, SubscriptionEnd::Terminated] {
        let (mut rig, sub) = accepted(ReferOptions::default());
        let said = rig.sub(sub, SubscriptionEvent::Ended(end));
        assert!(said.starts_with(&format!("[subscription {end:?}]; disarm Guard; [recovering]")), "{said}");
        assert_eq!(last_told(&rig), [(end, None)]);
    }
}

#[test]
fn what_never_was_a_subscription_has_no_end() {
    let suppress = ReferOptions { subscription: ReferSubscription::Suppress, ..ReferOptions::default() };
    let (mut rig, sub) = accepted(suppress);
    rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Suppressed));
    assert_eq!(last_told(&rig), []);
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    rig.blind(leg, Hold::No);
    let sub = rig.subscription();
    rig.refused(sub, 603, None);
    assert_eq!(last_told(&rig), []);
}

#[test]
fn an_explicit_subscription_that_is_refused_is_told_of() {
    let explicit = ReferOptions { subscription: ReferSubscription::Explicit, ..ReferOptions::default() };
    let (mut rig, refer) = accepted(explicit);
    rig.sub(refer, SubscriptionEvent::EventsAt(uri("sip:17af@192.0.2.9")));
    let sub = rig.subscription();
    let said = rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Refused));
    assert!(said.starts_with("[subscription Refused]; disarm Guard; [recovering]"), "{said}");
}

#[test]
fn a_transferor_that_does_not_listen_any_more_is_told_of_and_the_new_call_goes_on() {
    for end in [SubscriptionEnd::Unsubscribed, SubscriptionEnd::NotifyFailed, SubscriptionEnd::Refused] {
        let mut rig = Rig::new(TransferPolicy { refer: ReferPolicy::Allow, ..TransferPolicy::default() });
        let leg = rig.call();
        let (sub, _) = rig.asked(Rig::refer(leg, "sip:carol@example.com"));
        let said = rig.sub(sub, SubscriptionEvent::Ended(end));
        let told = end != SubscriptionEnd::Refused;
        assert_eq!(said, if told { format!("[subscription {end:?}]") } else { String::new() });
        assert_eq!(last_told(&rig), if told { vec![(end, None)] } else { Vec::new() });
        assert_eq!(rig.transfers.transfers().count(), 1);
    }
}
