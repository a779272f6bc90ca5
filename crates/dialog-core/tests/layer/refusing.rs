//! An offer in a 2xx whose call is not wanted: its ACK answers it all the same, with a refusal of every stream, and BYE
//! follows (RFC 3261 §13.2.2.4).

use std::net::IpAddr;

use bytes::Bytes;
use dialog_core::{DialogConfig, EndReason, Invite, LegCommand, LegId};
use sip_message::{HeaderId, Method};
use sip_transport::FlowId;

use crate::bench::{ANSWER, Bench, OFFER, PEER_TAG, Sent, invite};

/// What the ACK says: whose offer is refused, and from where.
const REFUSAL: &str = "no v=0 offer 192.0.2.1";

fn refuse(offer: &[u8], local: IpAddr) -> Option<Bytes> {
    Some(format!("no {} {local}", std::str::from_utf8(offer).ok()?).into())
}

/// A call without an offer.
fn offerless() -> (Bench, LegId, Sent) {
    let mut bench = Bench::with(DialogConfig { refuse_offer: refuse, ..DialogConfig::default() });
    let leg = bench.place_with(Invite { offerless: true, ..invite() });
    let sent = bench.last_sent();
    (bench, leg, sent)
}

fn pick_up(bench: &mut Bench, sent: &Sent, tag: &str) {
    bench.reply(sent, 200, tag, |response| {
        response.contact("<sip:bob@192.0.2.20>").body("application/sdp", OFFER)
    });
}

fn acks(bench: &Bench) -> Vec<String> {
    let body = |sent: &Sent| String::from_utf8_lossy(sent.message.body()).into_owned();
    bench.acks.iter().map(body).collect()
}

/// Whether the one BYE goes out behind the one ACK.
#[track_caller]
fn assert_refused(bench: &mut Bench, leg: LegId, reason: &EndReason) {
    assert_eq!(acks(bench), [REFUSAL]);
    let place = |word: &str| bench.order.iter().position(|other| other == word);
    assert!(place("ACK") < place("BYE"), "{:?}", bench.order);
    let bye = bench.last_of(Method::Bye);
    bench.ok(&bye);
    assert_eq!(&bench.ended(leg).expect("ended").reason, reason);
    assert!(!bench.has_up(leg));
    bench.assert_clean();
}

#[test]
fn an_offer_to_a_call_that_was_cancelled_is_refused_in_the_ack() {
    let (mut bench, leg, sent) = offerless();
    bench.leg(leg, LegCommand::HangUp { reason: None });
    assert_eq!(bench.cancelled.len(), 1);
    pick_up(&mut bench, &sent, PEER_TAG);
    assert_refused(&mut bench, leg, &EndReason::Cancelled);
}

#[test]
fn an_offer_is_refused_in_the_ack_when_the_call_is_given_up_while_its_answer_is_made() {
    let (mut bench, leg, sent) = offerless();
    bench.describe_at_once = false;
    pick_up(&mut bench, &sent, PEER_TAG);
    assert!(bench.acks.is_empty());
    bench.leg(leg, LegCommand::HangUp { reason: None });
    assert_refused(&mut bench, leg, &EndReason::Cancelled);
}

#[test]
fn an_offer_that_its_owner_cannot_answer_is_refused_in_the_ack() {
    let (mut bench, leg, sent) = offerless();
    bench.description = Some("");
    pick_up(&mut bench, &sent, PEER_TAG);
    assert_refused(&mut bench, leg, &EndReason::NotAcceptable);
}

#[test]
fn an_offer_beside_a_contact_that_cannot_be_read_is_refused_in_the_ack() {
    let (mut bench, leg, sent) = offerless();
    bench.reply(&sent, 200, PEER_TAG, |response| {
        response.header(HeaderId::Contact, "<<>").body("application/sdp", OFFER)
    });
    assert_refused(&mut bench, leg, &EndReason::NotAcceptable);
}

#[test]
fn the_offer_of_a_surplus_fork_is_refused_in_its_ack() {
    let (mut bench, leg, sent) = offerless();
    pick_up(&mut bench, &sent, PEER_TAG);
    pick_up(&mut bench, &sent, "other");
    assert_eq!(acks(&bench), [ANSWER, REFUSAL]);
    let bye = bench.last_of(Method::Bye);
    assert_eq!((bye.message.to_tag(), bench.count_of(Method::Bye)), (Some("other"), 1));
    assert!(bench.has_up(leg) && bench.ended(leg).is_none());
}

#[test]
fn an_answer_in_an_ack_is_repeated_over_another_flow_too() {
    let (mut bench, _, sent) = offerless();
    pick_up(&mut bench, &sent, PEER_TAG);
    bench.flow = u64::from(u32::MAX);
    assert_ne!(FlowId::from(bench.flow), FlowId::from(1));
    pick_up(&mut bench, &sent, PEER_TAG);
    assert_eq!(acks(&bench), [ANSWER, ANSWER]);
}

#[test]
fn an_answer_to_our_offer_is_refused_by_no_body() {
    let mut bench = Bench::with(DialogConfig { refuse_offer: refuse, ..DialogConfig::default() });
    let leg = bench.place();
    let sent = bench.last_sent();
    bench.leg(leg, LegCommand::HangUp { reason: None });
    bench.pick_up(&sent, PEER_TAG);
    bench.pick_up(&sent, "other");
    assert_eq!(acks(&bench), ["", ""]);
}
