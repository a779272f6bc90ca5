//! The registrars of an account in turn, once it is registered over a connection to one of them.

use dialog_core::{RegistrationCommand, RegistrationId};
use sip_message::{HeaderId, Method};
use sip_transport::{FlowId, Transport};
use transaction_core::TxFailure;

use crate::{
    bench::{Bench, Sent, invite, uri},
    registrar::{
        Outcome, accept, accept_with, account, command, expires, failure, outbound_account, refuse, register,
        registered, target,
    },
};

const ONE: &str = "sip:one.example.com";
const TWO: &str = "sip:two.example.com";
/// Where the first one sends us.
const THREE: &str = "sip:three.example.com";

/// One that is registered at the first of two registrars, over a connection.
fn bound() -> (Bench, RegistrationId) {
    let mut bench = Bench::new();
    bench.transport = Transport::Tcp;
    let mut account = account();
    account.registrars = vec![uri(ONE), uri(TWO)];
    let id = registered(&mut bench, account);
    (bench, id)
}

/// One that has moved to the second registrar, over another connection, and whose next refresh both refuse.
fn refused_at_both() -> (Bench, RegistrationId) {
    let (mut bench, id) = bound();
    let sent = refresh(&mut bench, id);
    refuse(&mut bench, &sent, 503);
    bench.flow = 2;
    let sent = bench.last_sent();
    accept(&mut bench, &sent, 3_600);
    command(&mut bench, id, RegistrationCommand::Refresh);
    for _ in 0..2 {
        let sent = bench.last_sent();
        refuse(&mut bench, &sent, 503);
    }
    (bench, id)
}

/// Refreshes, and gives the REGISTER that went by the connection of the binding.
fn refresh(bench: &mut Bench, id: RegistrationId) -> Sent {
    command(bench, id, RegistrationCommand::Refresh);
    let sent = bench.last_sent();
    assert_eq!(by(bench, &sent), (ONE.into(), Some(FlowId::from(1))));
    sent
}

/// Where the last REGISTER goes, and by which connection it is to go there.
fn by(bench: &Bench, sent: &Sent) -> (String, Option<FlowId>) {
    (target(sent), bench.routes.last().expect("a route").flow)
}

#[test]
fn the_next_registrar_is_not_asked_by_the_connection_to_the_first() {
    let ends: [(&str, Outcome<'_>); 4] = [
        (TWO, &|bench, sent| refuse(bench, sent, 503)),
        (TWO, &|bench, sent| refuse(bench, sent, 480)),
        (TWO, &|bench, sent| bench.fail(sent, TxFailure::Timeout)),
        (THREE, &|bench, sent| {
            bench.reply(sent, 302, "registrar", |it| it.header(HeaderId::Contact, format!("<{THREE}>")));
        }),
    ];
    for (next, end) in ends {
        let (mut bench, id) = bound();
        let sent = refresh(&mut bench, id);
        end(&mut bench, &sent);
        let sent = bench.last_sent();
        assert_eq!((bench.count_of(Method::Register), by(&bench, &sent)), (3, (next.into(), None)));

        // Once the binding is there, its refreshes go by the connection to there.
        bench.flow = 2;
        accept(&mut bench, &sent, 3_600);
        command(&mut bench, id, RegistrationCommand::Refresh);
        let sent = bench.last_sent();
        assert_eq!(by(&bench, &sent), (next.into(), Some(FlowId::from(2))));
    }
}

#[test]
fn after_the_wait_the_connection_of_the_binding_is_for_its_own_registrar_only() {
    let (mut bench, id) = refused_at_both();
    bench.advance(failure(&bench, id).1.expect("it goes on"));
    let sent = bench.last_sent();
    assert_eq!(by(&bench, &sent), (ONE.into(), None));
    refuse(&mut bench, &sent, 503);
    let sent = bench.last_sent();
    assert_eq!(by(&bench, &sent), (TWO.into(), Some(FlowId::from(2))));
}

/// RFC 5626 §4.2.2: who refuses for a while keeps the flow; who is silent may have other servers.
#[test]
fn a_registrar_that_refused_is_asked_again_by_its_connection_and_one_that_was_silent_by_any() {
    for (silent, flow) in [(false, Some(FlowId::from(1))), (true, None)] {
        let mut bench = Bench::new();
        bench.transport = Transport::Tcp;
        let id = registered(&mut bench, account());
        command(&mut bench, id, RegistrationCommand::Refresh);
        let sent = bench.last_sent();
        if silent {
            bench.fail(&sent, TxFailure::Timeout);
        } else {
            refuse(&mut bench, &sent, 503);
        }
        bench.advance(failure(&bench, id).1.expect("it goes on"));
        assert_eq!((bench.sent.len(), bench.routes[2].flow), (3, flow));
        // It is the connection of the binding again once it is registered over.
        let sent = bench.last_sent();
        accept(&mut bench, &sent, 3_600);
        command(&mut bench, id, RegistrationCommand::Refresh);
        assert_eq!(bench.routes[3].flow, Some(FlowId::from(1)));
    }
}

#[test]
fn a_binding_is_taken_back_where_it_stands() {
    let (mut bench, id) = refused_at_both();
    command(&mut bench, id, RegistrationCommand::Unregister);
    let sent = bench.last_sent();
    assert_eq!((expires(&sent), by(&bench, &sent)), (Some(0), (TWO.into(), Some(FlowId::from(2)))));
}

#[test]
fn while_another_proxy_is_tried_calls_go_by_the_one_of_the_binding() {
    let mut bench = Bench::new();
    bench.transport = Transport::Tcp;
    let mut account = outbound_account();
    account.proxies = vec![uri("sip:p.example.com;lr"), uri("sip:q.example.com;lr")];
    let id = register(&mut bench, account);
    let sent = bench.last_sent();
    accept_with(&mut bench, &sent, |it| it.header(HeaderId::Require, "outbound"));
    command(&mut bench, id, RegistrationCommand::Refresh);
    let sent = bench.last_sent();
    refuse(&mut bench, &sent, 503);
    assert_eq!(bench.last_sent().message.first(HeaderId::Route), Some("<sip:q.example.com;lr>"));
    assert_eq!(bench.routes.last().expect("a route").flow, None);
    bench.place_with(dialog_core::Invite { registration: Some(id), ..invite() });
    let sent = bench.last_of(Method::Invite);
    assert_eq!(sent.message.first(HeaderId::Route), Some("<sip:p.example.com;lr>"));
    assert_eq!(bench.routes.last().expect("a route").flow, Some(FlowId::from(1)));
}
