//! A back-to-back agent is told to connect two of its own calls: the ids are mapped to the calls behind them.

use dialog_core::{IncomingRefer, LegId, Peer, SubscriptionEvent};
use sip_message::{Method, Replaces};

use super::{
    rig::Rig,
    transferee::{allow, ask},
};
use crate::{
    AttendedOptions, Decision, Fallback, Hold, ReferOptions, ReplacesAuthorizer, TransferCommand,
    TransferPolicy, TransferTimerName,
};

const ALICE: &str = "203.0.113.1";

fn bridging(policy: TransferPolicy) -> TransferPolicy {
    TransferPolicy { fallback: Fallback::Bridge, ..policy }
}

/// A call of Alice's, and the one that it is bridged with.
fn pair(rig: &mut Rig, alice: &str) -> [LegId; 2] {
    let deaf = Peer { allow: Some([Method::Invite].into_iter().collect()), ..Peer::default() };
    let [a, b] = [alice, "203.0.113.2"].map(|source| {
        let leg = rig.mint();
        rig.up_with(leg, source, false, deaf);
        leg
    });
    let command = TransferCommand::Attended {
        transfer: rig.mint(),
        leg: a,
        consultation: b,
        hold: Hold::No,
        consultation_held: false,
        referred_by: None,
        options: AttendedOptions::default(),
        refer: ReferOptions::default(),
    };
    rig.command(command);
    rig.joined(a, b, true);
    assert_eq!(rig.transfers.bridged_with(a), Some(b));
    [a, b]
}

/// A REFER in one call whose Replaces names another one from its sender's side.
fn refer(leg: LegId, named: LegId) -> IncomingRefer {
    let value = format!("call-{named};to-tag=ours;from-tag=theirs");
    IncomingRefer {
        replaces: Some(Replaces::parse(&value).expect("invariant: a literal of the test")),
        headers: vec![("Replaces".into(), value.into())],
        ..Rig::refer(leg, "sip:us@198.51.100.1")
    }
}

#[test]
fn a_refer_to_another_call_of_ours_joins_the_parties_behind_the_two() {
    // covers: EC-55, EC-74
    let mut policy = bridging(allow());
    // An INVITE would come to ourselves.
    policy.targets.own = vec!["198.51.100.1:5060".parse().expect("invariant: a literal of the test")];
    let mut rig = Rig::new(policy);
    let ([first, bob], [second, carol]) = (pair(&mut rig, ALICE), pair(&mut rig, ALICE));
    let (sub, begun) = rig.asked(refer(first, second));
    let transfer = rig.transfer();
    assert!(begun.contains(&format!("bridge {carol} {bob}; hangup {second}")), "{begun}");
    assert!(begun.contains("report 200 last Noresource"), "{begun}");
    assert!(!begun.contains("place"), "nobody is called: {begun}");
    rig.joined(carol, bob, true);
    assert_eq!(rig.transfers.bridged_with(bob), Some(carol));
    rig.bye(second);
    rig.sub(sub, SubscriptionEvent::Delivered);
    assert_eq!(rig.expire(transfer, TransferTimerName::Watchdog).matches("hangup").count(), 1);
    rig.bye(first);
    assert_eq!(rig.transfers.bridged_with(bob), Some(carol), "they go on talking");
    assert_eq!(rig.ended.len(), 3);
    rig.assert_nothing_left();
}

#[test]
fn a_refer_to_a_call_that_is_not_the_referrers_or_has_nobody_behind_it_is_forbidden() {
    // covers: SEC-10
    let mut rig = Rig::new(bridging(allow()));
    let ([first, bob], [strangers, _]) = (pair(&mut rig, ALICE), pair(&mut rig, "203.0.113.9"));
    let alone = rig.mint();
    rig.up(alone, ALICE, false);
    for named in [strangers, alone, bob, first] {
        assert_eq!(rig.asked(refer(first, named)).1, "refuse 403", "{named}");
    }
    assert_eq!(rig.asked(refer(alone, first)).1, "refuse 403", "our own user has the call");

    let deny = TransferPolicy { replaces: ReplacesAuthorizer::Deny, ..bridging(allow()) };
    let mut rig = Rig::new(deny);
    let ([first, _], [second, _]) = (pair(&mut rig, ALICE), pair(&mut rig, ALICE));
    assert_eq!(rig.asked(refer(first, second)).1, "refuse 403");
}

#[test]
fn calls_that_are_being_moved_are_not_joined() {
    let mut rig = Rig::new(bridging(allow()));
    let ([first, _], [second, carol]) = (pair(&mut rig, ALICE), pair(&mut rig, ALICE));
    assert!(rig.asked(Rig::refer(carol, "sip:dave@example.com")).1.starts_with("accept"));
    assert_eq!(rig.asked(refer(first, second)).1, "refuse 491");
}

#[test]
fn calls_that_have_changed_before_the_decision_are_not_joined() {
    let mut rig = Rig::new(bridging(ask()));
    let ([first, bob], [second, carol]) = (pair(&mut rig, ALICE), pair(&mut rig, ALICE));
    let (sub, _) = rig.asked(refer(first, second));
    let transfer = rig.transfer();
    rig.bye(carol);
    let said = rig.command(TransferCommand::Decide { transfer, decision: Decision::Accept });
    assert!(said.contains("report 481 last") && !said.contains("bridge"), "{said}");
    rig.sub(sub, SubscriptionEvent::Delivered);
    assert_eq!(rig.outcome(), "Recovered Local 481 Target kept=true");
    assert_eq!(rig.transfers.bridged_with(first), Some(bob));
}
