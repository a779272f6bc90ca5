//! Manual steps that are not due, transfers that are left alone, and the rules of reports.

use std::time::Duration;

use session_core::{
    AttendedOptions, Decision, OutcomeKind, ReferDecision, ReferTo, SessionError, SessionId, StatusCode,
    TransferError, TransferHandling, TransferId, TransferRefusal,
    engine::{Command, CommandError, CommandId, ManualCommand, Reply},
};

use crate::{
    manual::{by_hand, decided, hold, names, newest, refer, step, target},
    net::{Net, OK},
};

const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;

/// A call between Alice and Bob, which Bob handles by himself.
fn asked_of_bob(net: &mut Net) -> (SessionId, TransferId) {
    let call = net.call(ALICE, BOB);
    let session = newest(net, BOB);
    by_hand(net, BOB, session);
    let ReferTo::Target(target) = target(net, CAROL) else { unreachable!("it is a target") };
    net.ask(ALICE, Command::Blind { session: call, target });
    (call, *net.parties[BOB].asked.last().expect("Bob is asked"))
}

fn state(net: &Net, party: usize, id: CommandId) -> (&'static str, &'static str) {
    match net.reply(party, id) {
        Some(Err(CommandError::Transfer(TransferError::WrongState { state, wanted }))) => (state, wanted),
        other => panic!("not refused for its state: {other:?}"),
    }
}

fn send(session: SessionId, to: ReferTo) -> ManualCommand {
    ManualCommand::SendRefer { session, to, refer: None, options: AttendedOptions::default() }
}

fn notifies(net: &mut Net, party: usize) -> usize {
    net.sent(party).iter().filter(|line| line.starts_with("NOTIFY")).count()
}

/// Bob's newest NOTIFY.
fn last_notify(net: &mut Net) -> String {
    let wire = &net.parties[BOB].engine.tap().wire;
    wire.iter().rev().find(|message| message.starts_with("NOTIFY")).cloned().unwrap_or_default()
}

#[test]
fn every_step_is_refused_in_an_automatic_transfer() {
    let mut net = Net::new(&names());
    let call = net.call(ALICE, BOB);
    hold(&mut net, ALICE, call);
    let to = target(&net, CAROL);
    let refused = step(&mut net, ALICE, send(call, to));
    assert_eq!(state(&net, ALICE, refused), ("Automatic", "Manual"));
    let ReferTo::Target(target) = target(&net, CAROL) else { unreachable!("it is a target") };
    let begun = net.ask(ALICE, Command::Blind { session: call, target });
    let Some(Ok(Reply::Transfer(transfer))) = net.reply(ALICE, begun) else { panic!("no transfer") };
    let transfer = *transfer;
    let sent = net.sent(ALICE).len();
    for command in [
        ManualCommand::ProcessResponse { transfer },
        ManualCommand::TakeNotify { transfer },
        ManualCommand::AcceptRefer { transfer },
        ManualCommand::Notify { transfer, status: StatusCode::RINGING, last: false },
    ] {
        let refused = step(&mut net, ALICE, command);
        assert_eq!(state(&net, ALICE, refused), ("Automatic", "Manual"));
    }
    let refused = net.ask(ALICE, Command::Decide { transfer, decision: Decision::Accept });
    assert_eq!(state(&net, ALICE, refused).1, "Unanswered or Deciding");
    assert_eq!(net.sent(ALICE).len(), sent, "nothing was sent");
}

#[test]
fn each_step_of_the_transferor_is_refused_until_it_is_due() {
    let mut net = Net::new(&names());
    let call = net.call(ALICE, BOB);
    by_hand(&mut net, ALICE, call);
    let to = target(&net, CAROL);
    let unheld = step(&mut net, ALICE, send(call, to.clone()));
    assert_eq!(state(&net, ALICE, unheld), ("Unheld", "Held"));
    hold(&mut net, ALICE, call);
    let transfer = refer(&mut net, ALICE, call, to.clone());
    let early = step(&mut net, ALICE, ManualCommand::TakeNotify { transfer });
    assert_eq!(state(&net, ALICE, early), ("ReferAnswered", "Accepted"));
    let early = step(&mut net, ALICE, ManualCommand::Terminate { session: call, transfer });
    assert_eq!(state(&net, ALICE, early), ("ReferAnswered", "a success that was reported"));
    assert_eq!(decided(&mut net, ALICE, transfer), ReferDecision::GoOn);
    let twice = step(&mut net, ALICE, ManualCommand::ProcessResponse { transfer });
    assert_eq!(state(&net, ALICE, twice), ("Accepted", "ReferAnswered"));
    let role = step(&mut net, ALICE, ManualCommand::Notify { transfer, status: StatusCode::OK, last: true });
    assert_eq!(state(&net, ALICE, role).1, "a transfer asked of us");
    // The call is being moved already.
    let busy = step(&mut net, ALICE, send(call, to));
    assert_eq!(state(&net, ALICE, busy), ("Accepted", "Idle"));
    let unknown = step(&mut net, ALICE, ManualCommand::TakeNotify { transfer: TransferId::from(9999) });
    let expected = TransferError::Refused(TransferRefusal::UnknownTransfer);
    assert!(
        matches!(net.reply(ALICE, unknown), Some(Err(CommandError::Transfer(error))) if *error == expected)
    );
    let nobody = step(
        &mut net,
        ALICE,
        ManualCommand::Handling { session: SessionId::from(9999), handling: TransferHandling::Manual },
    );
    assert!(matches!(net.reply(ALICE, nobody), Some(Err(CommandError::Session(SessionError::Unknown)))));
}

#[test]
fn each_step_of_the_transferee_is_refused_until_it_is_due() {
    let mut net = Net::new(&names());
    let (_, transfer) = asked_of_bob(&mut net);
    let report = |status, last| ManualCommand::Notify { transfer, status, last };
    let early = step(&mut net, BOB, report(StatusCode::RINGING, false));
    assert_eq!(state(&net, BOB, early), ("Unanswered", "Inviting or Ringing"));
    step(&mut net, BOB, ManualCommand::AcceptRefer { transfer });
    let twice = step(&mut net, BOB, ManualCommand::AcceptRefer { transfer });
    assert_eq!(state(&net, BOB, twice).1, "Unanswered or Deciding");
    let early = step(&mut net, BOB, report(StatusCode::OK, true));
    assert_eq!(state(&net, BOB, early), ("Ringing", "Connected or Failed"));
}

#[test]
fn a_refer_that_the_application_refuses_is_answered_so_and_the_call_goes_on() {
    // covers: TR-265
    let mut net = Net::new(&names());
    let (call, transfer) = asked_of_bob(&mut net);
    let decision = Decision::RejectWith(StatusCode::FORBIDDEN);
    net.ask(BOB, Command::Decide { transfer, decision });
    net.run(Duration::from_secs(1));
    assert_eq!(net.outcomes(ALICE), [(OutcomeKind::Recovered, Some(403), true)]);
    assert_eq!(notifies(&mut net, BOB), 0);
    net.ask(ALICE, Command::HangUp { session: call });
    net.nothing_is_left();
}

#[test]
fn a_refer_that_nobody_decides_about_is_accepted_in_time_and_rejected_later() {
    // covers: TR-007, TR-014, TR-026
    let mut net = Net::new(&names());
    let (call, _) = asked_of_bob(&mut net);
    net.run(Duration::from_millis(240));
    assert!(net.sent(BOB).contains(&"SIP/2.0 202".to_owned()), "{:?}", net.sent(BOB));
    let pending = last_notify(&mut net);
    assert!(pending.contains("Subscription-State: pending") && pending.contains("SIP/2.0 100"), "{pending}");
    net.run(Duration::from_secs(31));
    assert_eq!(net.outcomes(ALICE), [(OutcomeKind::Recovered, Some(603), true)]);
    net.ask(ALICE, Command::HangUp { session: call });
    net.nothing_is_left();
}

#[test]
fn an_abandoned_manual_transfer_ends_by_its_guard_with_the_caller_back() {
    let mut net = Net::configured(&names(), |config| config.policy.guard = Duration::from_secs(20));
    let call = net.call(ALICE, BOB);
    by_hand(&mut net, ALICE, call);
    hold(&mut net, ALICE, call);
    let to = target(&net, CAROL);
    let transfer = refer(&mut net, ALICE, call, to);
    let waiting = step(&mut net, ALICE, ManualCommand::ProcessResponse { transfer });
    assert!(matches!(net.reply(ALICE, waiting), Some(Ok(Reply::Decided(ReferDecision::GoOn)))));
    net.run(Duration::from_secs(19));
    assert_eq!(net.outcomes(ALICE), []);
    net.run(Duration::from_secs(2));
    assert_eq!(net.outcomes(ALICE), [(OutcomeKind::TimedOut, None, true)]);
    let resume =
        net.parties[ALICE].engine.tap().wire.iter().rev().find(|it| it.starts_with("INVITE")).cloned();
    assert!(resume.is_some_and(|invite| !invite.contains("a=sendonly")), "the caller is back");
    net.ask(ALICE, Command::HangUpAll);
    net.nothing_is_left();
}

#[test]
fn whoever_waits_for_a_notify_hears_how_the_transfer_ended() {
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", Some(StatusCode::TRYING))]);
    let call = net.call(ALICE, BOB);
    by_hand(&mut net, ALICE, call);
    hold(&mut net, ALICE, call);
    let to = target(&net, CAROL);
    let transfer = refer(&mut net, ALICE, call, to);
    decided(&mut net, ALICE, transfer);
    step(&mut net, ALICE, ManualCommand::TakeNotify { transfer });
    let waiting = step(&mut net, ALICE, ManualCommand::TakeNotify { transfer });
    net.ask(ALICE, Command::CancelTransfer { transfer });
    net.run(Duration::from_secs(1));
    assert!(matches!(
        net.reply(ALICE, waiting),
        Some(Err(CommandError::Transfer(TransferError::Ended(outcome)))) if outcome.kind == OutcomeKind::Cancelled
    ));
    net.ask(ALICE, Command::HangUpAll);
    net.nothing_is_left();
}

#[test]
fn reports_of_the_application_are_spaced_and_the_last_one_is_never_dropped() {
    // covers: TR-013, TR-018, TR-019
    let mut net = Net::new(&names());
    let (_, transfer) = asked_of_bob(&mut net);
    net.ask(BOB, Command::Decide { transfer, decision: Decision::HandleMyself });
    let waiting: Vec<CommandId> = (0..16)
        .map(|number| {
            let status = StatusCode::new(180 + number).expect("a provisional status");
            step(&mut net, BOB, ManualCommand::Notify { transfer, status, last: false })
        })
        .collect();
    let status = StatusCode::RINGING;
    let beyond = step(&mut net, BOB, ManualCommand::Notify { transfer, status, last: false });
    assert!(matches!(net.reply(BOB, beyond), Some(Err(CommandError::Session(SessionError::Busy)))));
    net.run(Duration::from_millis(900));
    assert_eq!(notifies(&mut net, BOB), 1, "the first NOTIFY, and nothing for a second");
    net.run(Duration::from_millis(200));
    assert_eq!(notifies(&mut net, BOB), 2, "the newest of sixteen");
    let newest = last_notify(&mut net);
    assert!(newest.contains("SIP/2.0 195") && newest.contains("Content-Type: message/sipfrag"), "{newest}");
    assert!(waiting.iter().all(|id| matches!(net.reply(BOB, *id), Some(Ok(Reply::Done)))));

    let late = step(&mut net, BOB, ManualCommand::Notify { transfer, status, last: false });
    let busy = StatusCode::BUSY_HERE;
    let last = step(&mut net, BOB, ManualCommand::Notify { transfer, status: busy, last: true });
    assert_eq!(notifies(&mut net, BOB), 3, "the last one waits for no second, and says all");
    let end = last_notify(&mut net);
    assert!(end.contains("Subscription-State: terminated;reason=noresource"), "{end}");
    for id in [late, last] {
        assert!(matches!(net.reply(BOB, id), Some(Ok(Reply::Done))));
    }
    let after = step(&mut net, BOB, ManualCommand::Notify { transfer, status: busy, last: true });
    assert!(matches!(net.reply(BOB, after), Some(Err(CommandError::Transfer(_)))));
    net.run(Duration::from_secs(5));
    assert_eq!(notifies(&mut net, BOB), 3, "nothing follows the last one");
    assert_eq!(net.outcomes(ALICE), [(OutcomeKind::Recovered, Some(486), true)]);
    net.ask(ALICE, Command::HangUpAll);
    net.nothing_is_left();
}
