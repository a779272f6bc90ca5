//! Where the requests of a dialog go while a call is transferred: its own route set, and the target that was said last.

use dialog_core::{Invite, LegCommand, LegId};
use sip_message::{HeaderId, Message, Method};

use crate::{
    bench::{ANSWER, Bench, OFFER, PEER_TAG, Sent, invite, uri},
    theirs::Theirs,
};

const NEAR: &str = "<sip:near.example.com;lr>";
const FAR: &str = "<sip:far.example.com;lr>";

fn routes(message: &Message) -> Vec<&str> {
    message.all(HeaderId::Route).collect()
}

/// A call of ours by way of two proxies; the nearer one is the lower Record-Route of the 2xx.
fn placed(bench: &mut Bench) -> LegId {
    let leg = bench.place();
    let sent = bench.last_sent();
    bench.reply(&sent, 200, PEER_TAG, |response| {
        response
            .header(HeaderId::RecordRoute, FAR)
            .header(HeaderId::RecordRoute, NEAR)
            .contact("<sip:bob@192.0.2.20>")
            .body("application/sdp", ANSWER)
    });
    leg
}

/// A call of theirs by way of two proxies; the nearer one is the upper Record-Route of the INVITE.
fn answered(bench: &mut Bench) -> LegId {
    let call = Theirs::outside(Method::Invite)
        .header(HeaderId::RecordRoute, NEAR)
        .header(HeaderId::RecordRoute, FAR)
        .contact("<sip:bob@192.0.2.20>")
        .sdp(OFFER);
    let (_, leg) = bench.incoming(call);
    bench.leg(leg, LegCommand::Accept { contact_user: None });
    let ok = bench.last_answer();
    bench.ack(&ok, None);
    leg
}

/// Refers the peer, and hears how it went; gives the REFER.
fn transferred(bench: &mut Bench, leg: LegId) -> Sent {
    bench.refer(leg);
    let refer = bench.last_of(Method::Refer);
    bench.reply(&refer, 202, PEER_TAG, |response| response);
    notify(bench, leg, "<sip:bob@192.0.2.20>", "refer", 200);
    refer
}

/// Their NOTIFY with this Contact, and how it must be answered.
#[track_caller]
fn notify(bench: &mut Bench, leg: LegId, contact: &str, event: &str, expected: u16) {
    let up = bench.established(leg);
    let notify = bench
        .theirs(Method::Notify, &up)
        .contact(contact)
        .header(HeaderId::Event, event)
        .header(HeaderId::SubscriptionState, "active;expires=60")
        .body("message/sipfrag", "SIP/2.0 180 Ringing");
    bench.request(notify);
    assert_eq!(bench.last_status(), expected);
}

#[test]
fn refer_and_bye_go_by_the_nearer_proxy_first_whoever_has_called() {
    // covers: EC-58
    for role in [placed, answered] {
        let mut bench = Bench::new();
        let leg = role(&mut bench);
        let refer = transferred(&mut bench, leg);
        let bye = bench.hang_up(leg);
        for sent in [refer, bye] {
            assert_eq!(routes(&sent.message), [NEAR, FAR]);
            assert_eq!(sent.message.request_uri(), Some("sip:bob@192.0.2.20"));
        }
        assert!(bench.routes.iter().rev().take(2).all(|route| route.uri == uri("sip:near.example.com;lr")));
    }
}

#[test]
fn after_a_refer_the_bye_goes_in_the_dialog_of_the_call_and_the_triggered_call_has_one_of_its_own() {
    // covers: EC-59
    let mut bench = Bench::new();
    let leg = placed(&mut bench);
    let dialog = bench.established(leg).dialog;
    let refer = transferred(&mut bench, leg);
    // We are referred as well, and call somebody else.
    let triggered = bench.place_with(Invite { target: uri("sip:carol@example.com"), ..invite() });
    let call = bench.last_of(Method::Invite);
    assert_ne!(call.message.call_id(), Ok(&*dialog.call_id));
    assert_ne!(call.message.from_tag(), Some(&*dialog.local_tag));
    assert_eq!((call.message.to_tag(), routes(&call.message)), (None, vec![]));
    bench.pick_up(&call, "carol-tag");
    let bye = bench.hang_up(leg);
    assert_eq!(bye.message.call_id(), Ok(&*dialog.call_id));
    assert_eq!(bye.message.from_tag(), Some(&*dialog.local_tag));
    assert_eq!(bye.message.to_tag(), Some(PEER_TAG));
    assert_eq!(routes(&bye.message), [NEAR, FAR]);
    let number = |sent: &Sent| sent.message.cseq().expect("a CSeq").number;
    assert_eq!(number(&bye), number(&refer) + 1);
    bench.ok(&bye);
    assert!(bench.ended(triggered).is_none());
    let bye = bench.hang_up(triggered);
    assert_eq!((bye.message.to_tag(), routes(&bye.message)), (Some("carol-tag"), vec![]));
}

#[test]
fn the_contact_of_a_notify_that_was_taken_is_where_the_next_requests_go_and_the_route_set_stays() {
    // covers: EC-64
    let mut bench = Bench::new();
    let leg = placed(&mut bench);
    transferred(&mut bench, leg);
    notify(&mut bench, leg, "<sip:bob@192.0.2.50>", "refer", 200);
    bench.refer(leg);
    let refer = bench.last_of(Method::Refer);
    assert_eq!(refer.message.request_uri(), Some("sip:bob@192.0.2.50"));
    // The Contact of a redirection is a place to call, not the peer's.
    bench.reply(&refer, 302, PEER_TAG, |response| response.contact("<sip:mallory@192.0.2.66>"));
    // Nor is that of a NOTIFY that belongs to nothing.
    notify(&mut bench, leg, "<sip:mallory@192.0.2.66>", "refer;id=77", 481);
    let bye = bench.hang_up(leg);
    assert_eq!(bye.message.request_uri(), Some("sip:bob@192.0.2.50"));
    assert_eq!(routes(&bye.message), [NEAR, FAR]);
}
