//! A call of an account whose outbound proxy is of no use goes by the next one (RFC 3263 §4.3), where nobody can have been
//! alerted.

use dialog_core::{EndReason, Invite, LegCommand, LegEvent, LegId, RegistrationId};
use sip_message::{HeaderId, Method, StatusCode};
use sip_transport::{FlowId, RouteError, Transport};
use transaction_core::TxFailure;

use crate::{
    bench::{Bench, PEER_TAG, Sent, code, invite, uri},
    registrar::{Outcome, accept_with, outbound_account, register},
};

const P: &str = "<sip:p.example.com;lr>";
const Q: &str = "<sip:q.example.com;lr>";
const R: &str = "<sip:r.example.com;lr>";

/// An account with three proxies, registered by the first of them.
fn account(bench: &mut Bench) -> RegistrationId {
    bench.transport = Transport::Tcp;
    let mut account = outbound_account();
    account.proxies =
        ["sip:p.example.com;lr", "sip:q.example.com;lr", "sip:r.example.com;lr"].map(uri).into();
    let id = register(bench, account);
    let sent = bench.last_sent();
    accept_with(bench, &sent, |it| it.header(HeaderId::Require, "outbound"));
    id
}

fn call() -> (Bench, LegId, Sent) {
    let mut bench = Bench::new();
    let id = account(&mut bench);
    let leg = bench.place_with(Invite { registration: Some(id), ..invite() });
    let sent = bench.last_of(Method::Invite);
    assert_eq!(by(&bench, &sent), (Some(P), Some(FlowId::from(1))));
    (bench, leg, sent)
}

/// By which proxy the last INVITE goes, and by which connection it is to go there.
fn by<'s>(bench: &Bench, sent: &'s Sent) -> (Option<&'s str>, Option<FlowId>) {
    (sent.message.first(HeaderId::Route), bench.routes.last().expect("a route").flow)
}

fn ended(bench: &Bench, leg: LegId) -> Option<EndReason> {
    match bench.leg_events(leg).last() {
        Some(LegEvent::Ended(cause)) => Some(cause.reason.clone()),
        _ => None,
    }
}

#[test]
fn a_call_whose_proxy_is_of_no_use_goes_by_the_next_one() {
    let ends: [(Outcome<'_>, EndReason); 3] = [
        (&|bench, sent| bench.fail(sent, TxFailure::Flow), EndReason::Unreachable),
        (&|bench, sent| bench.fail(sent, TxFailure::Timeout), EndReason::NoAnswer),
        (
            &|bench, sent| bench.reply(sent, 503, PEER_TAG, |response| response),
            EndReason::Refused(StatusCode::SERVICE_UNAVAILABLE),
        ),
    ];
    for (end, reason) in ends {
        let (mut bench, leg, mut sent) = call();
        for proxy in [Q, R] {
            end(&mut bench, &sent);
            sent = bench.last_of(Method::Invite);
            assert_eq!(by(&bench, &sent), (Some(proxy), None));
            assert_eq!(sent.message.request_uri(), Some("sip:bob@example.com"));
            assert!(bench.leg_events(leg).iter().any(|event| matches!(event, LegEvent::RolledBack)));
        }
        end(&mut bench, &sent);
        assert_eq!((bench.count_of(Method::Invite), ended(&bench, leg)), (3, Some(reason)));
    }
}

#[test]
fn a_call_is_up_by_the_second_proxy() {
    let (mut bench, leg, sent) = call();
    bench.fail(&sent, TxFailure::Flow);
    let sent = bench.last_of(Method::Invite);
    bench.flow = 2;
    bench.pick_up(&sent, PEER_TAG);
    assert!(bench.has_up(leg));
    bench.leg(leg, LegCommand::HangUp { reason: None });
    let sent = bench.last_of(Method::Bye);
    bench.ok(&sent);
    assert_eq!(bench.routes.last().expect("a route").flow, Some(FlowId::from(2)));
}

#[test]
fn a_proxy_without_a_route_is_passed_over() {
    let mut bench = Bench::new();
    let id = account(&mut bench);
    bench.route_at_once = false;
    bench.place_with(Invite { registration: Some(id), ..invite() });
    let route = bench.routes.pop().expect("a route");
    bench.no_route = Some(RouteError::Unresolved);
    bench.answer_route(&route);
    bench.no_route = None;
    let route = bench.routes.pop().expect("a route");
    assert_eq!(route.uri, uri("sip:q.example.com;lr"));
    bench.answer_route(&route);
    assert_eq!(bench.last_of(Method::Invite).message.first(HeaderId::Route), Some(Q));
}

/// Somebody may have been alerted, and would be a second time.
#[test]
fn after_a_provisional_response_a_call_goes_by_no_other_proxy() {
    for status in [100, 180] {
        for failure in [TxFailure::Flow, TxFailure::Timeout] {
            let (mut bench, leg, sent) = call();
            bench.reply(&sent, status, PEER_TAG, |response| response);
            bench.fail(&sent, failure);
            assert_eq!(bench.count_of(Method::Invite), 1);
            assert!(ended(&bench, leg).is_some());
        }
    }
}

/// That is what the other side says, not the proxy.
#[test]
fn a_call_that_is_refused_goes_by_no_other_proxy() {
    for status in [403, 404, 408, 480, 486, 500, 504, 603] {
        let (mut bench, leg, sent) = call();
        bench.reply(&sent, status, PEER_TAG, |response| response);
        assert_eq!(bench.count_of(Method::Invite), 1);
        assert_eq!(ended(&bench, leg), Some(EndReason::Refused(code(status))));
    }
}

#[test]
fn a_call_that_was_given_up_goes_by_no_other_proxy() {
    let (mut bench, leg, sent) = call();
    bench.leg(leg, LegCommand::HangUp { reason: None });
    bench.fail(&sent, TxFailure::Timeout);
    assert_eq!((bench.count_of(Method::Invite), ended(&bench, leg)), (1, Some(EndReason::Cancelled)));
}

#[test]
fn routes_that_were_given_with_a_call_are_its_only_ones() {
    let mut bench = Bench::new();
    let id = account(&mut bench);
    let headers = vec![(HeaderId::Route, "<sip:mine.example.com;lr>".into())];
    bench.place_with(Invite { registration: Some(id), headers, ..invite() });
    let sent = bench.last_of(Method::Invite);
    assert_eq!(by(&bench, &sent), (Some("<sip:mine.example.com;lr>"), None));
    bench.fail(&sent, TxFailure::Flow);
    assert_eq!(bench.count_of(Method::Invite), 1);
}
