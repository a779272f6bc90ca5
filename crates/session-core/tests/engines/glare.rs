//! Transfers in which both sides of a call ask for something at the same time (RFC 3261 §14.1).

use std::time::Duration;

use session_core::{
    EventKind, OutcomeKind, SessionId, StatusCode,
    engine::{Command, Reply},
};

use crate::net::{Net, OK};

/// The session of a party that was called.
fn called(net: &mut Net, party: usize) -> SessionId {
    let events = &net.parties[party].engine.tap().events;
    let up = events.iter().find_map(|event| match event.kind {
        EventKind::Established { .. } => event.session,
        _ => None,
    });
    up.expect("the call is up")
}

fn count(net: &mut Net, party: usize, line: &str) -> usize {
    net.sent(party).iter().filter(|sent| sent.starts_with(line)).count()
}

fn blind(net: &Net, session: SessionId) -> Command {
    let target = format!("sip:carol@{}", net.parties[2].address).parse().expect("test URI");
    Command::Blind { session, target }
}

#[test]
fn a_hold_that_meets_the_partys_own_re_invite_is_asked_again_and_the_transfer_goes_on() {
    // covers: EC-23
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", OK)]);
    let call = net.call(0, 1);
    let bobs = called(&mut net, 1);
    let transfer = blind(&net, call);
    let [_, hold] = net.ask_both([(0, transfer), (1, Command::Hold { session: bobs })]);
    assert_eq!((count(&mut net, 0, "SIP/2.0 491"), count(&mut net, 1, "SIP/2.0 491")), (1, 1));
    assert_eq!(count(&mut net, 0, "REFER"), 0, "not before the hold is agreed on");
    net.run(Duration::from_secs(10));
    assert!(matches!(net.reply(1, hold), Some(Ok(Reply::Hold(state))) if state.local), "bob's, too");
    assert_eq!(net.outcomes(0), [(OutcomeKind::Succeeded, Some(200), false)], "{:#?}", net.sent(0));
    assert_eq!(count(&mut net, 0, "REFER"), 1);
    for party in 0..3 {
        net.ask(party, Command::HangUpAll);
    }
    net.nothing_is_left();
}

#[test]
fn a_call_that_is_taken_back_while_the_party_re_invites_is_as_it_was() {
    // covers: EC-23
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", Some(StatusCode::TRYING))]);
    let call = net.call(0, 1);
    let bobs = called(&mut net, 1);
    let transfer = blind(&net, call);
    net.ask(0, transfer);
    net.run(Duration::from_secs(1));
    let events = &net.parties[0].engine.tap().events;
    let transfer = events.iter().find_map(|event| event.transfer).expect("a transfer");
    let [_, hold] =
        net.ask_both([(0, Command::CancelTransfer { transfer }), (1, Command::Hold { session: bobs })]);
    assert_eq!((count(&mut net, 0, "SIP/2.0 491"), count(&mut net, 1, "SIP/2.0 491")), (1, 1));
    assert!(net.outcomes(0).is_empty(), "the call is not back yet");
    net.run(Duration::from_secs(10));
    assert_eq!(net.outcomes(0), [(OutcomeKind::Cancelled, None, true)], "{:#?}", net.sent(0));
    assert!(matches!(net.reply(1, hold), Some(Ok(Reply::Hold(state))) if state.local && !state.remote));
    let resumed = net.ask(1, Command::Resume { session: bobs });
    let as_before = |state: &session_core::HoldState| !state.local && !state.remote;
    assert!(matches!(net.reply(1, resumed), Some(Ok(Reply::Hold(state))) if as_before(state)));
    for party in 0..3 {
        net.ask(party, Command::HangUpAll);
    }
    net.nothing_is_left();
}
