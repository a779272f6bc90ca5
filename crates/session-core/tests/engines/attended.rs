//! Transfers to somebody who was asked first.

use std::time::Duration;

use session_core::{
    AttendedOptions, Completion, EventKind, OutcomeKind, ReplacesAuthorizer, SessionId, StatusCode,
    TransferError, TransferRefusal,
    engine::{Command, CommandId, Reply},
};

use crate::net::{Net, OK};

/// The methods of the requests that a party has sent, in order.
fn methods(net: &mut Net, party: usize) -> Vec<String> {
    let requests = net.sent(party).into_iter().filter(|line| !line.starts_with("SIP"));
    requests.map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
}

fn consult(net: &mut Net, session: SessionId, target: usize, completion: Completion) -> CommandId {
    let target = format!("sip:carol@{}", net.parties[target].address).parse().expect("test URI");
    let options = AttendedOptions::default();
    net.ask(0, Command::Consult { session, target, options, completion })
}

#[test]
fn a_target_that_was_asked_first_gets_the_party_and_both_our_calls_end() {
    // covers: TR-167, TR-109, TR-119
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", OK)]);
    let call = net.call(0, 1);
    let asked = consult(&mut net, call, 2, Completion::OnCommand);
    net.run(Duration::from_secs(1));
    let Some(Ok(Reply::Consultation(transfer, consultation))) = net.reply(0, asked) else {
        panic!("{:?}", net.reply(0, asked));
    };
    let (transfer, consultation) = (*transfer, *consultation);
    net.ask(0, Command::Complete { transfer });
    net.run(Duration::from_secs(2));
    assert_eq!(net.outcomes(0), [(OutcomeKind::Succeeded, Some(200), false)], "{:#?}", net.sent(0));
    let sent = methods(&mut net, 0);
    // Call, hold, consultation, its hold, REFER; then BYE of the first call. Carol ends the other one.
    assert_eq!(
        sent,
        ["INVITE", "ACK", "INVITE", "ACK", "INVITE", "ACK", "INVITE", "ACK", "REFER", "BYE"],
        "{sent:#?}"
    );
    let carols = net.sent(2);
    // She has answered the consultation call, its hold, and the call that replaces it.
    let answers = carols.iter().enumerate().filter(|(_, line)| *line == "SIP/2.0 200").map(|(at, _)| at);
    let answers: Vec<usize> = answers.collect();
    let bye = carols.iter().position(|line| line.starts_with("BYE")).expect("Carol ends the replaced call");
    assert!(answers.len() >= 3 && answers[2] < bye, "{carols:#?}");
    assert!(net.parties[0].engine.tap().events.iter().any(|event| {
        event.session == Some(consultation) && matches!(event.kind, EventKind::CallEnded { .. })
    }));
    for party in 0..3 {
        net.ask(party, Command::HangUpAll);
    }
    net.nothing_is_left();
}

#[test]
fn a_busy_target_is_not_referred_to_and_the_party_comes_back() {
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", Some(StatusCode::BUSY_HERE))]);
    let call = net.call(0, 1);
    consult(&mut net, call, 2, Completion::OnAnswer);
    net.run(Duration::from_secs(2));
    assert_eq!(net.outcomes(0), [(OutcomeKind::Recovered, Some(486), true)]);
    assert!(!methods(&mut net, 0).contains(&"REFER".to_owned()));
    net.ask(0, Command::HangUp { session: call });
    net.nothing_is_left();
}

#[test]
fn a_transfer_between_two_calls_of_ours_needs_two() {
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", OK)]);
    let call = net.call(0, 1);
    let options = AttendedOptions::default();
    let same = net.ask(0, Command::Attended { session: call, consultation: call, options });
    let refused = TransferError::Refused(TransferRefusal::SameCall);
    assert_eq!(net.reply(0, same).and_then(|result| result.as_ref().err()), Some(&refused.into()));
    let other = net.call(0, 2);
    net.ask(0, Command::Hold { session: call });
    net.ask(0, Command::Attended { session: call, consultation: other, options });
    net.run(Duration::from_secs(2));
    assert_eq!(net.outcomes(0), [(OutcomeKind::Succeeded, Some(200), false)], "{:#?}", net.sent(0));
    for party in 0..3 {
        net.ask(party, Command::HangUpAll);
    }
    net.nothing_is_left();
}

/// The values of a header in the requests of one method that a party has sent.
pub(crate) fn header(net: &mut Net, party: usize, method: &str, name: &str) -> Vec<String> {
    let wire = net.parties[party].engine.tap().wire.iter();
    let requests = wire.filter(|message| message.starts_with(method));
    let value = |message: &String| {
        message.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
    };
    requests.map(|message| value(message).unwrap_or_default()).collect()
}

#[test]
fn a_second_refer_has_reports_with_its_own_id_and_there_is_no_third() {
    // covers: TR-171, TR-020
    let mut net = Net::configured(&[("alice", OK), ("bob", OK), ("carol", OK)], |config| {
        config.policy.replaces = ReplacesAuthorizer::Deny;
        // So that the Contact is another address than the one of record.
        config.contact_user = Some("desk".into());
    });
    let call = net.call(0, 1);
    let asked = consult(&mut net, call, 2, Completion::OnAnswer);
    net.run(Duration::from_secs(5));
    assert!(net.reply(0, asked).is_some());
    assert_eq!(net.outcomes(0), [(OutcomeKind::Recovered, Some(403), true)], "{:#?}", net.sent(0));
    let refers = header(&mut net, 0, "REFER", "CSeq:");
    assert_eq!(refers.len(), 2, "{refers:?}");
    let second = refers[1].split(' ').next().expect("a number").to_owned();
    let events = header(&mut net, 1, "NOTIFY", "Event:");
    let (of_second, of_first): (Vec<String>, Vec<String>) =
        events.into_iter().partition(|event| *event == format!("refer;id={second}"));
    assert!(!of_first.is_empty() && !of_second.is_empty(), "{of_first:?} {of_second:?}");
    let first = refers[0].split(' ').next().expect("a number").to_owned();
    assert!(of_first.iter().all(|event| event == "refer" || *event == format!("refer;id={first}")));
    for party in 0..3 {
        net.ask(party, Command::HangUpAll);
    }
    net.nothing_is_left();
}
