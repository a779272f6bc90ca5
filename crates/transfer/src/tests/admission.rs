//! Which commands and which REFERs are followed at all.

use dialog_core::{By, EndReason, IncomingRefer, LegEvent, LegId, Peer};
use sip_message::{Method, Replaces};

use super::{
    rig::{Rig, code, uri, wrong},
    transferee::{allow, ask},
};
use crate::{
    Decision, Hold, Network, ReferOptions, ReferPolicy, TransferCommand, TransferId, TransferPolicy,
};

fn network(text: &str) -> Network {
    text.parse().expect("invariant: a literal of the test")
}

#[test]
fn nobody_is_transferred_by_default_and_strangers_are_told_less() {
    // covers: SEC-01
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    assert_eq!(rig.asked(Rig::refer(leg, "sip:carol@example.com")).1, "refuse 603");

    let mut rig = Rig::new(TransferPolicy { referrers: vec![network("198.51.100.0/24")], ..allow() });
    let stranger = rig.call();
    assert_eq!(rig.asked(Rig::refer(stranger, "sip:carol@example.com")).1, "refuse 403");
    let trunk = rig.mint();
    rig.up(trunk, "198.51.100.7", false);
    // Whoever knows the ids of a call is not its peer.
    assert_eq!(rig.asked(Rig::refer(trunk, "sip:carol@example.com")).1, "refuse 403");
    let from_trunk = |leg| IncomingRefer {
        source: ([198, 51, 100, 8], 5061).into(),
        ..Rig::refer(leg, "sip:carol@example.com")
    };
    assert_eq!(rig.asked(from_trunk(stranger)).1, "refuse 403");
    assert!(rig.asked(from_trunk(trunk)).1.starts_with("accept"));
    assert_eq!(rig.transfers.denied(), 3);
}

#[test]
fn a_refer_without_an_established_call_is_forbidden() {
    let mut rig = Rig::new(allow());
    let unknown = rig.mint();
    assert_eq!(rig.asked(Rig::refer(unknown, "sip:carol@example.com")).1, "refuse 403");
    let early = rig.mint();
    rig.provisional(early, 180);
    assert_eq!(rig.asked(Rig::refer(early, "sip:carol@example.com")).1, "refuse 403");
    let ending = rig.call();
    rig.leg(ending, LegEvent::Closing);
    assert_eq!(rig.asked(Rig::refer(ending, "sip:carol@example.com")).1, "refuse 603");
    rig.ended(ending, By::Local, EndReason::Bye);
    assert_eq!(rig.asked(Rig::refer(ending, "sip:carol@example.com")).1, "refuse 403");
}

#[test]
fn schemes_and_methods_that_cannot_be_called_are_refused_and_the_call_lives() {
    // covers: TR-027, TR-136, SEC-05
    let mut rig = Rig::new(allow());
    let leg = rig.call();
    for target in
        ["http://example.com/", "mailto:a@example.com", "file:///x", "urn:service:sos", "tel:+4930123"]
    {
        assert_eq!(rig.asked(Rig::refer(leg, target)).1, "refuse 400", "{target}");
    }
    for method in ["BYE", "CANCEL", "SUBSCRIBE", "MESSAGE", "REFER", "", "INVITE "] {
        let mut refer = Rig::refer(leg, "sip:carol@example.com");
        refer.method = Some(method.into());
        assert_eq!(rig.asked(refer).1, "refuse 400", "{method}");
    }
    assert!(rig.asked(Rig::refer(leg, "sip:carol@example.com")).1.starts_with("accept"));
}

#[test]
fn targets_the_policy_does_not_permit_are_forbidden() {
    let mut rig = Rig::new(allow());
    let leg = rig.call();
    for target in ["sip:x@127.0.0.1:22;transport=tcp", "sip:+88299@example.com", "sip:a%26b@example.com"] {
        assert_eq!(rig.asked(Rig::refer(leg, target)).1, "refuse 403", "{target}");
    }
    let mut policy = allow();
    policy.targets.networks.push(network("127.0.0.0/8"));
    rig.transfers.set_policy(policy);
    assert!(rig.asked(Rig::refer(leg, "sip:x@127.0.0.1:5070")).1.starts_with("accept"));
    assert!(rig.transfers.policy().permits("127.0.0.1".parse().expect("invariant: a literal of the test")));
    assert!(!rig.transfers.policy().permits("10.0.0.1".parse().expect("invariant: a literal of the test")));
}

#[test]
fn a_replaces_that_names_the_referring_call_itself_is_forbidden() {
    // covers: EC-74
    let mut rig = Rig::new(allow());
    let leg = rig.call();
    for (to_tag, from_tag) in [("ours", "theirs"), ("theirs", "ours")] {
        let mut refer = Rig::refer(leg, "sip:carol@example.com");
        let value = format!("call-{leg};to-tag={to_tag};from-tag={from_tag}");
        refer.replaces = Some(Replaces::parse(&value).expect("invariant: a literal of the test"));
        refer.headers = vec![("Replaces".into(), value.into())];
        assert_eq!(rig.asked(refer).1, "refuse 403");
    }
    // With its Call-ID or its tags alone it names another call.
    for other in ["another;to-tag=ours;from-tag=theirs", "CALL;to-tag=ours;from-tag=other"] {
        let mut rig = Rig::new(allow());
        let leg = rig.call();
        let value = other.replace("CALL", &format!("call-{leg}"));
        let mut refer = Rig::refer(leg, "sip:carol@example.com");
        refer.replaces = Some(Replaces::parse(&value).expect("invariant: a literal of the test"));
        assert!(rig.asked(refer).1.contains("place sip:carol@example.com"), "{value}");
    }
}

#[test]
fn a_second_refer_while_one_is_pending_is_declined() {
    // covers: TR-250
    let mut rig = Rig::new(allow());
    let leg = rig.call();
    rig.asked(Rig::refer(leg, "sip:carol@example.com"));
    assert_eq!(rig.asked(Rig::refer(leg, "sip:dave@example.com")).1, "refuse 603");
    let placed = rig.outputs.iter().filter(|output| format!("{output:?}").starts_with("Place")).count();
    assert_eq!(placed, 1);
}

#[test]
fn referring_each_other_at_once_is_glare() {
    let mut rig = Rig::new(allow());
    let leg = rig.call();
    rig.blind(leg, Hold::No);
    assert_eq!(rig.asked(Rig::refer(leg, "sip:carol@example.com")).1, "refuse 491");
}

#[test]
fn only_statuses_that_leave_the_dialog_alone_refuse_a_refer() {
    // covers: TR-265
    let harmless =
        [400, 401, 403, 420, 429, 488, 491, 500, 503, 603].map(|status| format!("refuse {status}"));
    let targets = ["sip:carol@example.com", "sip:x@10.0.0.1", "http://x/", "tel:1", "sip:a:b@example.com"];
    for refer in [ReferPolicy::Deny, ReferPolicy::Allow, ReferPolicy::Ask] {
        for transfers in [0, 1] {
            for referrers in [Vec::new(), vec![network("198.51.100.0/24")]] {
                for target in targets {
                    for require in ["replaces", "100rel"] {
                        let policy = TransferPolicy {
                            refer,
                            transfers,
                            referrers: referrers.clone(),
                            ..TransferPolicy::default()
                        };
                        let mut rig = Rig::new(policy);
                        let leg = rig.call();
                        for leg in [leg, LegId::from(4711)] {
                            let mut refer = Rig::refer(leg, target);
                            refer.headers = vec![("Require".into(), require.into())];
                            let answer = rig.asked(refer).1;
                            assert!(answer.starts_with("accept ") || harmless.contains(&answer), "{answer}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_transfer_that_cannot_be_is_refused_and_nothing_is_sent() {
    let mut rig = Rig::new(ask());
    let unknown = rig.mint();
    assert_eq!(rig.blind(unknown, Hold::First).1, "no: UnknownLeg");
    let early = rig.mint();
    rig.provisional(early, 180);
    assert_eq!(rig.blind(early, Hold::First).1, "no: NotEstablished");
    let leg = rig.call();
    let blind = |rig: &mut Rig, transfer: TransferId, target: &str| {
        rig.command(TransferCommand::Blind {
            transfer,
            leg,
            target: uri(target),
            hold: Hold::No,
            referred_by: None,
            options: ReferOptions::default(),
        })
    };
    let transfer = rig.mint();
    assert_eq!(blind(&mut rig, transfer, "http://example.com/"), "no: Scheme");
    assert_eq!(blind(&mut rig, transfer, "sip:carol@example.com?Subject=x"), "no: TargetForm");
    assert_eq!(blind(&mut rig, transfer, "sip:carol@example.com;method=INVITE"), "no: TargetForm");
    assert!(blind(&mut rig, transfer, "sip:carol@example.com").starts_with("ok"));
    let again = blind(&mut rig, transfer, "sip:carol@example.com");
    assert_eq!(again, wrong("ReferPending", "an id that is not in use"));
    assert_eq!(rig.blind(leg, Hold::No).1, wrong("ReferPending", "Idle"));
    assert_eq!(
        rig.command(TransferCommand::Decide { transfer, decision: Decision::Accept }),
        "no: WrongState { state: \"ReferPending\", wanted: \"Unanswered or Deciding\" }"
    );
    let none = rig.mint();
    assert_eq!(rig.cancel(none), "no: UnknownTransfer");
    assert_eq!(
        rig.command(TransferCommand::Decide { transfer: none, decision: Decision::Accept }),
        "no: UnknownTransfer"
    );
    let ending = rig.call();
    rig.leg(ending, LegEvent::Closing);
    assert_eq!(rig.blind(ending, Hold::No).1, "no: NotEstablished");
    assert_eq!(rig.transfers.len(), 1);
}

#[test]
fn a_peer_that_does_not_list_refer_is_not_sent_one() {
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    let allow: Peer =
        Peer { allow: Some([Method::Invite, Method::Bye].into_iter().collect()), ..Peer::default() };
    let mut up = dialog_core::Established {
        dialog: dialog_core::DialogIdentity {
            call_id: "c".into(),
            local_tag: "a".into(),
            remote_tag: "b".into(),
        },
        remote_target: uri("sip:x@example.com"),
        remote: uri("sip:x@example.com").into(),
        peer: allow,
        placed: true,
        source: "203.0.113.9:5060".parse().expect("invariant: a literal of the test"),
    };
    rig.leg(leg, LegEvent::Up(Box::new(up.clone())));
    assert_eq!(rig.blind(leg, Hold::No).1, "no: PeerCannot");
    up.peer = Peer { allow: Some([Method::Refer].into_iter().collect()), ..Peer::default() };
    rig.leg(leg, LegEvent::Up(Box::new(up)));
    assert!(rig.blind(leg, Hold::No).1.starts_with("ok"));
}

#[test]
fn transfers_can_be_seen_from_outside() {
    let mut rig = Rig::new(allow());
    let ours = rig.call();
    rig.wait(3);
    let started = rig.now;
    rig.blind(ours, Hold::No);
    rig.accepted(rig.subscription(), 202);
    let theirs = rig.call();
    rig.asked(Rig::refer(theirs, "sip:dave@example.com"));
    let new = rig.placed();
    rig.provisional(new, 180);
    let infos: Vec<_> = rig.transfers.transfers().collect();
    assert_eq!(infos.len(), 2);
    assert_eq!((infos[0].leg, infos[0].state, infos[0].last_code), (ours, "Accepted", Some(code(202))));
    assert_eq!((infos[1].leg, infos[1].new_leg, infos[1].state), (theirs, Some(new), "Ringing"));
    assert_eq!((infos[1].last_code, infos[0].started), (Some(code(180)), started));
}

#[test]
fn a_refer_outside_of_calls_is_followed_for_the_call_that_it_names_and_refused_to_a_stranger() {
    // covers: TR-064, TR-153, TR-154
    let mut rig = Rig::new(allow());
    let leg = rig.call();
    let outside =
        |leg| IncomingRefer { leg, in_dialog: false, ..Rig::refer(LegId::from(0), "sip:carol@example.com") };
    assert_eq!(rig.asked(outside(None)).1, "refuse 403");
    assert!(rig.asked(outside(Some(leg))).1.starts_with("accept"));
    assert_eq!(
        rig.asked(Rig::refer(leg, "sip:dave@example.com")).1,
        "refuse 603",
        "that call is being moved"
    );
}
