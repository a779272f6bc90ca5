//! The three-session form of an attended transfer: the engine carries it through, whoever waits for it.

use std::time::Duration;

use session_core::{
    OutcomeKind, SessionId, StatusCode,
    engine::{Command, Reply},
};

use crate::net::{Net, OK};

const ALICE: usize = 0;
const A_WHILE: Duration = Duration::from_secs(5);

/// Alice, who has calls with Bob, Carol and Dave.
fn four(bob: Option<StatusCode>) -> (Net, [SessionId; 3]) {
    let mut net = Net::new(&[("alice", OK), ("bob", bob), ("carol", OK), ("dave", OK)]);
    let calls = [1, 2, 3].map(|party| net.call(ALICE, party));
    (net, calls)
}

fn calls(net: &mut Net) -> usize {
    let list = net.ask(ALICE, Command::ListSessions);
    match net.reply(ALICE, list) {
        Some(Ok(Reply::Sessions(sessions))) => sessions.len(),
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
    assert_eq!(calls(&mut net), 0, "all three calls are over");
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
    assert_eq!(calls(&mut net), 3);
    net.ask(ALICE, Command::HangUpAll);
    net.nothing_is_left();
}
