//! What calls take from the registration of their account.

use dialog_core::{DialogEvent, Invite, LegCommand, LegEvent, LegId, Refer, RegistrationId};
use sip_message::{HeaderId, Message, Method};
use sip_transport::FlowId;

use crate::{
    bench::{ANSWER, Bench, OFFER, PEER_TAG, address_of, invite, uri},
    registrar::{PUB_GRUU, TEMP_GRUU, account, register, registered, registered_outbound},
    theirs::Theirs,
};

fn by(registration: RegistrationId) -> Invite {
    Invite { registration: Some(registration), ..invite() }
}

fn contact(message: &Message) -> &str {
    message.first(HeaderId::Contact).expect("a Contact")
}

fn call_for(bench: &mut Bench, target: &str) -> (LegId, Option<RegistrationId>) {
    let request = Theirs { uri: target.into(), ..Theirs::outside(Method::Invite) };
    let (_, leg) = bench.incoming(request.contact("<sip:bob@192.0.2.20>").sdp(OFFER));
    let registration = bench.events.iter().find_map(|event| match event {
        DialogEvent::Leg(of, LegEvent::Incoming(call)) if *of == leg => Some(call.registration),
        _ => None,
    });
    (leg, registration.expect("a call"))
}

#[test]
fn a_call_goes_by_the_service_route_and_flow_with_the_gruu_as_contact() {
    // covers: TR-065
    let mut bench = Bench::new();
    let id = registered_outbound(&mut bench);
    let leg = bench.place_with(by(id));
    let sent = bench.last_of(Method::Invite);
    assert_eq!(sent.message.request_uri(), Some("sip:bob@example.com"));
    assert_eq!(sent.message.first(HeaderId::Route), Some("<sip:edge.example.com;lr>"));
    assert_eq!(contact(&sent.message), format!("<{PUB_GRUU}>"));
    let route = bench.routes.last().expect("a route");
    assert_eq!((&route.uri, route.flow), (&uri("sip:edge.example.com;lr"), Some(FlowId::from(1))));

    // It stays the Contact in the dialog.
    bench.pick_up(&sent, PEER_TAG);
    let subscription = bench.ids.mint();
    bench.leg(leg, LegCommand::Refer { subscription, refer: Refer::to(uri("sip:carol@example.com")).into() });
    assert_eq!(contact(&bench.last_of(Method::Refer).message), format!("<{PUB_GRUU}>"));
}

#[test]
fn a_call_of_no_account_is_as_it_was() {
    let mut bench = Bench::new();
    registered_outbound(&mut bench);
    bench.place();
    let sent = bench.last_of(Method::Invite);
    assert!(!sent.message.has(HeaderId::Route));
    assert_eq!(contact(&sent.message), "<sip:alice@192.0.2.1:5060;transport=tcp>");
}

#[test]
fn routes_given_with_a_call_come_before_those_of_the_account() {
    let mut bench = Bench::new();
    let id = registered_outbound(&mut bench);
    let headers = vec![(HeaderId::Route, "<sip:mine.example.com;lr>".into())];
    bench.place_with(Invite { headers, ..by(id) });
    let sent = bench.last_of(Method::Invite);
    assert_eq!(sent.message.first(HeaderId::Route), Some("<sip:mine.example.com;lr>"));
}

#[test]
fn before_there_is_a_service_route_a_call_goes_by_the_outbound_proxy() {
    let mut bench = Bench::new();
    let mut by_proxy = account();
    by_proxy.proxies = vec![uri("sip:edge.example.com")];
    let id = register(&mut bench, by_proxy);
    bench.place_with(by(id));
    let sent = bench.last_of(Method::Invite);
    assert_eq!(sent.message.first(HeaderId::Route), Some("<sip:edge.example.com;lr>"));
    assert_eq!(contact(&sent.message), "<sip:alice@192.0.2.1:5060>");
}

#[test]
fn without_a_gruu_the_contact_says_that_requests_come_by_the_flow() {
    let mut bench = Bench::new();
    bench.transport = sip_transport::Transport::Tcp;
    let id = register(&mut bench, crate::registrar::outbound_account());
    let sent = bench.last_sent();
    crate::registrar::accept_with(&mut bench, &sent, |it| it.header(HeaderId::Require, "outbound"));
    bench.place_with(by(id));
    let sent = bench.last_of(Method::Invite);
    assert_eq!(contact(&sent.message), "<sip:alice@192.0.2.1:5060;transport=tcp;ob>");
}

#[test]
fn a_call_in_finds_its_account_by_gruu_contact_or_address_of_record() {
    let mut bench = Bench::new();
    let id = registered_outbound(&mut bench);
    let mut other = dialog_core::Account::new(address_of("<sip:bob@example.org>")).expect("an account");
    other.contact_user = Some("b0b".into());
    bench.flow = 2;
    let second = registered(&mut bench, other);
    for target in [PUB_GRUU, TEMP_GRUU, "sip:alice@192.0.2.1:5060", "sip:alice@EXAMPLE.com"] {
        assert_eq!(call_for(&mut bench, target).1, Some(id), "{target}");
    }
    for target in ["sip:b0b@192.0.2.1", "sip:bob@example.org"] {
        assert_eq!(call_for(&mut bench, target).1, Some(second), "{target}");
    }
    // Unknown to both, but it came by the connection that is kept for the first one.
    assert_eq!(call_for(&mut bench, "sip:192.0.2.1").1, Some(id));
}

/// With a value or without; whatever else it holds is the peer's concern.
#[test]
fn a_gruu_of_the_peer_is_sent_back_unchanged() {
    // covers: TR-261
    for gruu in ["sip:bob@example.com;gr=urn:uuid:f81d4fae;x=%41", "sip:tgruu.7hs==@example.com;gr"] {
        let mut bench = Bench::new();
        let leg = bench.place();
        let sent = bench.last_of(Method::Invite);
        bench.reply(&sent, 200, PEER_TAG, |response| {
            response.contact(&format!("<{gruu}>")).body("application/sdp", ANSWER)
        });
        assert_eq!(bench.acks[0].message.request_uri(), Some(gruu));
        bench.leg(leg, LegCommand::HangUp { reason: None });
        assert_eq!(bench.last_of(Method::Bye).message.request_uri(), Some(gruu));
    }
}

#[test]
fn a_call_in_for_nobody_has_no_account() {
    let mut bench = Bench::new();
    bench.flow = 2;
    registered_outbound(&mut bench);
    assert_eq!(call_for(&mut bench, "sip:carol@192.0.2.1").1, None);
}

#[test]
fn an_answer_has_the_gruu_that_was_called_as_its_contact() {
    // covers: TR-065
    for target in [PUB_GRUU, TEMP_GRUU] {
        let mut bench = Bench::new();
        registered_outbound(&mut bench);
        let (leg, _) = call_for(&mut bench, target);
        bench.leg(leg, LegCommand::Ring);
        assert_eq!(contact(&bench.last_answer()), format!("<{target}>"));
        bench.leg(leg, LegCommand::Accept { contact_user: Some("alice".into()) });
        assert_eq!(bench.last_status(), 200);
        assert_eq!(contact(&bench.last_answer()), format!("<{target}>"));
    }
}
