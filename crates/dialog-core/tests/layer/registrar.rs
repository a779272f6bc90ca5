//! The registrar's part: what the tests of registrations ask and answer.

use std::time::Duration;

use dialog_core::{
    Account, DialogCommand, DialogEvent, Registered, RegistrationCommand, RegistrationEvent,
    RegistrationFailure, RegistrationId,
};
use sip_message::{HeaderId, Response};

use crate::bench::{Bench, Sent, address_of, uri};

pub(crate) const INSTANCE: &str = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
pub(crate) const PUB_GRUU: &str = "sip:alice@example.com;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
pub(crate) const TEMP_GRUU: &str = "sip:tgruu.7hs@example.com;gr";

/// What becomes of a request of ours.
pub(crate) type Outcome<'t> = &'t dyn Fn(&mut Bench, &Sent);

pub(crate) fn account() -> Account {
    let mut account = Account::new(address_of("<sip:alice@example.com>")).expect("an account");
    account.contact_user = Some("alice".into());
    account
}

/// An account that asks for outbound and a GRUU.
pub(crate) fn outbound_account() -> Account {
    let mut account = account();
    account.instance = Some(INSTANCE.into());
    account.reg_id = Some(1);
    account
}

pub(crate) fn register(bench: &mut Bench, account: Account) -> RegistrationId {
    let id = bench.ids.mint();
    command(bench, id, RegistrationCommand::Register(Box::new(account)));
    id
}

pub(crate) fn command(bench: &mut Bench, id: RegistrationId, command: RegistrationCommand) {
    bench.command(DialogCommand::Registration(id, command));
}

/// The binding of a REGISTER as a registrar repeats it.
pub(crate) fn binding(sent: &Sent, expires: u32) -> String {
    let contact = sent.message.first(HeaderId::Contact).expect("a Contact");
    let at = contact.find(";expires=").expect("a duration");
    format!("{};expires={expires}", &contact[..at])
}

/// Answers 200 with our binding.
pub(crate) fn accept(bench: &mut Bench, sent: &Sent, expires: u32) {
    let contact = binding(sent, expires);
    bench.reply(sent, 200, "registrar", |response| response.contact(&contact));
}

/// Answers 200 with our binding and whatever `dress` adds.
pub(crate) fn accept_with(bench: &mut Bench, sent: &Sent, dress: impl FnOnce(Response<'_>) -> Response<'_>) {
    let contact = binding(sent, 3_600);
    bench.reply(sent, 200, "registrar", |response| dress(response.contact(&contact)));
}

/// Answers with a status alone.
pub(crate) fn refuse(bench: &mut Bench, sent: &Sent, status: u16) {
    bench.reply(sent, status, "registrar", |response| response);
}

/// A registration whose binding stands for an hour.
pub(crate) fn registered(bench: &mut Bench, account: Account) -> RegistrationId {
    let id = register(bench, account);
    let sent = bench.last_sent();
    accept(bench, &sent, 3_600);
    id
}

/// One that has outbound with both GRUUs, over a connection.
pub(crate) fn registered_outbound(bench: &mut Bench) -> RegistrationId {
    bench.transport = sip_transport::Transport::Tcp;
    let id = register(bench, outbound_account());
    let sent = bench.last_sent();
    let gruus = format!("{};pub-gruu=\"{PUB_GRUU}\";temp-gruu=\"{TEMP_GRUU}\"", binding(&sent, 3_600));
    bench.reply(&sent, 200, "registrar", |response| {
        response
            .contact(&gruus)
            .header(HeaderId::Require, "outbound")
            .header(HeaderId::ServiceRoute, "<sip:edge.example.com;lr>")
            .header(HeaderId::FlowTimer, 40)
    });
    id
}

pub(crate) fn events(bench: &Bench, id: RegistrationId) -> Vec<RegistrationEvent> {
    bench
        .events
        .iter()
        .filter_map(|event| match event {
            DialogEvent::Registration(of, event) if *of == id => Some(event.clone()),
            _ => None,
        })
        .collect()
}

pub(crate) fn last(bench: &Bench, id: RegistrationId) -> RegistrationEvent {
    events(bench, id).pop().expect("an event")
}

pub(crate) fn standing(bench: &Bench, id: RegistrationId) -> Registered {
    match last(bench, id) {
        RegistrationEvent::Registered(registered) => *registered,
        other => panic!("no binding stands: {other:?}"),
    }
}

/// The last event: a failure, and after what time it is tried again.
pub(crate) fn failure(bench: &Bench, id: RegistrationId) -> (RegistrationFailure, Option<Duration>) {
    match last(bench, id) {
        RegistrationEvent::Failed { failure, retry_after } => (failure, retry_after),
        other => panic!("no failure: {other:?}"),
    }
}

pub(crate) fn target(sent: &Sent) -> String {
    uri(sent.message.request_uri().expect("a request")).to_string()
}

pub(crate) fn expires(sent: &Sent) -> Option<u32> {
    sent.message.expires()
}

pub(crate) fn cseq(sent: &Sent) -> u32 {
    sent.message.cseq().expect("a CSeq").number
}
