//! Who asks for a transfer: what it may ask for, how often, and how far it is believed.

use dialog_core::{IncomingRefer, SubscriptionEvent};
use sip_message::NameAddrBuf;
use sip_transport::Tick;

use super::{
    rig::{Rig, uri},
    transferee::allow,
};
use crate::{Rate, ReferredPolicy, Rights, TargetPolicy, TransferEventKind, TransferOutput, TransferPolicy};

const CAROL: &str = "sip:carol@example.com";

fn address(text: &str) -> std::net::SocketAddr {
    text.parse().expect("invariant: a literal of the test")
}

fn name(text: &str) -> NameAddrBuf {
    text.parse().expect("invariant: a literal of the test")
}

#[test]
fn a_target_is_called_with_the_rights_of_who_asks_for_it() {
    // covers: SEC-02
    let staff = TargetPolicy {
        networks: vec!["10.0.0.0/8".parse().expect("invariant: a literal of the test")],
        denied_numbers: Vec::new(),
        ..TargetPolicy::default()
    };
    let nobody = TargetPolicy { allowed_numbers: vec!["+49".into()], ..TargetPolicy::default() };
    let who = |text: &str| text.parse().expect("invariant: a literal of the test");
    let rights = vec![
        Rights { who: who("192.0.2.9"), targets: staff },
        Rights { who: who("192.0.2.0/24"), targets: nobody },
    ];
    let mut policy = allow();
    policy.referred = ReferredPolicy { rights, ..ReferredPolicy::default() };
    for (source, target, taken) in [
        ("192.0.2.9:5060", "sip:+88299@example.com", true),
        ("192.0.2.9:5060", "sip:x@10.0.0.1", true),
        ("192.0.2.8:5060", "sip:+4930123@example.com", true),
        ("192.0.2.8:5060", "sip:+1555@example.com", false),
        ("192.0.2.8:5060", "sip:x@10.0.0.1", false),
        ("203.0.113.1:5060", "sip:+1555@example.com", true),
        ("203.0.113.1:5060", "sip:+88299@example.com", false),
    ] {
        let mut rig = Rig::new(policy.clone());
        let leg = rig.call();
        let answer = rig.asked(IncomingRefer { source: address(source), ..Rig::refer(leg, target) }).1;
        assert_eq!(answer.starts_with("accept"), taken, "{source} {target}: {answer}");
        assert_eq!(answer == "refuse 403", !taken, "{source} {target}: {answer}");
        if taken {
            // The same rights count for what a name resolves to.
            let inside = rig.transfers.permits(rig.placed(), address("10.0.0.1:5060"));
            assert_eq!(inside, source.starts_with("192.0.2.9:"), "{source}");
        }
    }
}

#[test]
fn one_identity_asks_so_often_and_no_more() {
    // covers: SEC-02
    let rate = Some(Rate { count: 2, per: std::time::Duration::from_secs(10) });
    let referred = ReferredPolicy { rate, ..ReferredPolicy::default() };
    let mut rig = Rig::new(TransferPolicy { referred, ..allow() });
    let from = |rig: &mut Rig, source: &str, user: Option<&str>| {
        let leg = rig.call();
        let refer = IncomingRefer {
            source: address(source),
            verified_user: user.map(Into::into),
            ..Rig::refer(leg, CAROL)
        };
        rig.asked(refer).1
    };
    assert!(from(&mut rig, "192.0.2.1:5060", None).starts_with("accept"));
    assert!(from(&mut rig, "192.0.2.1:5070", None).starts_with("accept"));
    assert_eq!(from(&mut rig, "192.0.2.1:5080", None), "refuse 503");
    // Others are not hindered; a user is the same one wherever it asks from.
    assert!(from(&mut rig, "192.0.2.2:5060", None).starts_with("accept"));
    assert!(from(&mut rig, "192.0.2.1:5060", Some("bob")).starts_with("accept"));
    assert!(from(&mut rig, "192.0.2.2:5060", Some("bob")).starts_with("accept"));
    assert_eq!(from(&mut rig, "192.0.2.3:5060", Some("bob")), "refuse 503");
    rig.now = Tick::from_micros(10_000_000);
    assert!(from(&mut rig, "192.0.2.1:5060", None).starts_with("accept"));
}

#[test]
fn reports_go_to_nobody_who_did_not_ask() {
    // covers: SEC-08
    let outside = |leg, reports_to: Option<&str>| IncomingRefer {
        in_dialog: false,
        reports_to: reports_to.map(|host| host.parse().expect("invariant: a literal of the test")),
        ..Rig::refer(leg, CAROL)
    };
    let mut rig = Rig::new(allow());
    let leg = rig.call();
    // Its Contact is the address of somebody else, or a name of which nobody knows whose it is.
    for forged in [Some("198.51.100.66"), Some("::1"), None] {
        assert_eq!(rig.asked(outside(leg, forged)).1, "refuse 403", "{forged:?}");
    }
    for honest in ["192.0.2.9", "::ffff:192.0.2.9"] {
        let leg = rig.call();
        assert!(rig.asked(outside(leg, Some(honest))).1.starts_with("accept"), "{honest}");
    }
    // Who has proved who it is may be reached elsewhere.
    for (user, name) in [(Some("bob"), None), (None, Some("example.com"))] {
        let leg = rig.call();
        let refer = IncomingRefer {
            verified_user: user.map(Into::into),
            verified_name: name.map(Into::into),
            ..outside(leg, Some("198.51.100.66"))
        };
        assert!(rig.asked(refer).1.starts_with("accept"));
    }
}

#[test]
fn who_asks_is_told_as_something_that_it_says_of_itself() {
    // covers: TR-033, TR-143
    let event = |verified_name: Option<&str>| {
        let mut rig = Rig::new(allow());
        let leg = rig.call();
        let refer = IncomingRefer {
            referred_by: Some(name("\"Your Bank\" <sip:bob@example.com>")),
            verified_name: verified_name.map(Into::into),
            ..Rig::refer(leg, CAROL)
        };
        rig.asked(refer);
        let told = rig.outputs.into_iter().find_map(|output| match output {
            TransferOutput::Event(event) => match event.kind {
                TransferEventKind::Requested { target, referred_by, verified, .. } => {
                    Some((target, referred_by, verified))
                }
                _ => None,
            },
            _ => None,
        });
        told.expect("invariant: a transfer was asked for")
    };
    for (proof, expected) in [(None, false), (Some("evil.example"), false), (Some("EXAMPLE.com"), true)] {
        let (target, by, verified) = event(proof);
        assert_eq!(verified, expected, "{proof:?}");
        let by = by.expect("invariant: it said who it is");
        assert_eq!((target, by.uri), (uri(CAROL), uri("sip:bob@example.com")));
        assert_eq!(by.display.as_deref(), Some("Your Bank"), "apart from the address");
    }
}

#[test]
fn a_call_to_the_referring_call_itself_is_neither_joined_nor_repeated_for_ever() {
    // covers: EC-74
    let mut policy = TransferPolicy { per_call: 2, ..allow() };
    policy.targets.own = vec![address("198.51.100.1:5060")];
    let mut rig = Rig::new(policy);
    let leg = rig.call();
    // To ourselves.
    assert_eq!(rig.asked(Rig::refer(leg, "sip:us@198.51.100.1")).1, "refuse 403");
    // To the referrer: legal, and ended by the limit when it refers again and again.
    let mut leg = leg;
    for _ in 0..2 {
        let (sub, begun) = rig.asked(Rig::refer(leg, "sip:peer@203.0.113.9"));
        assert!(begun.starts_with("accept"), "{begun}");
        let new = rig.placed();
        rig.up(new, "203.0.113.9", true);
        rig.sub(sub, SubscriptionEvent::Delivered);
        rig.bye(leg);
        leg = new;
    }
    assert_eq!(rig.asked(Rig::refer(leg, "sip:peer@203.0.113.9")).1, "refuse 603");
    assert!(rig.transfers.is_empty());
}
