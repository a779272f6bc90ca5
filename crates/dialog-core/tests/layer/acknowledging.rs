//! What happens between the 2xx to our first INVITE and our ACK, whose route may take its time.

use dialog_core::{By, EndReason, LegCommand, LegEvent, LegId};
use sip_message::{HeaderId, Message, Method, StatusCode};
use sip_transport::RouteError;

use crate::{
    bench::{Bench, PEER_TAG},
    theirs::Theirs,
};

/// A call whose 2xx has come and whose ACK waits for its route.
fn accepted(bench: &mut Bench) -> LegId {
    let leg = bench.place();
    let sent = bench.last_of(Method::Invite);
    bench.route_at_once = false;
    bench.routes.clear();
    bench.pick_up(&sent, PEER_TAG);
    leg
}

fn answer_routes(bench: &mut Bench) {
    bench.route_at_once = true;
    for route in std::mem::take(&mut bench.routes) {
        bench.answer_route(&route);
    }
}

/// A request of the callee, by what our INVITE says.
fn theirs(invite: &Message, method: Method, cseq: u32) -> Theirs {
    Theirs {
        method,
        uri: "sip:alice@192.0.2.1".into(),
        call_id: invite.call_id().expect("a Call-ID").into(),
        from_tag: PEER_TAG.into(),
        to_tag: invite.from_tag().map(Into::into),
        cseq,
        headers: Vec::new(),
        body: None,
    }
}

#[test]
fn a_bye_before_our_ack_ends_the_call_after_it() {
    // covers: TR-254
    let mut bench = Bench::new();
    let leg = accepted(&mut bench);
    let invite = bench.last_of(Method::Invite).message;
    bench.request(theirs(&invite, Method::Bye, 1).header(HeaderId::Reason, "SIP;cause=480"));
    assert_eq!(bench.last_status(), 200);
    assert!(bench.ended(leg).is_none());
    answer_routes(&mut bench);
    assert!(matches!(bench.leg_events(leg).as_slice(), [.., LegEvent::Up(_), LegEvent::Ended(_)]));
    let cause = bench.ended(leg).expect("ended");
    assert_eq!((cause.by, cause.reason), (By::Remote, EndReason::Bye));
    assert_eq!(cause.header.as_deref(), Some("SIP;cause=480"));
    assert_eq!((bench.acks.len(), bench.count_of(Method::Bye)), (1, 0));
    bench.assert_clean();
}

#[test]
fn a_bye_before_our_ack_spares_the_bye_of_a_call_that_is_to_end_anyway() {
    let mut bench = Bench::new();
    let leg = accepted(&mut bench);
    let invite = bench.last_of(Method::Invite).message;
    bench.leg(leg, LegCommand::HangUp { reason: None });
    bench.request(theirs(&invite, Method::Bye, 1));
    answer_routes(&mut bench);
    assert_eq!((bench.acks.len(), bench.count_of(Method::Bye)), (1, 0));
    assert!(!bench.has_up(leg));
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Cancelled);
    bench.assert_clean();
}

#[test]
fn an_answer_that_cannot_be_used_is_acknowledged_and_ended_as_not_acceptable() {
    let mut bench = Bench::new();
    let leg = accepted(&mut bench);
    bench.leg(leg, LegCommand::Unacceptable { status: StatusCode::NOT_ACCEPTABLE_HERE });
    answer_routes(&mut bench);
    assert_eq!(bench.acks.len(), 1);
    let bye = bench.last_of(Method::Bye);
    bench.ok(&bye);
    let cause = bench.ended(leg).expect("ended");
    assert_eq!((cause.by, cause.reason), (By::Local, EndReason::NotAcceptable));
    assert_eq!(bench.order.iter().filter(|word| *word == "Closing").count(), 1, "told with its BYE");
    assert!(!bench.has_up(leg));
    bench.assert_clean();
}

#[test]
fn what_cannot_be_used_ends_a_call_in_every_stage() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    bench.leg(leg, LegCommand::Unacceptable { status: StatusCode::NOT_ACCEPTABLE_HERE });
    let bye = bench.last_of(Method::Bye);
    bench.ok(&bye);
    let ringing = bench.place();
    let invite = bench.last_of(Method::Invite);
    bench.reply(&invite, 180, PEER_TAG, |response| response);
    bench.leg(ringing, LegCommand::Unacceptable { status: StatusCode::NOT_ACCEPTABLE_HERE });
    assert_eq!(bench.cancelled.len(), 1);
    bench.reply(&invite, 487, PEER_TAG, |response| response);
    let request = Theirs::outside(Method::Invite).contact("<sip:bob@192.0.2.20>").sdp(crate::bench::OFFER);
    let (_, theirs) = bench.incoming(request);
    bench.leg(theirs, LegCommand::Unacceptable { status: StatusCode::BAD_REQUEST });
    assert_eq!(bench.last_status(), 400);
    for leg in [leg, ringing, theirs] {
        let cause = bench.ended(leg).expect("ended");
        assert_eq!((cause.by, cause.reason), (By::Local, EndReason::NotAcceptable));
    }
    bench.assert_clean();
}

#[test]
fn without_a_route_for_the_ack_the_bye_tries_its_own() {
    let mut bench = Bench::new();
    let leg = accepted(&mut bench);
    let ack = bench.routes.pop().expect("a question");
    bench.no_route = Some(RouteError::Unresolved);
    bench.answer_route(&ack);
    bench.no_route = None;
    answer_routes(&mut bench);
    let bye = bench.last_of(Method::Bye);
    assert!(bench.ended(leg).is_none() && bench.acks.is_empty());
    bench.ok(&bye);
    let cause = bench.ended(leg).expect("ended");
    assert_eq!((cause.by, cause.reason), (By::Network, EndReason::NoRoute(RouteError::Unresolved)));
    bench.assert_clean();
}

#[test]
fn before_the_2xx_no_request_belongs_to_the_call_and_none_spoils_its_numbers() {
    let mut bench = Bench::new();
    let leg = bench.place();
    let invite = bench.last_of(Method::Invite);
    let highest = (1 << 31) - 1;
    // Without a tag, as nobody has one yet.
    let stray = theirs(&invite.message, Method::Options, highest);
    let mut text = String::from_utf8(stray.message(1).bytes().to_vec()).expect("text");
    text = text.replace(&format!(";tag={PEER_TAG}"), "");
    let message = Message::parse(text.into_bytes().into()).expect("a message");
    let tx = bench.ids.mint();
    bench.receive(transaction_core::TxEvent::Request { tx, inbound: crate::bench::inbound(message) });
    assert_eq!(bench.last_status(), 481);
    bench.pick_up(&invite, PEER_TAG);
    assert!(bench.has_up(leg));
    bench.request(theirs(&invite.message, Method::Options, 1));
    assert_eq!(bench.last_status(), 200);
}
