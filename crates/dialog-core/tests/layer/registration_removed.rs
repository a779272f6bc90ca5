//! Whether a binding may still stand at the registrar when it is to be over (RFC 3261 §10.2.2).

use std::time::Duration;

use dialog_core::{RegistrationCommand, RegistrationEvent, RegistrationId};
use sip_message::{HeaderId, Method};
use sip_transport::{CloseCause, FlowId, RouteError, Transport};
use transaction_core::{TxEvent, TxFailure};

use crate::{
    bench::{Bench, Sent},
    registrar::{Outcome, accept, account, command, expires, failure, last, refuse, register, registered},
};

fn unregister(bench: &mut Bench, id: RegistrationId) -> Sent {
    command(bench, id, RegistrationCommand::Unregister);
    bench.last_sent()
}

/// Whether it is over as was asked, and then whether the registrar has said so.
fn confirmed(bench: &Bench, id: RegistrationId) -> Option<bool> {
    match last(bench, id) {
        RegistrationEvent::Unregistered { confirmed } => Some(confirmed),
        _ => None,
    }
}

fn removal_of(sent: &Sent) -> &str {
    assert_eq!(expires(sent), Some(0));
    sent.message.first(HeaderId::Contact).expect("a Contact")
}

#[test]
fn a_binding_whose_connection_broke_is_taken_back_by_another_under_its_own_contact() {
    let mut bench = Bench::new();
    bench.transport = Transport::Tcp;
    let id = registered(&mut bench, account());
    bench.receive(TxEvent::FlowEnded { flow: FlowId::from(1), cause: CloseCause::Closed });
    assert!(failure(&bench, id).1.is_some());
    bench.flow = 2;
    // The next way has another address of ours.
    bench.transport = Transport::Tls;
    let sent = unregister(&mut bench, id);
    assert_eq!(removal_of(&sent), "<sip:alice@192.0.2.1:5060;transport=tcp>;expires=0");
    assert_eq!((confirmed(&bench, id), bench.routes.last().expect("a route").flow), (None, None));
    bench.reply(&sent, 200, "registrar", |response| response);
    assert_eq!(confirmed(&bench, id), Some(true));
    assert!(bench.is_clean() && bench.kept.is_empty());
}

#[test]
fn a_binding_whose_answer_was_lost_is_taken_back() {
    let lost: [Outcome<'_>; 3] = [
        &|bench, sent| bench.fail(sent, TxFailure::Timeout),
        &|bench, sent| bench.fail(sent, TxFailure::Flow),
        // A proxy has had no answer.
        &|bench, sent| refuse(bench, sent, 408),
    ];
    for lose in lost {
        let mut bench = Bench::new();
        let id = register(&mut bench, account());
        let sent = bench.last_sent();
        lose(&mut bench, &sent);
        let sent = unregister(&mut bench, id);
        assert_eq!(removal_of(&sent), "<sip:alice@192.0.2.1:5060>;expires=0");
        bench.fail(&sent, TxFailure::Timeout);
        assert_eq!(confirmed(&bench, id), Some(false));
        assert!(bench.is_clean());
    }
}

#[test]
fn a_binding_that_nobody_lists_is_taken_back() {
    let mut bench = Bench::new();
    let id = register(&mut bench, account());
    let sent = bench.last_sent();
    bench.reply(&sent, 200, "registrar", |it| it.header(HeaderId::Contact, "<sip:carol@192.0.2.9>"));
    let sent = unregister(&mut bench, id);
    removal_of(&sent);
}

#[test]
fn a_binding_whose_time_is_over_is_not_taken_back() {
    let mut bench = Bench::new();
    let id = registered(&mut bench, account());
    command(&mut bench, id, RegistrationCommand::Refresh);
    for _ in 0..64 {
        if matches!(last(&bench, id), RegistrationEvent::Lapsed) {
            break;
        }
        let sent = bench.last_sent();
        refuse(&mut bench, &sent, 503);
        bench.advance(Duration::from_mins(1));
    }
    assert!(matches!(last(&bench, id), RegistrationEvent::Lapsed));
    let sent = bench.last_sent();
    refuse(&mut bench, &sent, 503);
    let before = bench.sent.len();
    command(&mut bench, id, RegistrationCommand::Unregister);
    assert_eq!((confirmed(&bench, id), bench.sent.len()), (Some(true), before));
}

#[test]
fn without_a_way_to_the_registrar_it_is_over_at_once_and_not_confirmed() {
    let mut bench = Bench::new();
    let id = registered(&mut bench, account());
    command(&mut bench, id, RegistrationCommand::Refresh);
    let sent = bench.last_sent();
    bench.fail(&sent, TxFailure::Timeout);
    bench.no_route = Some(RouteError::Unresolved);
    command(&mut bench, id, RegistrationCommand::Unregister);
    assert_eq!((confirmed(&bench, id), bench.count_of(Method::Register)), (Some(false), 2));
    assert!(bench.is_clean());
}

/// A refresh that the registrar rejects leaves what it has granted before.
#[test]
fn a_rejected_refresh_confirms_nothing() {
    let mut bench = Bench::new();
    let id = registered(&mut bench, account());
    command(&mut bench, id, RegistrationCommand::Refresh);
    let sent = unregister(&mut bench, id);
    assert_eq!(expires(&sent), Some(3_600));
    refuse(&mut bench, &sent, 403);
    assert_eq!(confirmed(&bench, id), Some(false));
    assert!(bench.is_clean());
}

#[test]
fn a_first_register_that_is_rejected_leaves_nothing_to_be_confirmed() {
    let mut bench = Bench::new();
    let id = register(&mut bench, account());
    let sent = unregister(&mut bench, id);
    refuse(&mut bench, &sent, 403);
    assert_eq!(confirmed(&bench, id), Some(true));
}

/// The route of a refresh is being looked for while a binding stands elsewhere.
#[test]
fn a_binding_is_taken_back_although_the_register_that_was_to_follow_was_not_sent() {
    let mut bench = Bench::new();
    bench.transport = Transport::Tcp;
    let id = registered(&mut bench, account());
    bench.advance(Duration::from_mins(1));
    bench.route_at_once = false;
    bench.receive(TxEvent::FlowEnded { flow: FlowId::from(1), cause: CloseCause::Closed });
    command(&mut bench, id, RegistrationCommand::Unregister);
    bench.route_at_once = true;
    let route = bench.routes.pop().expect("a route");
    bench.answer_route(&route);
    let sent = bench.last_sent();
    removal_of(&sent);
    accept(&mut bench, &sent, 0);
    assert_eq!(confirmed(&bench, id), Some(true));
}
