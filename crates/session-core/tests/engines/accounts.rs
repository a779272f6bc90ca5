//! Transfers of an agent with several accounts: the other parties know us by the account that a call goes by.

use std::time::Duration;

use session_core::{
    Account, AttendedOptions, CallOptions, Completion, OutcomeKind, RegistrationId, SessionId,
    engine::{AccountCommand, Command, Reply},
};

use crate::{
    attended::header,
    net::{Net, OK},
};

const ALICE: usize = 0;
const A_WHILE: Duration = Duration::from_secs(3);

/// Alice with two accounts, whose registrar nobody plays; the one that was registered last.
fn three() -> (Net, RegistrationId) {
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", OK)]);
    let ids = ["sip:first@example.com", "sip:second@example.com"].map(|aor| {
        let aor: sip_message::UriBuf = aor.parse().expect("test URI");
        let mut account = Account::new(aor.into()).expect("an account");
        account.registrars = vec!["sip:192.0.2.99".parse().expect("test URI")];
        let id = net.ask(ALICE, Command::Account(AccountCommand::Register(Box::new(account))));
        match net.reply(ALICE, id) {
            Some(Ok(Reply::Registration(registration))) => *registration,
            other => panic!("no account: {other:?}"),
        }
    });
    (net, ids[1])
}

fn call_as(net: &mut Net, registration: Option<RegistrationId>, target: usize) -> SessionId {
    let target = format!("sip:x@{}", net.parties[target].address).parse().expect("test URI");
    let options = CallOptions { registration, ..CallOptions::default() };
    let id = net.ask(ALICE, Command::Call { target, options });
    net.run(Duration::from_millis(100));
    match net.reply(ALICE, id) {
        Some(Ok(Reply::Session(session))) => *session,
        other => panic!("no call: {other:?}"),
    }
}

/// The user of an address in a header.
fn user(value: &str) -> &str {
    value.split_once("sip:").and_then(|(_, rest)| rest.split_once('@')).map_or(value, |(user, _)| user)
}

#[test]
fn referred_by_is_the_account_that_the_calls_go_by_and_the_target_accepts_it() {
    // covers: TR-140
    for (named, name) in [(false, "first"), (true, "second")] {
        let (mut net, second) = three();
        let call = call_as(&mut net, named.then_some(second), 1);
        let target = format!("sip:carol@{}", net.parties[2].address).parse().expect("test URI");
        let options = AttendedOptions::default();
        net.ask(ALICE, Command::Consult { session: call, target, options, completion: Completion::OnAnswer });
        net.run(A_WHILE);
        assert_eq!(net.outcomes(ALICE), [(OutcomeKind::Succeeded, Some(200), false)]);
        let from = header(&mut net, ALICE, "INVITE", "From:");
        assert!(from.iter().all(|from| user(from) == name), "{from:?}");
        let referrer = header(&mut net, ALICE, "REFER", "Referred-By:");
        assert_eq!(referrer, [format!("<sip:{name}@example.com>")]);
    }
}

#[test]
fn between_calls_of_two_accounts_the_one_that_the_replaced_call_goes_by_is_named() {
    let (mut net, second) = three();
    let (session, consultation) = (call_as(&mut net, None, 1), call_as(&mut net, Some(second), 2));
    net.ask(ALICE, Command::Attended { session, consultation, options: AttendedOptions::default() });
    net.run(A_WHILE);
    assert_eq!(net.outcomes(ALICE), [(OutcomeKind::Succeeded, Some(200), false)]);
    let referrer = header(&mut net, ALICE, "REFER", "Referred-By:");
    assert_eq!(referrer, ["<sip:second@example.com>"]);
}

#[test]
fn a_blind_transfer_names_the_account_of_its_call() {
    let (mut net, second) = three();
    let session = call_as(&mut net, Some(second), 1);
    let target = format!("sip:carol@{}", net.parties[2].address).parse().expect("test URI");
    net.ask(ALICE, Command::Blind { session, target });
    net.run(A_WHILE);
    assert_eq!(net.outcomes(ALICE), [(OutcomeKind::Succeeded, Some(200), false)]);
    let referrer = header(&mut net, ALICE, "REFER", "Referred-By:");
    assert_eq!(referrer, ["<sip:second@example.com>"]);
}
