//! Which kind a transfer is, as its events, the list of transfers and its report say.

use std::time::Duration;

use session_core::{
    AttendedOptions, Completion, EventKind, StatusCode, TransferKind, WarmOptions,
    engine::{Command, Reply},
};

use crate::net::{Net, OK};

/// The kinds that a party was told.
fn told(net: &mut Net, party: usize) -> Vec<TransferKind> {
    let events = net.parties[party].engine.tap().events.iter();
    let kinds = events.filter_map(|event| match event.kind {
        EventKind::TransferInitiated { kind, .. }
        | EventKind::TransferRequested { kind, .. }
        | EventKind::TransferKindChanged { kind } => Some(kind),
        _ => None,
    });
    kinds.collect()
}

fn listed(net: &mut Net, party: usize) -> Vec<TransferKind> {
    let id = net.ask(party, Command::ListTransfers);
    match net.reply(party, id) {
        Some(Ok(Reply::Transfers(transfers))) => transfers.iter().map(|info| info.kind).collect(),
        other => panic!("no list: {other:?}"),
    }
}

fn reported(net: &mut Net, party: usize) -> (TransferKind, String) {
    let report = net.parties[party].engine.tap().reports.reports().last().cloned().expect("a report");
    (report.kind, report.to_string().lines().next().unwrap_or_default().to_owned())
}

fn carol(net: &Net) -> sip_message::UriBuf {
    format!("sip:carol@{}", net.parties[2].address).parse().expect("test URI")
}

/// Ends everything that is under way, and checks what the report says.
fn end_as(net: &mut Net, kind: TransferKind, words: &str) {
    for party in 0..3 {
        net.ask(party, Command::HangUpAll);
    }
    net.run(Duration::from_secs(5));
    let (reported, line) = reported(net, 0);
    assert_eq!(reported, kind);
    assert!(line.starts_with(&format!("{words} of ")), "{line}");
    net.nothing_is_left();
}

#[test]
fn a_blind_transfer_is_blind_for_both_sides() {
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", None)]);
    let call = net.call(0, 1);
    let target = carol(&net);
    net.ask(0, Command::Blind { session: call, target });
    net.run(Duration::from_secs(1));
    for party in [0, 1] {
        assert_eq!(told(&mut net, party), [TransferKind::Blind]);
        assert_eq!(listed(&mut net, party), [TransferKind::Blind]);
    }
    end_as(&mut net, TransferKind::Blind, "Blind transfer");
}

#[test]
fn what_is_completed_while_the_target_rings_is_semi_attended_from_then_on() {
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", None)]);
    let call = net.call(0, 1);
    let options = AttendedOptions::default();
    let target = carol(&net);
    let asked =
        net.ask(0, Command::Consult { session: call, target, options, completion: Completion::OnCommand });
    net.run(Duration::from_secs(1));
    let Some(Ok(Reply::Consultation(transfer, _))) = net.reply(0, asked) else { panic!("no consultation") };
    let transfer = *transfer;
    assert_eq!(listed(&mut net, 0), [TransferKind::Attended]);
    net.ask(0, Command::Complete { transfer });
    assert_eq!(listed(&mut net, 0), [TransferKind::SemiAttended]);
    assert_eq!(told(&mut net, 0), [TransferKind::Attended, TransferKind::SemiAttended]);
    end_as(&mut net, TransferKind::SemiAttended, "Semi-attended transfer");
}

#[test]
fn a_protected_target_is_told_as_such_and_its_own_side_sees_an_attended_transfer() {
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", OK)]);
    let call = net.call(0, 1);
    let options = AttendedOptions { protect_target: true, ..AttendedOptions::default() };
    let target = carol(&net);
    net.ask(0, Command::Consult { session: call, target, options, completion: Completion::OnAnswer });
    net.run(Duration::from_secs(2));
    assert_eq!(told(&mut net, 0), [TransferKind::ProtectedTarget]);
    assert_eq!(told(&mut net, 2), [TransferKind::Attended], "the REFER to her names a call");
    end_as(&mut net, TransferKind::ProtectedTarget, "Attended transfer with a protected target");
}

#[test]
fn a_warm_transfer_is_warm_whatever_becomes_of_its_calls() {
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", OK)]);
    let call = net.call(0, 1);
    let target = carol(&net);
    net.ask(0, Command::Warm { session: call, target, options: Box::new(WarmOptions::default()) });
    net.run(Duration::from_secs(1));
    assert_eq!(
        (told(&mut net, 0), listed(&mut net, 0)),
        (vec![TransferKind::Warm], vec![TransferKind::Warm])
    );
    end_as(&mut net, TransferKind::Warm, "Warm transfer");
}

#[test]
fn a_target_that_does_not_take_the_consultation_call_is_told_with_its_status() {
    for (carol_says, status) in [(Some(StatusCode::BUSY_HERE), 486), (None, 408)] {
        let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", carol_says)]);
        let call = net.call(0, 1);
        let target = carol(&net);
        let options = AttendedOptions::default();
        net.ask(0, Command::Consult { session: call, target, options, completion: Completion::OnCommand });
        net.run(Duration::from_mins(2));
        let events = &net.parties[0].engine.tap().events;
        let failed = events.iter().find(|event| matches!(event.kind, EventKind::ConsultFailed { .. }));
        let failed = failed.expect("it is told");
        assert_eq!(failed.code().map(StatusCode::as_u16), Some(status));
        assert_eq!((failed.session, failed.name()), (Some(call), "consult_failed"));
        net.ask(0, Command::HangUpAll);
        net.nothing_is_left();
    }
}
