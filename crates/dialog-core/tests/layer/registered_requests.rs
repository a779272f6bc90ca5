//! What subscriptions, REFERs outside of calls and other requests take from the registration of their account (RFC 3608 §5,
//! RFC 5627 §4.4).

use dialog_core::{
    LegCommand, Place, ReferSubscription, ReferTo, RegistrationCommand, RegistrationId, Subscribe,
    SubscriptionCommand,
};
use sip_message::{HeaderId, Method};
use sip_transport::FlowId;

use crate::{
    bench::{Bench, OFFER, PEER_TAG, Sent, address_of, invite, uri},
    hatch::{outside, plain, send},
    registrar::{PUB_GRUU, TEMP_GRUU, command, refuse, registered_outbound},
    subscribing::{notify, subscribe_with, wish},
    theirs::Theirs,
};

/// The Service-Route of the account.
const EDGE: &str = "<sip:edge.example.com;lr>";

fn by(registration: RegistrationId) -> Subscribe {
    Subscribe { registration: Some(registration), headers: Vec::new(), ..wish(600) }
}

fn refer(registration: RegistrationId) -> ReferTo {
    ReferTo {
        target: uri("sip:bob@example.com"),
        to: address_of("<sip:bob@example.com>"),
        from: address_of("<sip:alice@example.com>"),
        contact_user: None,
        registration: Some(registration),
        refer_to: uri("sip:carol@example.com"),
        referred_by: None,
        about: None,
        subscription: ReferSubscription::Implicit,
        headers: Vec::new(),
    }
}

/// It goes by the Service-Route and the flow of the account.
fn assert_routed(bench: &Bench, sent: &Sent) {
    assert_eq!(sent.message.first(HeaderId::Route), Some(EDGE));
    let route = bench.routes.last().expect("a route");
    assert_eq!((&route.uri, route.flow), (&uri("sip:edge.example.com;lr"), Some(FlowId::from(1))));
}

fn assert_contact(sent: &Sent) {
    assert_eq!(sent.message.first(HeaderId::Contact), Some(&*format!("<{PUB_GRUU}>")));
}

#[test]
fn a_subscription_goes_by_the_service_route_and_flow_with_the_gruu_as_contact() {
    let mut bench = Bench::new();
    let account = registered_outbound(&mut bench);
    let (id, sent) = subscribe_with(&mut bench, by(account));
    assert_routed(&bench, &sent);
    assert_contact(&sent);

    // It stays the Contact, and the notifier's route set takes over.
    bench.ok(&sent);
    let notify = notify(&sent.message, PEER_TAG, 1, "presence;id=7", "active;expires=600");
    bench.request(notify.header(HeaderId::RecordRoute, "<sip:recorded.example.com;lr>"));
    bench.subscription(id, SubscriptionCommand::Unsubscribe);
    let sent = bench.last_of(Method::Subscribe);
    assert_eq!(sent.message.first(HeaderId::Route), Some("<sip:recorded.example.com;lr>"));
    assert_contact(&sent);
}

#[test]
fn a_refer_outside_of_calls_goes_by_the_service_route_and_flow_with_the_gruu_as_contact() {
    // covers: TR-065
    let mut bench = Bench::new();
    let account = registered_outbound(&mut bench);
    let id = bench.ids.mint();
    bench.subscription(id, SubscriptionCommand::ReferTo(Box::new(refer(account))));
    let sent = bench.last_of(Method::Refer);
    assert_routed(&bench, &sent);
    assert_contact(&sent);
}

#[test]
fn a_request_outside_of_calls_goes_by_the_service_route_and_flow() {
    for method in [Method::Message, Method::Options, Method::Publish] {
        let mut bench = Bench::new();
        let account = registered_outbound(&mut bench);
        let Place::Outside { target, to, from, .. } = outside() else { panic!("it is outside") };
        let place = Place::Outside { target, to, from, registration: Some(account) };
        send(&mut bench, plain(place, method));
        let sent = bench.last_of(method);
        assert_routed(&bench, &sent);
        assert_eq!(sent.message.request_uri(), Some("sip:bob@example.com"));
    }
}

#[test]
fn routes_that_are_given_come_before_those_of_the_account_and_not_by_its_flow() {
    let mut bench = Bench::new();
    let account = registered_outbound(&mut bench);
    let (_, sent) = subscribe_with(&mut bench, Subscribe { registration: Some(account), ..wish(600) });
    assert_eq!(sent.message.first(HeaderId::Route), Some("<sip:proxy.example.com;lr>"));
    assert_eq!(bench.routes.last().expect("a route").flow, None);
    assert_contact(&sent);
}

#[test]
fn an_account_that_is_over_gives_nothing() {
    let mut bench = Bench::new();
    let account = registered_outbound(&mut bench);
    command(&mut bench, account, RegistrationCommand::Refresh);
    let sent = bench.last_sent();
    refuse(&mut bench, &sent, 403);
    let (_, sent) = subscribe_with(&mut bench, by(account));
    assert!(!sent.message.has(HeaderId::Route));
    assert_eq!(sent.message.first(HeaderId::Contact), Some("<sip:alice@192.0.2.1:5060;transport=tcp>"));
}

/// RFC 7614 §4.4: what became of a REFER in a call of the account, whoever began it.
#[test]
fn a_refer_is_followed_by_the_service_route_of_the_account_of_its_call() {
    for placed in [true, false] {
        let mut bench = Bench::new();
        let account = registered_outbound(&mut bench);
        let leg = if placed {
            let leg = bench.place_with(dialog_core::Invite { registration: Some(account), ..invite() });
            let sent = bench.last_of(Method::Invite);
            bench.pick_up(&sent, PEER_TAG);
            leg
        } else {
            let request = Theirs { uri: TEMP_GRUU.into(), ..Theirs::outside(Method::Invite) };
            let leg = bench.incoming(request.contact("<sip:bob@192.0.2.20>").sdp(OFFER)).1;
            bench.leg(leg, LegCommand::Accept { contact_user: None });
            let answer = bench.last_answer();
            bench.ack(&answer, None);
            leg
        };
        assert!(bench.has_up(leg));
        let subscription = bench.ids.mint();
        bench.leg(leg, LegCommand::FollowRefer { subscription, at: uri("sip:events@far.example.net") });
        let sent = bench.last_of(Method::Subscribe);
        assert_eq!(sent.message.request_uri(), Some("sip:events@far.example.net"));
        assert_routed(&bench, &sent);
        assert_contact(&sent);
    }
}
