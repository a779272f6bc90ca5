//! Transfers with an explicit subscription to their progress (RFC 7614): both roles are ours.

use std::time::Duration;

use session_core::{
    EventKind, LearnedFrom, OutcomeKind, ReferOptions, ReferSubscription, StatusCode, SubReason,
    SubscriptionEnd, engine::Command,
};

use crate::net::{Net, OK};

fn explicit() -> ReferOptions {
    ReferOptions { subscription: ReferSubscription::Explicit, ..ReferOptions::default() }
}

/// The transfer of Alice's call with Bob to Carol, until it has ended.
fn moved(net: &mut Net) -> session_core::SessionId {
    let call = net.call(0, 1);
    let target = format!("sip:carol@{}", net.parties[2].address).parse().expect("test URI");
    net.ask(0, Command::BlindWith { session: call, target, options: Box::new(explicit()) });
    net.run(Duration::from_secs(5));
    call
}

fn header<'m>(message: &'m str, name: &str) -> Option<&'m str> {
    let mut lines = message.lines().take_while(|line| !line.is_empty());
    lines.find_map(|line| line.split_once(": ").filter(|(is, _)| *is == name).map(|(_, value)| value))
}

/// The messages that a party has sent which begin so.
fn wire(net: &mut Net, party: usize, start: &str) -> Vec<String> {
    let wire = &net.parties[party].engine.tap().wire;
    wire.iter().filter(|message| message.starts_with(start)).cloned().collect()
}

fn end_bobs_call(net: &mut Net) {
    let events = &net.parties[1].engine.tap().events;
    let new = events.iter().find_map(|event| match event.kind {
        EventKind::TransferConnected { to } => Some(to),
        _ => None,
    });
    net.ask(1, Command::HangUp { session: new.expect("the new call") });
}

#[test]
fn the_transferor_subscribes_where_the_200_says_and_hears_the_outcome_there() {
    // covers: TR-081, TR-082
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", OK)]);
    moved(&mut net);
    assert_eq!(net.outcomes(0), [(OutcomeKind::Succeeded, Some(200), false)], "{:#?}", net.sent(0));
    let refers = wire(&mut net, 0, "REFER");
    let [refer] = &refers[..] else { panic!("one REFER: {refers:#?}") };
    assert_eq!(header(refer, "Require"), Some("explicitsub"));
    let accepted = wire(&mut net, 1, "SIP/2.0 200");
    let accepted = accepted.iter().find_map(|response| header(response, "Refer-Events-At"));
    let at = accepted.expect("the 200 gives an address").trim_matches(['<', '>']).to_owned();
    let subscribes = wire(&mut net, 0, "SUBSCRIBE");
    let [subscribe] = &subscribes[..] else { panic!("one SUBSCRIBE: {subscribes:#?}") };
    assert!(subscribe.starts_with(&format!("SUBSCRIBE {at} SIP/2.0")), "{subscribe}");
    let (own, call) = (header(subscribe, "Call-ID"), header(refer, "Call-ID"));
    assert_ne!(own, call, "in a dialog of its own");
    let notifies = wire(&mut net, 1, "NOTIFY");
    assert!(notifies.iter().all(|notify| header(notify, "Call-ID") == own), "{notifies:#?}");
    let last = notifies.last().expect("a NOTIFY");
    assert_eq!(header(last, "Subscription-State"), Some("terminated;reason=noresource"));
    assert!(last.contains("SIP/2.0 200 OK"), "{last}");
    let ended = net.parties[0].engine.tap().events.iter().find_map(|event| match &event.kind {
        EventKind::SubscriptionEnded { end, reason } => Some((*end, *reason)),
        _ => None,
    });
    assert_eq!(ended, Some((SubscriptionEnd::Terminated, Some(SubReason::Noresource))));
    end_bobs_call(&mut net);
    net.nothing_is_left();
}

#[test]
fn a_busy_target_is_heard_of_by_the_explicit_subscription_and_gives_the_party_back() {
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", Some(StatusCode::BUSY_HERE))]);
    let call = moved(&mut net);
    assert_eq!(net.outcomes(0), [(OutcomeKind::Recovered, Some(486), true)], "{:#?}", net.sent(0));
    let learned = net.parties[0].engine.tap().events.iter().find_map(|event| match &event.kind {
        EventKind::TransferEnded(outcome) => Some(outcome.learned_from),
        _ => None,
    });
    assert_eq!(learned, Some(LearnedFrom::Notify));
    net.ask(0, Command::HangUp { session: call });
    net.nothing_is_left();
}

#[test]
fn where_explicit_subscriptions_are_not_offered_the_implicit_one_tells_the_outcome() {
    // covers: TR-080
    let mut net = Net::configured(&[("alice", OK), ("bob", OK), ("carol", OK)], |config| {
        config.explicit_subscriptions = None;
    });
    moved(&mut net);
    assert_eq!(net.outcomes(0), [(OutcomeKind::Succeeded, Some(200), false)], "{:#?}", net.sent(0));
    assert_eq!(wire(&mut net, 1, "SIP/2.0 420").len(), 1);
    let refers = wire(&mut net, 0, "REFER");
    assert_eq!((refers.len(), header(&refers[1], "Require")), (2, None));
    assert!(wire(&mut net, 0, "SUBSCRIBE").is_empty());
    end_bobs_call(&mut net);
    net.nothing_is_left();
}

#[test]
fn who_accepts_and_never_notifies_is_told_of() {
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", Some(StatusCode::TRYING))]);
    let call = net.call(0, 1);
    let target = format!("sip:carol@{}", net.parties[2].address).parse().expect("test URI");
    net.loses = Some("NOTIFY");
    net.ask(0, Command::Blind { session: call, target });
    net.run(Duration::from_secs(40));
    let told = |net: &mut Net, party: usize, is: fn(&EventKind) -> bool| {
        net.parties[party].engine.tap().events.iter().filter(|event| is(&event.kind)).count()
    };
    assert_eq!(told(&mut net, 0, |kind| matches!(kind, EventKind::NotifyTimeout)), 1);
    let failed = |kind: &EventKind| {
        matches!(kind, EventKind::SubscriptionEnded { end: SubscriptionEnd::NotifyFailed, reason: None })
    };
    assert_eq!(told(&mut net, 1, failed), 1, "Bob knows that nobody hears it");
    assert_eq!(net.outcomes(0), [(OutcomeKind::TimedOut, None, true)]);
    net.loses = None;
    net.ask(0, Command::HangUp { session: call });
    for party in [1, 2] {
        net.ask(party, Command::HangUpAll);
    }
    net.nothing_is_left();
}
