//! Every table at its bound.

use dialog_core::{By, EndReason, SubscriptionEvent};

use super::{
    rig::{Rig, code},
    transferee::{allow, ask},
};
use crate::{Hold, ReferPolicy, TransferPolicy};

const CAROL: &str = "sip:carol@example.com";

#[test]
fn transfers_are_taken_up_to_the_limit() {
    let mut rig = Rig::new(TransferPolicy { transfers: 2, ..allow() });
    let legs = [rig.call(), rig.call(), rig.call()];
    rig.blind(legs[0], Hold::No);
    assert!(rig.asked(Rig::refer(legs[1], CAROL)).1.starts_with("accept"));
    assert_eq!(rig.asked(Rig::refer(legs[2], CAROL)).1, "refuse 503");
    assert_eq!(rig.blind(legs[2], Hold::No).1, "no: Full");
}

#[test]
fn a_refer_that_was_withdrawn_leaves_room() {
    let mut rig = Rig::new(TransferPolicy { transfers: 1, ..allow() });
    let leg = rig.call();
    let (transfer, _) = rig.blind(leg, Hold::No);
    assert_eq!(rig.asked(Rig::refer(leg, CAROL)).1, "refuse 491");
    rig.cancel(transfer);
    assert!(rig.blind(leg, Hold::No).1.starts_with("ok"));
}

#[test]
fn pending_decisions_are_capped_per_peer_and_in_all() {
    // covers: SEC-07
    let mut rig = Rig::new(TransferPolicy { pending: 3, per_peer: 2, ..ask() });
    let from = |rig: &mut Rig, source: &str| {
        let leg = rig.mint();
        rig.up(leg, "203.0.113.200", false);
        let address: std::net::IpAddr = source.parse().expect("invariant: a literal of the test");
        let refer = dialog_core::IncomingRefer { source: (address, 5060).into(), ..Rig::refer(leg, CAROL) };
        rig.asked(refer).1
    };
    assert!(from(&mut rig, "203.0.113.1").starts_with("accept"));
    assert!(from(&mut rig, "203.0.113.1").starts_with("accept"));
    assert_eq!(from(&mut rig, "203.0.113.1"), "refuse 503");
    assert_eq!(from(&mut rig, "::ffff:203.0.113.1"), "refuse 503");
    assert!(from(&mut rig, "203.0.113.2").starts_with("accept"));
    assert_eq!(from(&mut rig, "203.0.113.3"), "refuse 503");
    assert_eq!(rig.transfers.len(), 3);
}

#[test]
fn a_call_is_transferred_so_many_times_and_no_more() {
    // covers: TR-205
    let mut rig = Rig::new(TransferPolicy { per_call: 3, ..allow() });
    // The chain goes from one new call to the next.
    let mut leg = rig.call();
    for _ in 0..3 {
        let (sub, begun) = rig.asked(Rig::refer(leg, CAROL));
        assert!(begun.starts_with("accept"), "{begun}");
        let new = rig.placed();
        rig.up(new, "203.0.113.77", true);
        rig.sub(sub, SubscriptionEvent::Delivered);
        rig.bye(leg);
        leg = new;
    }
    assert_eq!(rig.asked(Rig::refer(leg, CAROL)).1, "refuse 603");

    // So do failures in one call.
    let leg = rig.call();
    for _ in 0..3 {
        let (sub, _) = rig.asked(Rig::refer(leg, CAROL));
        rig.ended(rig.placed(), By::Remote, EndReason::Refused(code(486)));
        rig.sub(sub, SubscriptionEvent::Delivered);
    }
    assert_eq!(rig.asked(Rig::refer(leg, CAROL)).1, "refuse 603");
}

#[test]
fn legs_are_watched_up_to_the_limit() {
    let mut rig = Rig::new(TransferPolicy { legs: 2, ..allow() });
    let (first, second, third) = (rig.call(), rig.call(), rig.call());
    assert_eq!(rig.transfers.watched(), 2);
    assert_eq!(rig.blind(third, Hold::No).1, "no: UnknownLeg");
    assert!(!rig.transfers.policy_for(third, ReferPolicy::Deny));
    assert!(rig.transfers.policy_for(second, ReferPolicy::Allow));
    // The new call would be a third one.
    assert_eq!(rig.asked(Rig::refer(second, CAROL)).1, "refuse 503");
    rig.bye(first);
    assert!(rig.asked(Rig::refer(second, CAROL)).1.starts_with("accept"));
}

#[test]
fn only_so_many_contacts_of_a_redirection_are_kept() {
    let mut rig = Rig::new(TransferPolicy { redirects: u8::MAX, ..allow() });
    let leg = rig.call();
    rig.asked(Rig::refer(leg, CAROL));
    let contacts = (1..=20).map(|host| super::rig::uri(&format!("sip:carol@192.0.2.{host}"))).collect();
    rig.ended(rig.placed(), By::Remote, EndReason::Redirected { status: code(302), contacts });
    let mut tried = 1;
    while rig.ended(rig.placed(), By::Remote, EndReason::Refused(code(480))).contains("place ") {
        tried += 1;
    }
    assert_eq!(tried, 8);
}

#[test]
fn a_call_rings_three_minutes_at_most() {
    for (limit, granted) in [(180, 180), (181, 180), (u64::MAX, 180)] {
        let mut rig =
            Rig::new(TransferPolicy { ring_limit: std::time::Duration::from_secs(limit), ..allow() });
        let leg = rig.call();
        let begun = rig.asked(Rig::refer(leg, CAROL)).1;
        assert!(begun.contains(&format!("place {CAROL} {granted}s; arm Ring {}s", granted + 34)), "{begun}");
    }
}
