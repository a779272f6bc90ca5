//! Whole transfers by manual steps alone: on the wire they are the automatic ones.

use std::{collections::BTreeMap, time::Duration};

use session_core::{
    AttendedOptions, Completion, Decision, EventKind, OutcomeKind, ReferDecision, ReferTo, SessionId,
    StatusCode, TransferHandling, TransferId, TransferProgress,
    engine::{Command, CommandId, ManualCommand, Reply},
};

use crate::net::{Net, OK};

const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;
const A_WHILE: Duration = Duration::from_secs(2);

pub(crate) fn names() -> [(&'static str, Option<StatusCode>); 3] {
    // Carol rings until she is told to answer.
    [("alice", OK), ("bob", OK), ("carol", None)]
}

pub(crate) fn step(net: &mut Net, party: usize, command: ManualCommand) -> CommandId {
    net.ask(party, Command::Manual(command))
}

pub(crate) fn by_hand(net: &mut Net, party: usize, session: SessionId) {
    let id = step(net, party, ManualCommand::Handling { session, handling: TransferHandling::Manual });
    assert!(matches!(net.reply(party, id), Some(Ok(Reply::Done))));
}

pub(crate) fn hold(net: &mut Net, party: usize, session: SessionId) {
    let id = net.ask(party, Command::Hold { session });
    assert!(matches!(net.reply(party, id), Some(Ok(Reply::Hold(state))) if state.local));
}

/// Sends the REFER and waits for its final response.
pub(crate) fn refer(net: &mut Net, party: usize, session: SessionId, to: ReferTo) -> TransferId {
    let id = step(
        net,
        party,
        ManualCommand::SendRefer { session, to, refer: None, options: AttendedOptions::default() },
    );
    net.run(Duration::from_millis(400));
    match net.reply(party, id) {
        Some(Ok(Reply::Stepped(transfer))) => *transfer,
        other => panic!("the REFER was not answered: {other:?}"),
    }
}

pub(crate) fn decided(net: &mut Net, party: usize, transfer: TransferId) -> ReferDecision {
    let id = step(net, party, ManualCommand::ProcessResponse { transfer });
    match net.reply(party, id) {
        Some(Ok(Reply::Decided(decision))) => *decision,
        other => panic!("nothing was decided: {other:?}"),
    }
}

pub(crate) fn target(net: &Net, party: usize) -> ReferTo {
    ReferTo::Target(format!("sip:x@{}", net.parties[party].address).parse().expect("test URI"))
}

/// The newest call of a party that came up.
pub(crate) fn newest(net: &mut Net, party: usize) -> SessionId {
    let mut events = net.parties[party].engine.tap().events.iter().rev();
    let call = events.find(|event| matches!(event.kind, EventKind::Established { .. }));
    call.and_then(|event| event.session).expect("a call is up")
}

fn answer(net: &mut Net, party: usize) {
    let mut events = net.parties[party].engine.tap().events.iter().rev();
    let call = events.find(|event| matches!(event.kind, EventKind::IncomingCall { .. }));
    let session = call.and_then(|event| event.session).expect("a call came in");
    net.ask(party, Command::Answer { session, source: None });
}

/// The transferor's steps after the REFER was answered, while Bob calls Carol and she answers.
fn see_through(net: &mut Net, call: SessionId, transfer: TransferId, ring: bool) {
    assert_eq!(decided(net, ALICE, transfer), ReferDecision::GoOn);
    let mut statuses = Vec::new();
    if ring {
        net.run(A_WHILE);
        answer(net, CAROL);
    }
    loop {
        let id = step(net, ALICE, ManualCommand::TakeNotify { transfer });
        net.run(Duration::from_millis(1500));
        let progress: TransferProgress = match net.reply(ALICE, id) {
            Some(Ok(Reply::Progress(progress))) => progress.clone(),
            other => panic!("no NOTIFY came: {other:?}"),
        };
        assert!(progress.sipfrag.starts_with(b"SIP/2.0 "), "the sipfrag is given as it came");
        statuses.extend(progress.status.map(StatusCode::as_u16));
        if progress.is_final() {
            assert!(progress.is_success() && progress.terminated);
            break;
        }
    }
    assert_eq!((statuses.first(), statuses.last()), (Some(&100), Some(&200)));
    let bye = |line: &String| line.starts_with("BYE");
    assert!(!net.sent(ALICE).iter().any(bye), "the call ends when the application says so");
    let id = step(net, ALICE, ManualCommand::Terminate { session: call, transfer });
    net.run(A_WHILE);
    assert!(matches!(net.reply(ALICE, id), Some(Ok(Reply::Done))), "{:?}", net.reply(ALICE, id));
}

/// The transferee's steps from the REFER on.
fn follow(net: &mut Net, ring: bool) {
    net.run(Duration::from_millis(100));
    let transfer = *net.parties[BOB].asked.last().expect("Bob is asked");
    let accept = step(net, BOB, ManualCommand::AcceptRefer { transfer });
    assert!(matches!(net.reply(BOB, accept), Some(Ok(Reply::Done))), "{:?}", net.reply(BOB, accept));
    if ring {
        let status = StatusCode::RINGING;
        let report = step(net, BOB, ManualCommand::Notify { transfer, status, last: false });
        assert!(net.reply(BOB, report).is_none(), "a second has to pass (TR-019)");
        net.run(A_WHILE);
        assert!(matches!(net.reply(BOB, report), Some(Ok(Reply::Done))));
        answer(net, CAROL);
    }
    let report = step(net, BOB, ManualCommand::Notify { transfer, status: StatusCode::OK, last: true });
    net.run(A_WHILE);
    assert!(matches!(net.reply(BOB, report), Some(Ok(Reply::Done))), "{:?}", net.reply(BOB, report));
}

/// What every party has sent, with the names of calls, dialogs and transactions by their order of appearance.
fn trace(net: &mut Net) -> Vec<Vec<String>> {
    (0..net.parties.len())
        .map(|party| {
            let wire = net.parties[party].engine.tap().wire.clone();
            let mut names: BTreeMap<String, usize> = BTreeMap::new();
            for message in &wire {
                for token in tokens(message) {
                    let next = names.len();
                    names.entry(token).or_insert(next);
                }
            }
            let plain = |message: &String| {
                let replaced = names.iter().fold(message.clone(), |text, (token, name)| {
                    text.replace(&token.replace('@', "%40"), &format!("<{name}>"))
                        .replace(token.as_str(), &format!("<{name}>"))
                });
                replaced
                    .lines()
                    .map(|line| if line.starts_with("o=") { "o=" } else { line })
                    .collect::<Vec<_>>()
                    .join("\n")
            };
            wire.iter().map(plain).collect()
        })
        .collect()
}

/// The Call-ID, tags and branches of a message.
fn tokens(message: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    for line in message.lines() {
        if let Some(call) = line.strip_prefix("Call-ID: ") {
            tokens.push(call.to_owned());
        }
        for mark in ["tag=", "branch="] {
            for part in line.split(mark).skip(1) {
                let token: String = part.chars().take_while(|c| !";>,%& ".contains(*c)).collect();
                if !token.is_empty() {
                    tokens.push(token);
                }
            }
        }
    }
    tokens
}

fn assert_same(automatic: &mut Net, manual: &mut Net) {
    let (expected, found) = (trace(automatic), trace(manual));
    for (party, (expected, found)) in expected.iter().zip(&found).enumerate() {
        assert!(!expected.is_empty(), "party {party} has sent something");
        for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
            assert_eq!(expected, found, "message {index} of party {party}");
        }
        assert_eq!(expected.len(), found.len(), "party {party}");
    }
}

/// Ends what is still up and checks that nothing is left.
fn clear(net: &mut Net) {
    net.ask(CAROL, Command::HangUpAll);
    net.ask(ALICE, Command::HangUpAll);
    net.nothing_is_left();
}

fn blind() -> Net {
    let mut net = Net::new(&names());
    let call = net.call(ALICE, BOB);
    let ReferTo::Target(target) = target(&net, CAROL) else { unreachable!("it is a target") };
    net.ask(ALICE, Command::Blind { session: call, target });
    net.run(A_WHILE);
    answer(&mut net, CAROL);
    net.run(A_WHILE);
    assert_eq!(net.outcomes(ALICE), [(OutcomeKind::Succeeded, Some(200), false)]);
    assert_eq!(net.outcomes(BOB), [(OutcomeKind::Succeeded, Some(200), false)]);
    net
}

fn consult(net: &mut Net, by_hand_of: Option<usize>) -> (SessionId, SessionId) {
    let call = net.call(ALICE, BOB);
    match by_hand_of {
        Some(ALICE) => by_hand(net, ALICE, call),
        Some(party) => {
            let session = newest(net, party);
            by_hand(net, party, session);
        }
        None => {}
    }
    let ReferTo::Target(target) = target(net, CAROL) else { unreachable!("it is a target") };
    let (options, completion) = (AttendedOptions::default(), Completion::OnCommand);
    let id = net.ask(ALICE, Command::Consult { session: call, target, options, completion });
    net.run(A_WHILE);
    answer(net, CAROL);
    net.run(A_WHILE);
    match net.reply(ALICE, id) {
        Some(Ok(Reply::Consultation(_, consultation))) => (call, *consultation),
        other => panic!("no consultation: {other:?}"),
    }
}

fn attended() -> Net {
    let mut net = Net::new(&names());
    let (session, consultation) = consult(&mut net, None);
    net.ask(ALICE, Command::Attended { session, consultation, options: AttendedOptions::default() });
    net.run(A_WHILE * 2);
    assert_eq!(net.outcomes(ALICE), [(OutcomeKind::Succeeded, Some(200), false)]);
    net
}

#[test]
fn a_blind_transfer_by_the_transferors_steps_is_on_the_wire_the_automatic_one() {
    // covers: TR-161, TR-162, TR-252
    let mut net = Net::new(&names());
    let call = net.call(ALICE, BOB);
    by_hand(&mut net, ALICE, call);
    hold(&mut net, ALICE, call);
    let to = target(&net, CAROL);
    let transfer = refer(&mut net, ALICE, call, to);
    see_through(&mut net, call, transfer, true);
    assert_eq!(net.outcomes(ALICE), [(OutcomeKind::Succeeded, Some(200), false)]);
    assert_same(&mut blind(), &mut net);
    clear(&mut net);
}

#[test]
fn a_blind_transfer_by_the_transferees_steps_is_on_the_wire_the_automatic_one() {
    // covers: TR-010, TR-013, TR-255
    let mut net = Net::new(&names());
    let call = net.call(ALICE, BOB);
    let session = newest(&mut net, BOB);
    by_hand(&mut net, BOB, session);
    let ReferTo::Target(target) = target(&net, CAROL) else { unreachable!("it is a target") };
    net.ask(ALICE, Command::Blind { session: call, target });
    follow(&mut net, true);
    assert_eq!(net.outcomes(BOB), [(OutcomeKind::Succeeded, Some(200), false)]);
    assert_same(&mut blind(), &mut net);
    clear(&mut net);
}

#[test]
fn an_attended_transfer_by_the_transferors_steps_is_on_the_wire_the_automatic_one() {
    // covers: TR-167
    let mut net = Net::new(&names());
    let (call, consultation) = consult(&mut net, Some(ALICE));
    let transfer = refer(&mut net, ALICE, call, ReferTo::Call(consultation));
    see_through(&mut net, call, transfer, false);
    assert_eq!(net.outcomes(ALICE), [(OutcomeKind::Succeeded, Some(200), false)]);
    assert_same(&mut attended(), &mut net);
    clear(&mut net);
}

#[test]
fn an_attended_transfer_by_the_transferees_steps_is_on_the_wire_the_automatic_one() {
    let mut net = Net::new(&names());
    let (session, consultation) = consult(&mut net, Some(BOB));
    net.ask(ALICE, Command::Attended { session, consultation, options: AttendedOptions::default() });
    follow(&mut net, false);
    net.run(A_WHILE);
    assert_eq!(net.outcomes(BOB), [(OutcomeKind::Succeeded, Some(200), false)]);
    assert_same(&mut attended(), &mut net);
    clear(&mut net);
}

#[test]
fn a_transferee_that_handles_it_itself_calls_whom_it_likes() {
    // covers: TR-018
    let mut net = Net::new(&names());
    let call = net.call(ALICE, BOB);
    let session = newest(&mut net, BOB);
    by_hand(&mut net, BOB, session);
    let ReferTo::Target(target) = target(&net, CAROL) else { unreachable!("it is a target") };
    net.ask(ALICE, Command::Blind { session: call, target });
    let transfer = net.parties[BOB].asked[0];
    net.ask(BOB, Command::Decide { transfer, decision: Decision::HandleMyself });
    net.run(A_WHILE);
    let invites = net.sent(BOB).iter().filter(|line| line.starts_with("INVITE")).count();
    assert_eq!(invites, 0, "nobody is called");
    step(&mut net, BOB, ManualCommand::Notify { transfer, status: StatusCode::OK, last: true });
    net.run(A_WHILE);
    assert_eq!(net.outcomes(ALICE), [(OutcomeKind::Succeeded, Some(200), false)]);
    assert_eq!(net.outcomes(BOB), [(OutcomeKind::Succeeded, Some(200), false)]);
    net.nothing_is_left();
}
