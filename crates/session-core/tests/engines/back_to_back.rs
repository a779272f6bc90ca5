//! The three-session form of an attended transfer: the engine carries it through, whoever waits for it.

use std::time::Duration;

use session_core::{
    AttendedOptions, Fallback, OutcomeKind, ReferPolicy, SessionId, StatusCode,
    engine::{Command, Reply},
};

use crate::{
    manual::newest,
    net::{Net, OK},
};

const ALICE: usize = 0;
const A_WHILE: Duration = Duration::from_secs(5);

/// Alice, who has calls with Bob, Carol and Dave.
fn four(bob: Option<StatusCode>) -> (Net, [SessionId; 3]) {
    let mut net = Net::new(&[("alice", OK), ("bob", bob), ("carol", OK), ("dave", OK)]);
    let calls = [1, 2, 3].map(|party| net.call(ALICE, party));
    (net, calls)
}

fn calls(net: &mut Net, party: usize) -> Vec<SessionId> {
    let list = net.ask(party, Command::ListSessions);
    match net.reply(party, list) {
        Some(Ok(Reply::Sessions(sessions))) => sessions.iter().map(|info| info.session).collect(),
        other => panic!("no list: {other:?}"),
    }
}

#[test]
fn the_success_of_a_back_to_back_transfer_ends_the_transferors_call_though_nobody_asks_for_it() {
    let (mut net, [bob, carol, dave]) = four(OK);
    let asked =
        net.ask(ALICE, Command::AttendedBetween { transferor: dave, transferee: bob, consultation: carol });
    assert!(matches!(net.reply(ALICE, asked), Some(Ok(Reply::Transfer(_)))));
    net.run(A_WHILE);
    assert_eq!(net.outcomes(ALICE), [(OutcomeKind::Succeeded, Some(200), false)]);
    assert_eq!(calls(&mut net, ALICE), [], "all three calls are over");
    net.ask(1, Command::HangUpAll);
    net.nothing_is_left();
}

#[test]
fn a_back_to_back_transfer_that_is_given_up_leaves_the_transferors_call() {
    let (mut net, [bob, carol, dave]) = four(OK);
    net.loses = Some("REFER");
    let asked =
        net.ask(ALICE, Command::AttendedBetween { transferor: dave, transferee: bob, consultation: carol });
    let Some(Ok(Reply::Transfer(transfer))) = net.reply(ALICE, asked) else { panic!("no transfer") };
    let transfer = *transfer;
    net.ask(ALICE, Command::CancelTransfer { transfer });
    net.loses = None;
    net.run(A_WHILE);
    assert_eq!(net.outcomes(ALICE), [(OutcomeKind::Cancelled, None, true)]);
    assert_eq!(calls(&mut net, ALICE).len(), 3);
    net.ask(ALICE, Command::HangUpAll);
    net.nothing_is_left();
}

#[test]
fn an_agent_that_is_referred_from_one_of_its_calls_to_another_connects_the_parties_behind_them() {
    // covers: EC-55
    const AGENT: usize = 0;
    const CALLER: usize = 1;
    let names = [("agent", OK), ("alice", OK), ("bob", OK), ("carol", OK)];
    let mut net = Net::configured(&names, |config| {
        if config.identity.uri.as_uri().user() == Some("alice") {
            config.policy.refer = ReferPolicy::Deny;
        }
    });
    let mut caller = || {
        let call = net.call(CALLER, AGENT);
        (call, newest(&mut net, AGENT))
    };
    let ((first, to_bob), (second, to_carol)) = (caller(), caller());
    let (bob, carol) = (net.call(AGENT, 2), net.call(AGENT, 3));
    for (session, consultation) in [(to_bob, bob), (to_carol, carol)] {
        let options = AttendedOptions { fallback: Some(Fallback::Bridge), ..AttendedOptions::default() };
        net.ask(AGENT, Command::Attended { session, consultation, options });
        net.run(A_WHILE);
    }
    assert_eq!(net.outcomes(AGENT), [(OutcomeKind::Bridged, Some(603), false); 2]);

    // Alice connects the two: she knows of nobody but the agent.
    let options = AttendedOptions::default();
    net.ask(CALLER, Command::Attended { session: first, consultation: second, options });
    net.run(A_WHILE);
    assert_eq!(net.outcomes(CALLER), [(OutcomeKind::Succeeded, Some(200), false)]);
    assert_eq!(calls(&mut net, CALLER), []);
    assert_eq!(calls(&mut net, AGENT), [bob, carol]);

    // They are bridged: the end of one call ends the other.
    net.ask(2, Command::HangUpAll);
    net.run(A_WHILE);
    assert_eq!(calls(&mut net, AGENT), []);
    net.nothing_is_left();
}
