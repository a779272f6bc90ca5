//! Two calls that are bridged: what one party wishes for reaches the other one.

use std::time::Duration;

use session_core::{
    EventKind, Fallback, OutcomeKind, ReferPolicy, SessionId, TransferKind,
    engine::{Command, CommandId, Reply},
};

use crate::net::{Net, OK};

const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;

/// The call of a party that was called.
fn called(net: &mut Net, party: usize) -> SessionId {
    let events = &net.parties[party].engine.tap().events;
    let up = events.iter().find_map(|event| match event.kind {
        EventKind::Established { placed: false, .. } => event.session,
        _ => None,
    });
    up.expect("the call is up")
}

/// Nobody follows a REFER, and Alice bridges whom she cannot move.
fn three() -> Net {
    Net::configured(&[("alice", OK), ("bob", OK), ("carol", OK)], |config| {
        config.policy.refer = ReferPolicy::Deny;
        config.policy.fallback = Fallback::Bridge;
    })
}

/// Moves a party of Alice's to Carol, which becomes a bridge.
fn bridge(net: &mut Net, call: SessionId) {
    let target = format!("sip:carol@{}", net.parties[CAROL].address).parse().expect("test URI");
    net.ask(ALICE, Command::Blind { session: call, target });
    net.run(Duration::from_secs(2));
    assert_eq!(net.outcomes(ALICE), [(OutcomeKind::Bridged, Some(603), false)]);
}

/// Bob and Carol talk through Alice; their calls.
fn bridged() -> (Net, SessionId, SessionId) {
    let mut net = three();
    let call = net.call(ALICE, BOB);
    bridge(&mut net, call);
    let (bobs, carols) = (called(&mut net, BOB), called(&mut net, CAROL));
    (net, bobs, carols)
}

/// Whether a party is on hold as it was told last: by itself, by the other side.
fn holds(net: &mut Net, party: usize) -> (bool, bool) {
    let events = &net.parties[party].engine.tap().events;
    let last = events.iter().rev().find_map(|event| match event.kind {
        EventKind::HoldChanged { local, remote } => Some((local, remote)),
        _ => None,
    });
    last.unwrap_or_default()
}

/// The directions that Alice has offered a party so far, in its call.
fn offered(net: &mut Net, party: usize) -> Vec<String> {
    let to = net.parties[party].address.to_string();
    let wire = &net.parties[ALICE].engine.tap().wire;
    let invites = wire.iter().filter(|text| {
        text.starts_with("INVITE") && text.lines().next().is_some_and(|line| line.contains(&to))
    });
    let direction = |text: &String| {
        let found =
            ["sendonly", "recvonly", "inactive"].into_iter().find(|name| text.contains(&format!("a={name}")));
        found.unwrap_or("sendrecv").to_owned()
    };
    invites.map(direction).collect()
}

fn is_done(net: &Net, party: usize, id: CommandId) -> bool {
    matches!(net.reply(party, id), Some(Ok(Reply::Hold(_))))
}

/// Nothing more is asked of anybody, whatever time passes.
fn comes_to_rest(net: &mut Net) {
    let sent = [ALICE, BOB, CAROL].map(|party| net.sent(party).len());
    net.run(Duration::from_mins(1));
    assert_eq!([ALICE, BOB, CAROL].map(|party| net.sent(party).len()), sent);
}

/// Carol hangs up, and nothing is left: Bob's call ends, too.
fn ends(mut net: Net, carols: SessionId) {
    net.ask(CAROL, Command::HangUp { session: carols });
    net.run(Duration::from_secs(1));
    let events = &net.parties[BOB].engine.tap().events;
    assert!(events.iter().any(|event| matches!(event.kind, EventKind::CallEnded { .. })));
    net.nothing_is_left();
}

#[test]
fn a_hold_of_one_party_is_passed_on_to_the_other_and_so_is_its_end() {
    let (mut net, bobs, carols) = bridged();
    let before = (offered(&mut net, BOB).len(), offered(&mut net, CAROL).len());
    let held = net.ask(BOB, Command::Hold { session: bobs });
    net.run(Duration::from_secs(1));
    assert!(is_done(&net, BOB, held));
    assert_eq!((holds(&mut net, BOB), holds(&mut net, CAROL)), ((true, false), (false, true)));
    let resumed = net.ask(BOB, Command::Resume { session: bobs });
    net.run(Duration::from_secs(1));
    assert!(is_done(&net, BOB, resumed));
    assert_eq!((holds(&mut net, BOB), holds(&mut net, CAROL)), ((false, false), (false, false)));
    // What Bob sends meanwhile, such as music, reaches Carol.
    assert_eq!(offered(&mut net, CAROL)[before.1..], ["sendonly", "sendrecv"]);
    assert_eq!(offered(&mut net, BOB).len(), before.0, "he was asked nothing");
    // Alice's user holds nothing, and is told whom the others hold.
    assert_eq!(
        net.parties[ALICE]
            .engine
            .tap()
            .events
            .iter()
            .filter(|event| { matches!(event.kind, EventKind::HoldChanged { local: true, .. }) })
            .count(),
        1,
        "only before the REFER"
    );
    comes_to_rest(&mut net);
    ends(net, carols);
}

#[test]
fn both_parties_may_hold_and_each_comes_back_when_the_other_does() {
    let (mut net, bobs, carols) = bridged();
    net.ask(BOB, Command::Hold { session: bobs });
    net.run(Duration::from_secs(1));
    net.ask(CAROL, Command::Hold { session: carols });
    net.run(Duration::from_secs(1));
    assert_eq!((holds(&mut net, BOB), holds(&mut net, CAROL)), ((true, true), (true, true)));
    net.ask(BOB, Command::Resume { session: bobs });
    net.run(Duration::from_secs(1));
    assert_eq!((holds(&mut net, BOB), holds(&mut net, CAROL)), ((false, true), (true, false)));
    net.ask(CAROL, Command::Resume { session: carols });
    net.run(Duration::from_secs(1));
    assert_eq!((holds(&mut net, BOB), holds(&mut net, CAROL)), ((false, false), (false, false)));
    comes_to_rest(&mut net);
    ends(net, carols);
}

#[test]
fn holds_of_both_at_the_same_moment_settle() {
    let (mut net, bobs, carols) = bridged();
    let [bob, carol] =
        net.ask_both([(BOB, Command::Hold { session: bobs }), (CAROL, Command::Hold { session: carols })]);
    net.run(Duration::from_secs(20));
    assert!(is_done(&net, BOB, bob) && is_done(&net, CAROL, carol));
    assert_eq!((holds(&mut net, BOB), holds(&mut net, CAROL)), ((true, true), (true, true)));
    let [bob, carol] = net
        .ask_both([(BOB, Command::Resume { session: bobs }), (CAROL, Command::Resume { session: carols })]);
    net.run(Duration::from_secs(20));
    assert!(is_done(&net, BOB, bob) && is_done(&net, CAROL, carol));
    assert_eq!((holds(&mut net, BOB), holds(&mut net, CAROL)), ((false, false), (false, false)));
    comes_to_rest(&mut net);
    ends(net, carols);
}

#[test]
fn a_party_that_holds_before_it_is_bridged_holds_the_other_one_from_then_on() {
    let mut net = three();
    let call = net.call(ALICE, BOB);
    let bobs = called(&mut net, BOB);
    net.ask(BOB, Command::Hold { session: bobs });
    bridge(&mut net, call);
    let carols = called(&mut net, CAROL);
    assert_eq!((holds(&mut net, BOB), holds(&mut net, CAROL)), ((true, false), (false, true)));
    net.ask(BOB, Command::Resume { session: bobs });
    net.run(Duration::from_secs(1));
    assert_eq!((holds(&mut net, BOB), holds(&mut net, CAROL)), ((false, false), (false, false)));
    ends(net, carols);
}

#[test]
fn the_end_of_a_hold_that_does_not_get_through_is_offered_again_and_nobody_waits_for_ever() {
    let (mut net, bobs, carols) = bridged();
    net.ask(BOB, Command::Hold { session: bobs });
    net.run(Duration::from_secs(1));
    assert_eq!(holds(&mut net, CAROL), (false, true));
    // The wish of Alice's has run out before she is heard.
    net.loses = Some("INVITE sip:carol");
    let resumed = net.ask(BOB, Command::Resume { session: bobs });
    net.run(Duration::from_secs(20));
    assert!(is_done(&net, BOB, resumed), "he need not wait for that");
    assert_eq!((holds(&mut net, BOB), holds(&mut net, CAROL)), ((false, false), (false, true)));
    net.loses = None;
    net.run(Duration::from_secs(20));
    assert_eq!((holds(&mut net, BOB), holds(&mut net, CAROL)), ((false, false), (false, false)));
    ends(net, carols);
}

#[test]
fn a_user_who_holds_a_bridged_call_meanwhile_is_not_mistaken_for_its_party() {
    let (mut net, bobs, carols) = bridged();
    let events = &net.parties[ALICE].engine.tap().events;
    let mut up = events.iter().filter(|event| matches!(event.kind, EventKind::Established { .. }));
    let to_carol = up.next_back().and_then(|event| event.session).expect("Alice's call with Carol");
    // Both at once: the hold of Bob's is on its way to Carol when Alice's user holds her, too.
    let [bob, alice] =
        net.ask_both([(BOB, Command::Hold { session: bobs }), (ALICE, Command::Hold { session: to_carol })]);
    net.run(Duration::from_secs(5));
    assert!(is_done(&net, BOB, bob));
    let Some(Ok(Reply::Hold(state))) = net.reply(ALICE, alice) else {
        panic!("{:?}", net.reply(ALICE, alice))
    };
    assert!(state.local, "{state:?}");
    let resumed = net.ask(ALICE, Command::Resume { session: to_carol });
    net.run(Duration::from_secs(5));
    let Some(Ok(Reply::Hold(state))) = net.reply(ALICE, resumed) else {
        panic!("{:?}", net.reply(ALICE, resumed))
    };
    assert!(!state.local, "{state:?}");
    assert_eq!(holds(&mut net, CAROL), (false, true), "Bob still holds");
    net.ask(BOB, Command::Resume { session: bobs });
    net.run(Duration::from_secs(5));
    assert_eq!(holds(&mut net, CAROL), (false, false));
    comes_to_rest(&mut net);
    ends(net, carols);
}

#[test]
fn a_refer_of_a_bridged_party_is_decided_as_any_other_and_a_refusal_leaves_both_as_they_are() {
    // covers: SEC-01
    let (mut net, _, carols) = bridged();
    let target = format!("sip:dave@{}", net.parties[BOB].address).parse().expect("test URI");
    let options = session_core::ReferOptions { fallback: Some(Fallback::None), ..Default::default() };
    net.ask(CAROL, Command::BlindWith { session: carols, target, options: Box::new(options) });
    net.run(Duration::from_secs(5));
    assert_eq!(net.outcomes(CAROL), [(OutcomeKind::Recovered, Some(603), true)]);
    // Bob was on hold as long as Carol held, and is back.
    assert_eq!((holds(&mut net, BOB), holds(&mut net, CAROL)), ((false, false), (false, false)));
    assert!(offered(&mut net, BOB).ends_with(&["sendonly".to_owned(), "sendrecv".to_owned()]));
    ends(net, carols);
}

#[test]
fn a_bridge_that_is_being_made_is_among_the_live_transfers_and_one_that_is_made_is_not() {
    let mut net = Net::configured(&[("alice", OK), ("bob", OK), ("carol", None)], |config| {
        config.policy.refer = ReferPolicy::Deny;
        config.policy.fallback = Fallback::Bridge;
    });
    let session = net.call(ALICE, BOB);
    let target = format!("sip:carol@{}", net.parties[CAROL].address).parse().expect("test URI");
    net.ask(ALICE, Command::Blind { session, target });
    net.run(Duration::from_secs(2));
    let asked = net.ask(ALICE, Command::ListTransfers);
    let Some(Ok(Reply::Transfers(live))) = net.reply(ALICE, asked) else { panic!("the live transfers") };
    let [info] = &live[..] else { panic!("{live:?}") };
    assert_eq!((info.session, info.kind, info.state), (session, TransferKind::Blind, "Bridging"));
    assert!(info.consultation.is_some(), "the call to Carol, who rings");
    let carols =
        net.parties[CAROL].engine.tap().events.iter().find_map(|event| event.session).expect("a call");
    net.ask(CAROL, Command::Answer { session: carols, source: None });
    net.run(Duration::from_secs(2));
    assert_eq!(net.outcomes(ALICE), [(OutcomeKind::Bridged, Some(603), false)]);
    let asked = net.ask(ALICE, Command::ListTransfers);
    assert!(matches!(net.reply(ALICE, asked), Some(Ok(Reply::Transfers(live))) if live.is_empty()));
    ends(net, carols);
}

#[test]
fn the_report_of_a_bridge_says_why_and_who_talks_to_whom() {
    let (mut net, _, carols) = bridged();
    let reports = net.parties[ALICE].engine.tap().reports.reports();
    let text = reports.last().expect("a report").to_string();
    for words in
        ["Blind transfer of", "Bridged", "603", "talk through us", "the two calls are joined here instead"]
    {
        assert!(text.contains(words), "{words} is not in {text}");
    }
    assert!(net.parties[ALICE].engine.tap().reports.live() == 0, "it is over");
    ends(net, carols);
}
